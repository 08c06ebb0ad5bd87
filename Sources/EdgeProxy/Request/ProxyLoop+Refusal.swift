import HTTPMessage
import NIOCore
import Observability

/// Answers of the edge's own, in place of an origin's.
///
/// RFC 9211 section 2 would have an intermediary leave Cache-Status out of what it makes itself.
/// Here every answer carries it: for whoever looks for the reason of an answer it is the one place
/// to look, and without `hit` and `fwd` it claims no more than that nothing was looked up.
extension ProxyLoop {
  /// Refuses a request that has not got an exchange: answers it, counts it and logs it.
  func refuse<Writer: ResponseWriter>(
    _ status: Int, _ outcome: RequestOutcome, _ head: RequestHead, route: Route?,
    _ started: Int64, _ writer: Writer
  ) {
    writeRefusal(status, outcome, head: head, route: route, writer: writer)
    finish(outcome, status: status, head, started, writer)
  }

  /// Writes an error of the edge's own, whose end is the caller's to say.
  func writeRefusal<Writer: ResponseWriter>(
    _ status: Int, _ outcome: RequestOutcome, head: RequestHead, route: Route?, writer: Writer
  ) {
    let detail = outcome.reason.text
    makeAddedLines(outcome, ageSeconds: nil, head: head, route: route)
    addedLines.writeStaticString("Date: ")
    HTTPDate.write(clock.wallSeconds, into: &addedLines)
    addedLines.writeStaticString("\r\n")
    if outcome.result == .error || status == 508 {
      addedLines.writeStaticString("Proxy-Status: ")
      addedLines.writeImmutableBuffer(shared.name)
      addedLines.writeStaticString("; error=")
      addedLines.writeStaticString(
        status == 508 ? "proxy_loop_detected" : (outcome.failure ?? .other).proxyError)
      addedLines.writeStaticString("; details=\"")
      addedLines.writeStaticString(detail)
      addedLines.writeStaticString("\"\r\n")
    }
    if status == 426 {
      // The version that is spoken here (RFC 6455 section 4.4).
      addedLines.writeStaticString("Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n")
    }
    var body = ByteBuffer()
    ProblemDocument.write(status: status, detail: detail.bytes, into: &body)
    addedLines.withUnsafeReadableBytes { added in
      writer.start(
        status: status, storedLines: ProblemDocument.lines.bytes, addedLines: added,
        framing: head.method == .head
          ? .bodyless(contentLength: body.readableBytes) : .length(body.readableBytes))
    }
    if head.method != .head { writer.write(body) }
  }

  // MARK: What the front refuses by itself

  /// Counts and logs what the front has refused.
  public func refused(_ request: RefusedRequest) {
    metrics.count(.refused)
    metrics.countStatus(request.fault.status)
    guard let accessLog else { return }
    clock.refresh()
    var record = AccessRecord()
    record.remoteAddress = request.remoteAddress
    record.wallSeconds = clock.wallSeconds
    record.wallNanoseconds = clock.wallNanoseconds
    record.version = request.version.text
    record.isSecure = request.isSecure
    record.status = request.fault.status
    record.cacheResult = CacheResult.refused.text
    record.reason = ResultReason(request.fault).text
    accessLog.write(record)
  }

  /// Writes Cache-Status and X-Cache for an answer that the front gives.
  public func describe(_ fault: RequestFault, into lines: inout ByteBuffer) {
    var outcome = RequestOutcome()
    outcome.result = .refused
    outcome.reason = ResultReason(fault)
    makeAddedLines(outcome, ageSeconds: nil, head: nil, route: nil)
    lines.writeImmutableBuffer(addedLines)
  }
}

extension StaticString {
  fileprivate var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
  }
}
