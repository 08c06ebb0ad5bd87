import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore

/// `PURGE` on a listener that serves clients: the URL in all its variants, answered once that is
/// effective and on disk.
extension ProxyExchange {
  /// Purges, or refuses to; the answer comes later.
  func purge(_ access: PurgeAccess) {
    guard access.admits(head, from: remoteAddress) else {
      machine.outcome.reason = .purgeRefused
      return answer(403, "{\"status\":403,\"title\":\"Forbidden\"}\n")
    }
    machine.outcome.reason = .purge
    loop.metrics.count(.invalidationsByPurge)
    let selectors = loop.purgeSelectors(of: head, route: route)
    let kind = softness
    let store = loop.shared.store
    let eventLoop = loop.eventLoop
    Task {
      let receipt = await store.invalidate(selectors, kind: kind, isFollowed: false)
      eventLoop.execute {
        self.answer(
          receipt.isDurable ? 200 : 500,
          "{\"status\":\"\(receipt.isDurable ? "ok" : "not durable")\","
            + "\"id\":\"\(receipt.sequence)\"}\n")
      }
    }
  }

  /// Fastly's header for purges that mark stale.
  private var softness: InvalidationKind {
    var kind = InvalidationKind.hard
    Array("fastly-soft-purge".utf8).withUnsafeBytes { name in
      head.fields.forEach(named: name) { if $0.text == "1" { kind = .soft } }
    }
    return kind
  }

  private func answer(_ status: Int, _ content: String) {
    guard let writer else { return }
    loop.clock.refresh()
    noteStatus(status)
    loop.makeAddedLines(machine.outcome, ageSeconds: nil, head: head, route: route)
    loop.addedLines.writeStaticString(
      "Content-Type: application/json\r\nCache-Control: no-store\r\nDate: ")
    HTTPDate.write(loop.clock.wallSeconds, into: &loop.addedLines)
    loop.addedLines.writeStaticString("\r\n")
    loop.addedLines.withUnsafeReadableBytes { added in
      writer.start(
        status: status, storedLines: UnsafeRawBufferPointer(start: nil, count: 0),
        addedLines: added, framing: .length(content.utf8.count))
    }
    writer.write(ByteBuffer(string: content))
    complete(trailers: nil)
  }
}

extension ProxyLoop {
  /// What a PURGE of this request's URL takes: every key of it, whatever fields, devices and
  /// contents are part of them.
  func purgeSelectors(of head: RequestHead, route: Route) -> [InvalidationSelector] {
    writeKey(of: head, route: route)
    let host = keyHost
    var target = ByteBuffer()
    CacheKeyBuilder.writeTarget(head, rules: route.rules.key, into: &target)
    let text = String(buffer: target)
    var selectors: [InvalidationSelector] = [.url(host: host, target: text, ignoresQuery: false)]
    // What No-Vary-Search reduced has lost its query.
    if shared.hasSearchRecords, let mark = text.firstIndex(of: "?") {
      selectors.append(.url(host: host, target: String(text[..<mark]), ignoresQuery: false))
    }
    return selectors
  }
}
