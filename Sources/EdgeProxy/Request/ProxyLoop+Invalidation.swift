import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore

extension ProxyLoop {
  /// Removes the stored responses of an unsafe request's targets, in both tiers, and keeps fills of
  /// them that are under way from being stored (RFC 9111 section 4.4). Effective on return.
  func invalidateTargets(of head: RequestHead, response: OriginResponseHead) {
    UnsafeInvalidation.forEachTarget(request: head, response: response) { target in
      let head = head.retargeted(target)
      guard let route = routes.route(for: head) else { return }
      metrics.count(.invalidationsByMethod)
      invalidate(head, route: route)
    }
  }

  /// Invalidates the cache groups that the answer to an unsafe request names (RFC 9875 section 3).
  func invalidateGroups(of head: RequestHead, response: OriginResponseHead) {
    guard response.fields.contains(.cacheGroupInvalidation) else { return }
    var selectors: [InvalidationSelector] = []
    CacheGroups(invalidatedBy: response.fields, method: head.method).forEachTag(request: head) {
      selectors.append(.tag(TagHash($0)))
    }
    if selectors.isEmpty { return }
    metrics.count(.invalidationsByMethod)
    shared.store.invalidateSoon(selectors)
  }

  private func invalidate(_ head: RequestHead, route: Route) {
    writeKey(of: head, route: route)
    let host = keyHost
    let hash = key.withUnsafeReadableBytes { shared.store.hasher.hash($0) }
    shared.registry.doom(hash)
    // A variant list goes with its salt, and with that all its variants become unreachable.
    shared.store.remove(hash)
    if shared.hasSearchRecords, reduceKey(of: head, route: route) {
      removeSearchRecord(of: head, route: route)
    }
    let rules = route.rules.key
    let isAlone =
      rules.headers.isEmpty && rules.cookies.isEmpty && !rules.includesDeviceClass
      && !shared.hasQueries
    if isAlone { return }
    // Fields, device classes and the content of a QUERY make any number of keys of one URL: only a
    // rule reaches them all.
    var target = ByteBuffer()
    CacheKeyBuilder.writeTarget(head, rules: rules, into: &target)
    shared.store.invalidateSoon([
      .url(host: host, target: String(buffer: target), ignoresQuery: false)
    ])
  }
}

extension ProxyLoop {
  /// Host and port as the key in ``key`` has them; nil when the route's keys have none.
  var keyHost: String? {
    let line = key.readableBytesView.prefix { $0 != UInt8(ascii: "\n") }
    let text = String(decoding: line, as: UTF8.self)
    guard let start = text.firstRange(of: "://")?.upperBound else { return nil }
    let host = text[start...].prefix { $0 != "/" }
    return host.isEmpty ? nil : String(host)
  }
}

extension RequestHead {
  /// The same request for another target of the same authority.
  func retargeted(_ newTarget: UnsafeRawBufferPointer) -> RequestHead {
    var head = self
    var bytes = ByteBuffer()
    fields.bytes.withUnsafeReadableBytes { _ = bytes.writeBytes($0) }
    let offset = bytes.readableBytes
    bytes.writeBytes(newTarget)
    head.fields = FieldBlock(bytes: bytes, entries: fields.entries, presence: fields.presence)
    head.target = TextRange(offset: offset, count: newTarget.count)
    let mark = newTarget.firstIndex(of: UInt8(ascii: "?"))
    head.path = TextRange(offset: offset, count: mark ?? newTarget.count)
    head.query = mark.map { TextRange(offset: offset + $0 + 1, count: newTarget.count - $0 - 1) }
    return head
  }
}
