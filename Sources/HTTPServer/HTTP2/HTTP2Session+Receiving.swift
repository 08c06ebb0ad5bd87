import CNghttp2
import HTTPMessage
import NIOCore

/// What the client sends: frames counted against their rates, heads, content, trailers.
extension HTTP2Session {
  /// Counts every frame, before it is read any further and whether or not it is of any use.
  func frameBegan(_ header: nghttp2_frame_hd) {
    // Nothing but CONTINUATION may stand within a section: it has ended, well or not.
    if header.type != HTTP2Wire.continuation { sectionDeadline = nil }
    let isAcknowledgement = header.flags & HTTP2Wire.acknowledged != 0
    switch header.type {
    case HTTP2Wire.headers, HTTP2Wire.continuation: break
    case HTTP2Wire.data:
      if header.length == 0, header.flags & HTTP2Wire.endStream == 0 { countEmptyData() }
    case HTTP2Wire.windowUpdate:
      if rates.windowUpdates.exceeds(limits.http2.windowUpdates, now: now) {
        note(.windowUpdateFlood)
      }
    case HTTP2Wire.reset:
      pool.statistics.clientResets.add()
      if rates.clientResets.exceeds(limits.http2.clientResets, now: now) { note(.rapidReset) }
    case HTTP2Wire.ping:
      // Acknowledgements of pings that were never sent are no better than pings.
      if rates.pings.exceeds(limits.http2.pings, now: now) { note(.pingFlood) }
    case HTTP2Wire.settings:
      if !isAcknowledgement, rates.settings.exceeds(limits.http2.settings, now: now) {
        note(.settingsFlood)
      }
    case HTTP2Wire.priority, HTTP2Wire.priorityUpdate:
      if rates.priorities.exceeds(limits.http2.priorities, now: now) { note(.priorityFlood) }
    default:
      if rates.otherFrames.exceeds(limits.http2.otherFrames, now: now) {
        note(.otherFrameFlood)
      }
    }
  }

  private func countEmptyData() {
    if rates.emptyData.exceeds(limits.http2.emptyData, now: now) { note(.emptyDataFlood) }
  }

  /// Remembers what ends the connection as soon as libnghttp2 returns.
  func note(_ abuse: HTTP2Abuse) {
    if self.abuse == nil { self.abuse = abuse }
  }

  // MARK: Heads and trailers

  /// A head or a trailer section begins.
  func sectionBegan(_ id: Int32, isRequest: Bool) -> Int32 {
    sectionStream = id
    sectionDeadline = now + limits.headerTimeout
    guard isRequest else {
      trailers = FieldBlock()
      trailerBytes = 0
      return 0
    }
    // One is left over when the section before broke off.
    if let reader { reader.reset(isShared: false) } else { reader = pool.takeReader() }
    let stream = pool.takeStream(eventLoop: eventLoop)
    stream.session = self
    stream.id = id
    stream.remoteAddress = remoteAddress
    stream.index = streams.count
    streams.append(stream)
    nghttp2_session_set_stream_user_data(
      session, id, Unmanaged.passUnretained(stream).toOpaque())
    return 0
  }

  /// A field of the section, well-formed as far as libnghttp2 sees.
  func fieldCame(
    _ id: Int32, name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
  ) -> Int32 {
    if let fieldReader {
      let isBomb = fieldReader._withUnsafeGuaranteedRef { reader in
        reader.add(name: name, value: value, limits: limits.head)
        return reader.isBomb(limits.head)
      }
      guard isBomb else { return 0 }
      note(.headerBomb)
      return HTTP2Wire.streamFailure
    }
    guard trailers != nil else { return 0 }
    guard name.count <= HTTP2HeadReader.nameLimitBytes else { return HTTP2Wire.streamFailure }
    trailerBytes += name.count + value.count + 4
    if trailerBytes > HTTP2HeadReader.bombFactor * limits.head.headSizeBytes {
      note(.headerBomb)
      return HTTP2Wire.streamFailure
    }
    let known = KnownField(name)
    if trailerBytes <= limits.head.headSizeBytes, trailers?.count ?? 0 < limits.head.fieldCount,
      known == .other || !KnownFieldSet.forbiddenTrailers.contains(known)
    {
      trailers?.append(name: name, value: value, known: known)
    }
    return 0
  }

  /// A whole frame, checked by libnghttp2.
  func frameCame(_ frame: UnsafePointer<nghttp2_frame>) {
    let header = frame.pointee.hd
    switch header.type {
    case HTTP2Wire.headers:
      sectionEnded(
        header, isRequest: frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST)
    case HTTP2Wire.data:
      if header.length > 0, header.length == frame.pointee.data.padlen,
        header.flags & HTTP2Wire.endStream == 0
      {
        countEmptyData()
      }
      if header.flags & HTTP2Wire.endStream != 0, let stream = stream(header.stream_id) {
        contentEnded(stream, trailers: nil)
      }
    case HTTP2Wire.reset: stream(header.stream_id)?.isResetByClient = true
    case HTTP2Wire.ping:
      if header.flags & HTTP2Wire.acknowledged != 0, case .announced = drain { endDrain() }
    default: break
    }
  }

  private func sectionEnded(_ header: nghttp2_frame_hd, isRequest: Bool) {
    sectionStream = 0
    sectionDeadline = nil
    let endsStream = header.flags & HTTP2Wire.endStream != 0
    if isRequest {
      guard let reader else { return }
      self.reader = nil
      guard abuse == nil, let stream = stream(header.stream_id) else {
        return pool.giveBack(reader, isShared: false)
      }
      stream.requestHasEnded = endsStream
      let isShared = begin(stream, reader)
      pool.giveBack(reader, isShared: isShared)
    } else {
      let trailers = trailers
      self.trailers = nil
      guard let stream = stream(header.stream_id) else { return }
      stream.requestHasEnded = true
      if trailerBytes > limits.head.headSizeBytes {
        return fail(stream, .badTrailer, reason: .badContent(.badTrailer))
      }
      contentEnded(stream, trailers: trailers?.isEmpty ?? true ? nil : trailers)
    }
  }

  // MARK: Content

  func contentCame(_ id: Int32, _ bytes: UnsafeRawBufferPointer) {
    guard let stream = stream(id), stream.exchange != nil || stream.heldHead != nil else {
      // Nobody will take it: the other streams must not run out of window for it. Its own stream's
      // window stays used up, which bounds what is sent in vain.
      nghttp2_session_consume_connection(session, bytes.count)
      return
    }
    stream.contentBytesReceived += bytes.count
    stream.contentMeter.add(bytes.count)
    if let limit = limits.requestBodyBytes, stream.contentBytesReceived > limit {
      nghttp2_session_consume_connection(session, bytes.count)
      return fail(stream, .contentTooLarge, reason: .badContent(.contentTooLarge))
    }
    stream.content.writeBytes(bytes)
    contentBytes += bytes.count
    if stream.wantsContent { mayDeliver = true }
  }

  private func contentEnded(_ stream: HTTP2Stream, trailers: FieldBlock?) {
    stream.requestHasEnded = true
    stream.requestTrailers = trailers
    if stream.wantsContent { mayDeliver = true }
  }

  /// The exchange takes content.
  func requestBodyChunk(_ stream: HTTP2Stream) {
    guard stream.exchange != nil || isInResponder else { return }
    if case .none = stream.response { return }
    stream.wantsContent = true
    stream.contentDeadline = now + limits.bodyTimeout
    if stream.owesContinue, stream.content.readableBytes == 0, !stream.requestHasEnded,
      case .awaited = stream.response
    {
      writeInformational(stream, status: 100, fields: FieldBlock())
    }
    stream.owesContinue = false
    mayDeliver = true
    outputChanged()
  }

  /// Answers the exchanges' wishes for content as far as there is some; whether any was answered.
  func deliverContent() -> Bool {
    guard mayDeliver else { return false }
    mayDeliver = false
    var hasDelivered = false
    // A copy: streams may end meanwhile.
    let streams = streams
    for stream in streams where stream.wantsContent {
      guard let exchange = stream.exchange else { continue }
      if stream.content.readableBytes > 0 {
        stream.wantsContent = false
        stream.contentDeadline = nil
        let chunk = stream.content
        stream.content = ByteBuffer()
        contentBytes -= chunk.readableBytes
        // Taken: the client may send as much again.
        nghttp2_session_consume(session, stream.id, chunk.readableBytes)
        exchange.receiveBody(chunk)
        hasDelivered = true
      } else if stream.requestHasEnded {
        stream.wantsContent = false
        stream.contentDeadline = nil
        exchange.receiveBodyEnd(trailers: stream.requestTrailers)
        hasDelivered = true
      }
      if phase != .open { break }
    }
    return hasDelivered
  }
}
