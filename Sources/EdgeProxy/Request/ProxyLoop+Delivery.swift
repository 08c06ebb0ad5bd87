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
    let metadata = object.metadata
    var status = Int(metadata.status)
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
        outcome, ageSeconds: metadata.freshness.age(now: clock.wallSeconds), head: head,
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
    finish(outcome, status: status, head, started, writer)
  }

  /// Ends a response that was handed over within one call, counts it and logs it.
  @inline(__always)
  func finish<Writer: ResponseWriter>(
    _ outcome: RequestOutcome, status: Int, _ head: RequestHead, _ started: Int64,
    _ writer: Writer
  ) {
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

  // MARK: Lines

  /// Makes ``addedLines``: Age, and where the route shows them Cache-Status (RFC 9211) and X-Cache.
  func makeAddedLines(
    _ outcome: RequestOutcome, ageSeconds: Int64?, head: RequestHead?, route: Route?
  ) {
    addedLines.clear()
    let showsStatus = route?.showsCacheStatus ?? true
    let showsKey = showsStatus && head?.fields.contains(.edgeDebug) ?? false
    if outcome.isPlainHit, showsStatus, !showsKey, let ageSeconds,
      let remainingSeconds = outcome.remainingSeconds
    {
      shared.hitLines.write(
        ageSeconds: ageSeconds, remainingSeconds: remainingSeconds, into: &addedLines)
      return
    }
    shared.name.withUnsafeReadableBytes { name in
      let bound = Self.addedLinesBound(outcome, name: name)
      addedLines.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { space in
        var lines = HeadWriter(space: space)
        if let ageSeconds {
          lines.write("Age: ")
          lines.writeDecimal(Int(ageSeconds))
          lines.write("\r\n")
        }
        if showsStatus {
          lines.write("Cache-Status: ")
          lines.write(name)
          Self.writeCacheStatusParameters(outcome, to: &lines)
          if !showsKey { Self.writeResultLine(outcome, name: name, to: &lines) }
        }
        return lines.count
      }
      guard showsKey, let head else { return }
      writeKeyParameter(head, route)
      addedLines.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { space in
        var lines = HeadWriter(space: space)
        Self.writeResultLine(outcome, name: name, to: &lines)
        return lines.count
      }
    }
  }

  /// The most bytes that the lines of an outcome take, its key aside: their fixed text and numbers
  /// are below 256.
  private static func addedLinesBound(
    _ outcome: RequestOutcome, name: UnsafeRawBufferPointer
  ) -> Int {
    256 + 2 * name.count + outcome.reason.text.utf8CodeUnitCount
      + outcome.result.text.utf8CodeUnitCount + (outcome.forward?.text.utf8CodeUnitCount ?? 0)
  }

  /// Ends the Cache-Status line and writes X-Cache.
  private static func writeResultLine(
    _ outcome: RequestOutcome, name: UnsafeRawBufferPointer, to lines: inout HeadWriter
  ) {
    lines.write("\r\nX-Cache: ")
    lines.write(outcome.result.text)
    lines.write(" from ")
    lines.write(name)
    lines.write("\r\n")
  }

  private static func writeCacheStatusParameters(
    _ outcome: RequestOutcome, to lines: inout HeadWriter
  ) {
    if let forward = outcome.forward, outcome.result != .staleHit || outcome.forwardStatus != nil {
      lines.write("; fwd=")
      lines.write(forward.text)
      if let status = outcome.forwardStatus {
        lines.write("; fwd-status=")
        lines.writeDecimal(status)
      }
    } else if outcome.result == .hit || outcome.result == .staleHit {
      lines.write("; hit")
    }
    if let seconds = outcome.remainingSeconds {
      lines.write("; ttl=")
      lines.writeDecimal(Int(seconds))
    }
    if outcome.isStored { lines.write("; stored") }
    if outcome.isCollapsed { lines.write("; collapsed") }
    lines.write("; detail=")
    lines.write(outcome.reason.text)
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
    // As long as a WebSocket is open says nothing of how fast requests are answered.
    case _ where response.status == 101: metrics.count(.webSockets)
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
