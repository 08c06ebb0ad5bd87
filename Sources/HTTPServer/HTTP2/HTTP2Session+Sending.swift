import CNghttp2
import HTTPMessage
import NIOCore

/// From waiting responses to frames in the output.
extension HTTP2Session {
  /// Does what can be done, after every entry point.
  func pump() {
    guard !isPumping, !isReceiving, phase == .open else { return }
    isPumping = true
    while phase == .open, abuse == nil {
      let hasDelivered = deliverContent()
      endCutExchanges()
      sendFrames()
      let hasDispatched = dispatchHeld()
      let hasDrained = callDrained()
      if !hasDelivered, !hasDispatched, !hasDrained { break }
    }
    isPumping = false
    if phase == .open { checkEnd() }
  }

  /// Has the transport look at the output, unless that will happen anyway.
  @inline(__always)
  func outputChanged() {
    if !isPumping, !isReceiving { transport?.scheduleResume() }
  }

  /// Takes frames from libnghttp2 until it has none, or the output is full.
  func sendFrames() {
    guard let session else { return }
    isSendBlocked = false
    while phase == .open {
      guard transportIsWritable, output.byteCount < outputMarkBytes else {
        isSendBlocked = true
        return
      }
      var bytes: UnsafePointer<UInt8>?
      let count = nghttp2_session_mem_send(session, &bytes)
      if count == 0 { return }
      guard count > 0 else {
        note(.bufferLimit)
        return
      }
      output.append(UnsafeRawBufferPointer(start: bytes, count: count))
    }
  }

  /// libnghttp2 asks how much content the next DATA frame carries.
  func readContent(
    _ stream: HTTP2Stream, limit: Int, flags: UnsafeMutablePointer<UInt32>
  ) -> Int {
    let waiting = stream.pending.byteCount
    let count = min(limit, waiting)
    if count == 0, !stream.hasAllContent {
      stream.isDeferred = true
      return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    }
    if count > 0 { flags.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue }
    if stream.hasAllContent, count == waiting {
      flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
      if let trailers = stream.trailers, submitTrailers(trailers, of: stream) {
        flags.pointee |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
      }
    }
    return count
  }

  /// Submits trailers, those left out that would frame the message anew; false when none is left.
  private func submitTrailers(_ trailers: FieldBlock, of stream: HTTP2Stream) -> Bool {
    stream.trailers = nil
    return trailers.bytes.withUnsafeReadableBytes { bytes in
      pool.fields.beginTrailers()
      for entry in trailers.entries
      where entry.known == .other || !KnownFieldSet.forbiddenTrailers.contains(entry.known) {
        pool.fields.add(name: entry.name.slice(of: bytes), value: entry.value.slice(of: bytes))
      }
      guard pool.fields.count > 0 else { return false }
      return nghttp2_submit_trailer(session, stream.id, pool.fields.fields, pool.fields.count)
        == 0
    }
  }

  /// Writes one DATA frame: the library's nine bytes of header, and the content as it lies here.
  func sendContent(_ stream: HTTP2Stream, header: UnsafePointer<UInt8>, count: Int) -> Int32 {
    guard output.byteCount < outputMarkBytes else {
      isSendBlocked = true
      return NGHTTP2_ERR_WOULDBLOCK.rawValue
    }
    // Gone when the stream was reset after the library had asked.
    guard stream.pending.byteCount >= count else { return HTTP2Wire.streamFailure }
    output.append(UnsafeRawBufferPointer(start: header, count: HTTP2Wire.frameHeaderCount))
    stream.pending.move(count, to: &output)
    let counted = min(stream.countedBytes, count)
    stream.countedBytes -= counted
    responseBytes -= counted
    stream.progressBytes += count
    return 0
  }

  func frameSent(_ frame: UnsafePointer<nghttp2_frame>) {
    let header = frame.pointee.hd
    switch header.type {
    case HTTP2Wire.data:
      // Careful clients widen both windows for every 4 KiB that they have read.
      rates.windowUpdates.allow(2 + header.length / 2048)
      rates.pings.allow(1)
      if header.flags & HTTP2Wire.endStream != 0 { responseSent(header.stream_id) }
    case HTTP2Wire.headers:
      if header.flags & HTTP2Wire.endStream != 0 { responseSent(header.stream_id) }
    case HTTP2Wire.reset:
      guard stream(header.stream_id)?.isResetOurs != true else { return }
      pool.statistics.provokedResets.add()
      countProvoked()
    case HTTP2Wire.goAway:
      if frame.pointee.goaway.error_code != NGHTTP2_NO_ERROR.rawValue { hasFailed = true }
    default: break
    }
  }

  /// Counts a stream that the client has made come to nothing, by which it costs as much as one
  /// that the client resets itself.
  func countProvoked() {
    if rates.provokedResets.exceeds(limits.http2.provokedResets, now: now) {
      note(.provokedReset)
    }
  }

  /// The whole response is out. Content that the client still sends is of no use: it is told to
  /// stop (RFC 9113 section 8.1).
  private func responseSent(_ id: Int32) {
    guard let stream = stream(id), !stream.requestHasEnded, !stream.isResetOurs else { return }
    stream.isResetOurs = true
    nghttp2_submit_rst_stream(session, HTTP2Wire.none, id, NGHTTP2_NO_ERROR.rawValue)
  }

  /// A frame could not be sent. Of a response's head that leaves nothing to wait for.
  func frameNotSent(_ header: nghttp2_frame_hd) {
    guard header.type == HTTP2Wire.headers, let stream = stream(header.stream_id) else { return }
    reset(stream, NGHTTP2_INTERNAL_ERROR)
    stream.isCut = true
    mayBeCut = true
  }
}
