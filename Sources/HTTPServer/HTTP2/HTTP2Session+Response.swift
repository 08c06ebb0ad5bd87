import CNghttp2
import HTTPMessage
import NIOCore

/// The responses' side: what an ``HTTP2Stream`` forwards to as a writer.
extension HTTP2Session {
  func writeInformational(_ stream: HTTP2Stream, status: Int, fields: FieldBlock) {
    // 101 has no meaning in HTTP/2 (RFC 9113 section 8.6).
    guard case .awaited = stream.response, (100..<200).contains(status), status != 101 else {
      return
    }
    if status == 100 { stream.owesContinue = false }
    fields.bytes.withUnsafeReadableBytes { bytes in
      pool.fields.begin(status: status)
      for entry in fields.entries {
        pool.fields.add(name: entry.name.slice(of: bytes), value: entry.value.slice(of: bytes))
      }
      let submitted = nghttp2_submit_headers(
        session, HTTP2Wire.none, stream.id, nil, pool.fields.fields, pool.fields.count, nil)
      if submitted < 0 { reset(stream, NGHTTP2_INTERNAL_ERROR) }
    }
    outputChanged()
  }

  func start(
    _ stream: HTTP2Stream, status: Int, storedLines: UnsafeRawBufferPointer,
    addedLines: UnsafeRawBufferPointer, framing: ResponseFraming
  ) {
    // What an exchange says after the end, or of a stream that was reset meanwhile, does nothing.
    guard stream.response.isOpen else { return }
    guard case .awaited = stream.response else {
      preconditionFailure("a second head, status \(status), in state \(stream.response)")
    }
    stream.owesContinue = false
    guard
      var room = takeHeadRoom(
        of: stream,
        bytes: HTTP2FieldArray.digitsCount + ownLines.count + storedLines.count + addedLines.count)
    else {
      note(.bufferLimit)
      return cut(stream, NGHTTP2_INTERNAL_ERROR)
    }
    pool.fields.begin(status: status, in: room)
    room += HTTP2FieldArray.digitsCount
    var hasContent = true
    switch framing {
    case .length(let count):
      pool.fields.addContentLength(count)
      stream.response = .counted(remaining: count)
      hasContent = count > 0
    case .streamed: stream.response = .streamed
    case .bodyless(let count):
      if let count, status != 204 { pool.fields.addContentLength(count) }
      stream.response = .bodyless
      hasContent = false
    }
    ownLines.withUnsafeBytes { ownLines in
      // The connection's own lines come first: of two Strict-Transport-Security a browser obeys
      // the first (RFC 6797 section 8.1).
      room = pool.fields.add(lines: ownLines, movedTo: room)
    }
    room = pool.fields.add(lines: storedLines, movedTo: room)
    _ = pool.fields.add(lines: addedLines, movedTo: room)
    submit(stream, hasContent: hasContent)
    outputChanged()
  }

  /// Submits the head laid out in the pool.
  private func submit(_ stream: HTTP2Stream, hasContent: Bool) {
    let submitted: Int32
    if hasContent {
      var provider = HTTP2Callbacks.provider(of: stream)
      submitted = nghttp2_submit_response(
        session, stream.id, pool.fields.fields, pool.fields.count, &provider)
    } else {
      submitted = nghttp2_submit_response(
        session, stream.id, pool.fields.fields, pool.fields.count, nil)
    }
    guard submitted != 0 else { return }
    if submitted == NGHTTP2_ERR_NOMEM.rawValue { note(.bufferLimit) }
    cut(stream, NGHTTP2_INTERNAL_ERROR)
  }

  func write(_ stream: HTTP2Stream, bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 0, account(stream, bytes.count, counts: true) else { return }
    stream.pending.append(bytes)
    contentAdded(stream)
  }

  func write(_ stream: HTTP2Stream, _ chunk: ByteBuffer) {
    let count = chunk.readableBytes
    // Large buffers that a hit hands over are the store's, and stay so while they wait here.
    let isShared = isInResponder && count >= HTTP2BodyQueue.wholeBytes
    guard count > 0, account(stream, count, counts: !isShared) else { return }
    stream.pending.append(chunk)
    contentAdded(stream)
  }

  /// Counts content that is about to wait; false when the stream takes no more.
  private func account(_ stream: HTTP2Stream, _ count: Int, counts: Bool) -> Bool {
    switch stream.response {
    case .counted(let remaining):
      precondition(count <= remaining, "\(count) bytes of content where \(remaining) are declared")
      stream.response = .counted(remaining: remaining - count)
    case .streamed: break
    case .none: return false
    case .awaited, .bodyless:
      preconditionFailure("\(count) bytes of content in state \(stream.response)")
    }
    stream.contentBytesWritten += count
    guard counts else { return true }
    // An exchange that does not hold back must not take the connection beyond its limit.
    endReservation(stream)
    guard headBytes + responseBytes + count <= limits.http2.bufferedBytes || isInResponder else {
      pool.statistics.add(.bufferLimit)
      cut(stream, NGHTTP2_ENHANCE_YOUR_CALM)
      return false
    }
    stream.countedBytes += count
    responseBytes += count
    return true
  }

  @inline(__always)
  private func contentAdded(_ stream: HTTP2Stream) {
    if stream.isDeferred {
      stream.isDeferred = false
      nghttp2_session_resume_data(session, stream.id)
    }
    outputChanged()
  }

  func finish(_ stream: HTTP2Stream, trailers: FieldBlock?) {
    switch stream.response {
    case .none: return
    case .awaited: preconditionFailure("a response ended before its head")
    // Too few bytes: the response must not look complete.
    case .counted(let remaining) where remaining > 0: return abort(stream)
    case .counted, .bodyless, .streamed: break
    }
    stream.hasAllContent = true
    if let trailers, !trailers.isEmpty { stream.trailers = trailers }
    endResponse(stream)
    contentAdded(stream)
  }

  func abort(_ stream: HTTP2Stream) {
    guard stream.response.isOpen else { return }
    endResponse(stream)
    reset(stream, NGHTTP2_INTERNAL_ERROR)
  }

  /// Nobody will write any more; what waits is still sent.
  private func endResponse(_ stream: HTTP2Stream) {
    stream.response = .none
    stream.exchange = nil
    stream.owesDrained = false
    endReservation(stream)
    dropContent(stream)
  }

  /// Resets a stream from within a call of its exchange, which hears of it afterwards.
  private func cut(_ stream: HTTP2Stream, _ code: nghttp2_error_code) {
    reset(stream, code)
    stream.isCut = true
    mayBeCut = true
  }

  /// Tells the exchanges whose streams were cut off.
  func endCutExchanges() {
    guard mayBeCut else { return }
    mayBeCut = false
    let streams = streams
    for stream in streams where stream.isCut {
      let exchange = stream.exchange
      stream.exchange = nil
      stream.isCut = false
      exchange?.clientClosed(.timedOut)
    }
  }

  // MARK: Back-pressure

  /// Whether a stream's response may grow.
  private func isWritable(_ stream: HTTP2Stream) -> Bool {
    guard stream.pending.byteCount < limits.http2.streamBufferBytes,
      hasRoom(reserved: stream.reservedBytes)
    else { return false }
    return nghttp2_session_get_stream_remote_window_size(session, stream.id) > 0
      && nghttp2_session_get_remote_window_size(session) > 0
  }

  /// ``isWritable(_:)`` as the exchange sees it: a no is followed by `outputDrained()`.
  func checkWritable(_ stream: HTTP2Stream) -> Bool {
    guard stream.response.isOpen else { return false }
    if isWritable(stream) {
      // What it writes may come from a disk: until it does, or until the next tick, it counts.
      if stream.reservedBytes == 0 {
        stream.reservedBytes = Self.reservationBytes
        reservedBytes += Self.reservationBytes
      }
      return true
    }
    stream.owesDrained = true
    mayOweDrained = true
    return false
  }

  /// What an exchange that was told to go on writes at once: a chunk of the store's.
  private static var reservationBytes: Int { 64 << 10 }

  func endReservation(_ stream: HTTP2Stream) {
    reservedBytes -= stream.reservedBytes
    stream.reservedBytes = 0
  }

  /// Tells the exchanges that wait for it that they may go on; whether any did.
  func callDrained() -> Bool {
    guard mayOweDrained else { return false }
    mayOweDrained = false
    var hasCalled = false
    let streams = streams
    for stream in streams where stream.owesDrained {
      guard phase == .open, isWritable(stream) else {
        mayOweDrained = true
        continue
      }
      stream.owesDrained = false
      hasCalled = true
      stream.exchange?.outputDrained()
    }
    return hasCalled
  }
}
