import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore
import Observability

/// What a response is logged and counted with.
struct FinishedResponse {
  var outcome: RequestOutcome
  var status: Int
  var bytes: Int
  var startedNanoseconds: Int64
}

extension ProxyLoop {
  /// Answers from an object whose body is in memory, whole: the hit path.
  func deliver<Writer: ResponseWriter>(
    _ object: StoredObject, _ outcome: RequestOutcome, to head: RequestHead, route: Route,
    started: Int64, writer: Writer
  ) {
    var status = Int(object.metadata.status)
    if head.fields.presence.intersects(StoredAnswer.specialFields) || head.method != .get
      || status == 204 || object.kind == .compressed
    {
      let answer = object.answer(to: head, boundary: randomNumber())
      status = answer.status
      start(answer, of: object, outcome, head: head, route: route, writer: writer)
      guard write(answer, of: object, to: writer) else {
        return cutInflating(
          object, status, outcome, head: head, started: started, writer: writer)
      }
    } else {
      makeAddedLines(
        outcome, ageSeconds: object.metadata.freshness.age(now: clock.wallSeconds), head: head,
        route: route)
      if object.isNegotiated { addVary() }
      addedLines.withUnsafeReadableBytes { added in
        object.withParts { stored, body in
          writer.start(
            status: status, storedLines: stored, addedLines: added,
            framing: .length(object.bodyCount))
          writer.write(bytes: body)
        }
      }
      for chunk in object.bodyChunks { writer.write(chunk) }
    }
    transformIfWanted(object, head, route)
    let bytes = writer.contentBytesWritten
    let remoteAddress = accessLog == nil ? nil : writer.remoteAddress
    writer.finish(trailers: nil)
    record(
      FinishedResponse(
        outcome: outcome, status: status, bytes: bytes, startedNanoseconds: started),
      head: head, remoteAddress: remoteAddress)
  }

  /// Sends the head of an answer from the store.
  func start<Writer: ResponseWriter>(
    _ answer: StoredAnswer, of object: StoredObject, _ outcome: RequestOutcome, head: RequestHead,
    route: Route, writer: Writer
  ) {
    makeAddedLines(
      outcome, ageSeconds: object.metadata.freshness.age(now: clock.wallSeconds), head: head,
      route: route)
    if let extra = answer.extraLines { addedLines.writeImmutableBuffer(extra) }
    if object.isNegotiated { return startNegotiated(answer, of: object, writer: writer) }
    object.withLines { stored in
      start(answer, storedLines: stored, writer: writer)
    }
  }

  /// Sends the head of an answer over these stored lines, with ``addedLines``.
  func start<Writer: ResponseWriter>(
    _ answer: StoredAnswer, storedLines stored: UnsafeRawBufferPointer, writer: Writer
  ) {
    if answer.status == 206 { metrics.count(.rangeServed) }
    if answer.status == 304 { metrics.count(.notModified) }
    guard answer.excludedFields != [] else {
      return addedLines.withUnsafeReadableBytes { added in
        writer.start(
          status: answer.status, storedLines: stored, addedLines: added, framing: answer.framing)
      }
    }
    var lines = ByteBuffer()
    FieldBlock(lines: ByteBuffer(bytes: stored)).writeLines(
      into: &lines, except: answer.excludedFields)
    lines.withUnsafeReadableBytes { stored in
      addedLines.withUnsafeReadableBytes { added in
        writer.start(
          status: answer.status, storedLines: stored, addedLines: added, framing: answer.framing)
      }
    }
  }

  /// Answers with an error of the edge's own: a problem document (RFC 9457).
  func refuse<Writer: ResponseWriter>(
    _ status: Int, detail: StaticString, _ outcome: RequestOutcome, head: RequestHead,
    route: Route?, writer: Writer
  ) {
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
    var body = ByteBuffer()
    body.writeStaticString("{\"type\":\"about:blank\",\"title\":\"")
    body.writeStaticString(Self.title(of: status))
    body.writeStaticString("\",\"status\":")
    body.writeDecimal(status)
    body.writeStaticString(",\"detail\":\"")
    body.writeStaticString(detail)
    body.writeStaticString("\"}\n")
    let lines: StaticString =
      "Content-Type: application/problem+json\r\nCache-Control: no-store\r\n"
    addedLines.withUnsafeReadableBytes { added in
      writer.start(
        status: status,
        storedLines: UnsafeRawBufferPointer(
          start: lines.utf8Start, count: lines.utf8CodeUnitCount),
        addedLines: added,
        framing: head.method == .head
          ? .bodyless(contentLength: body.readableBytes) : .length(body.readableBytes))
    }
    if head.method != .head { writer.write(body) }
  }

  private static func title(of status: Int) -> StaticString {
    switch status {
    case 404: "Not Found"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 508: "Loop Detected"
    default: "Error"
    }
  }

  // MARK: Lines

  /// Makes ``addedLines``: Age, and where the route shows them Cache-Status (RFC 9211) and X-Cache.
  func makeAddedLines(
    _ outcome: RequestOutcome, ageSeconds: Int64?, head: RequestHead, route: Route?
  ) {
    addedLines.clear()
    if let ageSeconds {
      addedLines.writeStaticString("Age: ")
      addedLines.writeDecimal(Int(ageSeconds))
      addedLines.writeStaticString("\r\n")
    }
    guard route?.showsCacheStatus ?? true else { return }
    addedLines.writeStaticString("Cache-Status: ")
    writeName()
    writeCacheStatusParameters(outcome)
    if head.fields.contains(.edgeDebug) { writeKeyParameter(head, route) }
    addedLines.writeStaticString("\r\nX-Cache: ")
    addedLines.writeStaticString(outcome.result.text)
    addedLines.writeStaticString(" from ")
    writeName()
    addedLines.writeStaticString("\r\n")
  }

  private func writeName() {
    shared.name.withUnsafeReadableBytes { _ = addedLines.writeBytes($0) }
  }

  private func writeCacheStatusParameters(_ outcome: RequestOutcome) {
    if let forward = outcome.forward, outcome.result != .staleHit || outcome.forwardStatus != nil {
      addedLines.writeStaticString("; fwd=")
      addedLines.writeStaticString(forward.text)
      if let status = outcome.forwardStatus {
        addedLines.writeStaticString("; fwd-status=")
        addedLines.writeDecimal(status)
      }
    } else if outcome.result == .hit || outcome.result == .staleHit {
      addedLines.writeStaticString("; hit")
    }
    if let seconds = outcome.remainingSeconds {
      addedLines.writeStaticString("; ttl=")
      addedLines.writeDecimal(Int(seconds))
    }
    if outcome.isStored { addedLines.writeStaticString("; stored") }
    if outcome.isCollapsed { addedLines.writeStaticString("; collapsed") }
    addedLines.writeStaticString("; detail=")
    addedLines.writeStaticString(outcome.reason.text)
  }

  /// The cache key as a String item: shown when the request carries Edge-Debug.
  private func writeKeyParameter(_ head: RequestHead, _ route: Route?) {
    guard let route else { return }
    var key = ByteBuffer()
    CacheKeyBuilder.write(head, rules: route.rules.key, routeSalt: route.keySalt, into: &key)
    addedLines.writeStaticString("; key=\"")
    for byte in key.readableBytesView {
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
        addedLines.writeInteger(UInt8(ascii: "\\"))
      }
      // A structured String holds printable ASCII only (RFC 9651 section 3.3.3).
      addedLines.writeInteger(byte >= 0x20 && byte < 0x7F ? byte : UInt8(ascii: " "))
    }
    addedLines.writeStaticString("\"")
  }

  // MARK: Log and metrics

  /// Counts and logs a request that has been answered.
  func record(_ response: FinishedResponse, head: RequestHead, remoteAddress: SocketAddress?) {
    let now = clock.monotonicNow()
    let duration = now - response.startedNanoseconds
    metrics.count(response.outcome.result.counter)
    metrics.count(.responseBytes, by: response.bytes)
    metrics.countStatus(response.status)
    switch response.outcome.result {
    case .hit, .staleHit: metrics.recordLatency(.hit, nanoseconds: duration)
    case .miss, .refreshHit: metrics.recordLatency(.miss, nanoseconds: duration)
    case .pass, .error, .refused: metrics.recordLatency(.other, nanoseconds: duration)
    }
    if response.outcome.isCollapsed { metrics.count(.coalesced) }
    if response.outcome.result == .staleHit {
      metrics.count(.staleServed)
      if response.outcome.reason == .staleIfError { metrics.count(.staleOnError) }
    }
    if response.outcome.result == .hit { metrics.count(.cachedResponseBytes, by: response.bytes) }
    guard let accessLog else { return }
    head.fields.bytes.withUnsafeReadableBytes { bytes in
      var record = AccessRecord()
      record.remoteAddress = remoteAddress
      record.wallSeconds = clock.wallSeconds
      record.wallNanoseconds = clock.wallNanoseconds
      record.method = head.methodName.slice(of: bytes)
      record.target = head.target.slice(of: bytes)
      record.host = head.authority.slice(of: bytes)
      for entry in head.fields.entries {
        if entry.known == .referer { record.referer = entry.value.slice(of: bytes) }
        if entry.known == .userAgent { record.userAgent = entry.value.slice(of: bytes) }
      }
      record.version = head.version.text
      record.isSecure = head.isSecure
      record.status = response.status
      record.bytes = response.bytes
      record.durationNanoseconds = duration
      record.cacheResult = response.outcome.result.text
      record.reason = response.outcome.reason.text
      accessLog.write(record)
    }
  }
}

extension OriginFailure.Kind {
  /// The error type of RFC 9209 section 2.3.
  var proxyError: StaticString {
    switch self {
    case .refused: "connection_refused"
    case .unresolved: "dns_error"
    case .unreachable: "destination_ip_unroutable"
    case .connectTimeout: "connection_timeout"
    case .tls: "tls_protocol_error"
    case .reset: "connection_terminated"
    case .firstByteTimeout, .idleTimeout: "http_response_timeout"
    case .truncated: "http_response_incomplete"
    case .malformed: "http_protocol_error"
    case .headTooLarge: "http_response_header_section_size"
    case .queueTimeout, .queueFull: "connection_limit_reached"
    case .badRequestBody: "http_request_error"
    case .shutdown: "destination_unavailable"
    case .other: "proxy_internal_error"
    }
  }
}

extension CacheResult {
  /// The counter of requests that came to this result.
  var counter: MetricCounter {
    switch self {
    case .hit: .hit
    case .staleHit: .stale
    case .refreshHit: .refreshHit
    case .miss: .miss
    case .pass: .pass
    case .error: .error
    case .refused: .refused
    }
  }
}
