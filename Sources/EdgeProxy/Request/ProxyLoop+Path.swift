import CachePolicy
import HTTPMessage
import NIOCore

// Requests that end at the edge for where they have been, or how far they may go.
extension ProxyLoop {
  /// The fields that say so.
  static let pathFields: KnownFieldSet = [.cdnLoop, .maxForwards]

  /// Answers a request that has come through this edge before (RFC 8586), or whose last recipient
  /// the edge is (RFC 9110 section 7.6.2); false for all others.
  func endsHere<Writer: ResponseWriter>(
    _ head: RequestHead, _ route: Route, _ started: Int64, _ writer: Writer
  ) -> Bool {
    var machine = RequestStateMachine(isOnlyIfCached: false)
    if shared.name.withUnsafeReadableBytes({ ForwardedFields.isLoop(head, name: $0) }) {
      _ = machine.handle(.looped)
      refuse(508, machine.outcome, head, route: route, started, writer)
      return true
    }
    guard ForwardingLimit(head) == .reached else { return false }
    machine.outcome.reason = .lastRecipient
    answerAsLastRecipient(head, route, machine.outcome, writer)
    finish(machine.outcome, status: 200, head, started, writer)
    return true
  }

  /// TRACE gets its request back, without what is secret in it (RFC 9110 section 9.3.8); OPTIONS
  /// the methods that pass through here (section 9.3.7).
  private func answerAsLastRecipient<Writer: ResponseWriter>(
    _ head: RequestHead, _ route: Route, _ outcome: RequestOutcome, _ writer: Writer
  ) {
    let isTrace = head.method == .trace
    var content = ByteBuffer()
    if isTrace {
      content.writeImmutableBuffer(head.slice(head.methodName))
      content.writeStaticString(" ")
      content.writeImmutableBuffer(head.slice(head.target))
      content.writeStaticString(" HTTP/")
      content.writeStaticString(head.version.text)
      content.writeStaticString("\r\n")
      head.fields.writeLines(into: &content, except: Self.secretFields)
      content.writeStaticString("\r\n")
    }
    makeAddedLines(outcome, ageSeconds: nil, head: head, route: route)
    addedLines.writeStaticString("Date: ")
    HTTPDate.write(clock.wallSeconds, into: &addedLines)
    addedLines.writeStaticString("\r\n")
    let lines: StaticString =
      isTrace
      ? "Content-Type: message/http\r\nCache-Control: no-store\r\n"
      : "Allow: GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS, TRACE, QUERY\r\n"
    addedLines.withUnsafeReadableBytes { added in
      writer.start(
        status: 200,
        storedLines: UnsafeRawBufferPointer(
          start: lines.utf8Start, count: lines.utf8CodeUnitCount),
        addedLines: added, framing: .length(content.readableBytes))
    }
    writer.write(content)
  }

  private static let secretFields: KnownFieldSet = [.authorization, .cookie, .proxyAuthorization]
}
