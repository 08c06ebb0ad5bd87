import CNghttp2
import HTTPMessage
import NIOCore

/// From a whole head to an exchange, and to its end.
extension HTTP2Session {
  /// Bytes of responses from which on exchanges hold back and new requests wait: what is under way
  /// by then still has room.
  private var pressureBytes: Int { limits.http2.bufferedBytes * 2 / 3 }

  /// Whether responses and their heads may grow, for a stream with so much of ``reservedBytes``.
  func hasRoom(reserved: Int = 0) -> Bool {
    responseBytes + reservedBytes - reserved < pressureBytes
      && sessionByteCount < limits.http2.sessionBytes / 2
  }

  /// Makes a request of a head and has it answered; whether somebody keeps the head.
  func begin(_ stream: HTTP2Stream, _ reader: HTTP2HeadReader) -> Bool {
    requestCount += 1
    idleDeadline = .distantFuture
    rates.priorities.allow(10)
    // Some clients widen every stream's window as they open it.
    rates.windowUpdates.allow(2)
    guard headBytes + responseBytes < limits.http2.bufferedBytes else {
      pool.statistics.refusedStreams.add()
      reset(stream, NGHTTP2_REFUSED_STREAM)
      return false
    }
    if let limit = limits.requestsPerConnection, requestCount >= limit { beginGoAway() }
    stream.response = .awaited
    stream.isHeadRequest = reader.isHeadRequest
    let head: RequestHead
    do {
      head = try reader.makeHead(isSecure: isSecure, endsStream: stream.requestHasEnded)
    } catch {
      // A few bytes may unpack to a head of any size: reading that is what costs.
      if error == .headTooLarge || error == .tooManyFields { countProvoked() }
      refuse(stream, error)
      return false
    }
    statistics.requests.add()
    pool.statistics.streams.add()
    if case .length(let length) = head.framing, let limit = limits.requestBodyBytes,
      length > limit
    {
      refuse(stream, .contentTooLarge)
      return false
    }
    if let client, let seconds = client.takeRequest(now: .now()) {
      refuse(stream, .tooManyRequests, retryAfterSeconds: seconds)
      return false
    }
    stream.owesContinue = head.expectsContinue
    guard hasRoom() else {
      hold(head, for: stream)
      return true
    }
    dispatch(stream, head)
    return stream.exchange != nil
  }

  private func hold(_ head: RequestHead, for stream: HTTP2Stream) {
    let head = head.compacted()
    stream.heldHead = head
    stream.heldBytes =
      head.fields.bytes.readableBytes + head.fields.count * MemoryLayout<FieldEntry>.stride
    headBytes += stream.heldBytes
    holdsHeads = true
  }

  /// Has requests answered that had to wait; whether any was.
  func dispatchHeld() -> Bool {
    guard holdsHeads, hasRoom() else { return false }
    holdsHeads = false
    var hasDispatched = false
    let streams = streams.sorted { $0.id < $1.id }
    for stream in streams {
      guard let head = stream.heldHead else { continue }
      guard hasRoom(), phase == .open else {
        holdsHeads = true
        break
      }
      stream.heldHead = nil
      headBytes -= stream.heldBytes
      stream.heldBytes = 0
      dispatch(stream, head)
      hasDispatched = true
    }
    return hasDispatched
  }

  private func dispatch(_ stream: HTTP2Stream, _ head: RequestHead) {
    isInResponder = true
    let exchange = respond(to: head, stream: stream)
    isInResponder = false
    if case .none = stream.response {
      // Content that came while the head was held, and that nobody took.
      return dropContent(stream)
    }
    guard let exchange else {
      preconditionFailure("no exchange for a request that is not answered: \(stream.response)")
    }
    guard phase == .open else { return exchange.clientClosed(.disconnected) }
    stream.exchange = exchange
  }

  /// Answers what could not be read, or could not be served, before it became a request.
  private func refuse(
    _ stream: HTTP2Stream, _ fault: RequestFault, retryAfterSeconds: Int? = nil
  ) {
    statistics.count(fault)
    answer(stream, fault, retryAfterSeconds: retryAfterSeconds)
    noteRefused(fault)
  }

  private func answer(
    _ stream: HTTP2Stream, _ fault: RequestFault, retryAfterSeconds: Int? = nil
  ) {
    let answer = FaultResponse(fault, retryAfterSeconds: retryAfterSeconds, describe: describe)
    answer.lines.withUnsafeReadableBytes { lines in
      start(
        stream, status: answer.status,
        storedLines: UnsafeRawBufferPointer(start: nil, count: 0), addedLines: lines,
        framing: answer.framing(isHead: stream.isHeadRequest))
    }
    if !stream.isHeadRequest { write(stream, answer.body) }
    finish(stream, trailers: nil)
  }

  /// The request being answered cannot go on: it is answered with `fault` if that is still
  /// possible, else cut short, and the exchange hears why.
  func fail(_ stream: HTTP2Stream, _ fault: RequestFault, reason: ClientCloseReason) {
    statistics.count(fault)
    // What the exchange has begun is in vain, as after a reset.
    if case .badContent = reason { countProvoked() }
    let exchange = stream.exchange
    stream.exchange = nil
    stream.heldHead = nil
    if case .awaited = stream.response {
      answer(stream, fault)
    } else {
      reset(stream, NGHTTP2_CANCEL)
    }
    exchange?.clientClosed(reason)
  }

  /// Resets a stream on this side's own account; its exchange is the caller's to tell.
  func reset(_ stream: HTTP2Stream, _ code: nghttp2_error_code) {
    stream.response = .none
    dropContent(stream)
    dropPending(stream)
    guard !stream.isResetOurs else { return }
    stream.isResetOurs = true
    nghttp2_submit_rst_stream(session, HTTP2Wire.none, stream.id, code.rawValue)
    outputChanged()
  }

  /// Throws away content that nobody will take, and lets the client send to other streams instead.
  func dropContent(_ stream: HTTP2Stream) {
    stream.wantsContent = false
    stream.contentDeadline = nil
    stream.owesContinue = false
    let count = stream.content.readableBytes
    guard count > 0 else { return }
    stream.content = ByteBuffer()
    contentBytes -= count
    nghttp2_session_consume_connection(session, count)
  }

  private func dropPending(_ stream: HTTP2Stream) {
    stream.pending.removeAll()
    responseBytes -= stream.countedBytes
    headBytes -= stream.heldBytes
    stream.countedBytes = 0
    stream.heldBytes = 0
    stream.heldHead = nil
    stream.owesDrained = false
    endReservation(stream)
  }

  /// libnghttp2 has done with a stream: both sides have ended it, or one has reset it.
  func streamClosed(_ id: Int32, code: UInt32) {
    guard let index = stream(id)?.index else { return }
    let last = streams.count - 1
    if index != last {
      streams.swapAt(index, last)
      streams[index].index = index
    }
    let stream = streams.removeLast()
    if stream.response.isOpen || stream.exchange != nil {
      // A stream that libnghttp2 resets breaks the rules for content (RFC 9113 section 8.1.1).
      let isMalformed = !stream.isResetByClient && code == NGHTTP2_PROTOCOL_ERROR.rawValue
      let exchange = stream.exchange
      stream.exchange = nil
      stream.response = .none
      exchange?.clientClosed(
        stream.isCut
          ? .timedOut : isMalformed ? .badContent(.badContentLength) : .disconnected)
    }
    if id == sectionStream {
      // Its section broke off, or it came to nothing.
      sectionDeadline = nil
      reader.map { pool.giveBack($0, isShared: false) }
      reader = nil
      trailers = nil
    }
    stream.session = nil
    giveBackHeadRoom(of: stream)
    dropContent(stream)
    dropPending(stream)
    if streams.isEmpty { idleDeadline = now + limits.idleTimeout }
    pool.giveBack(stream)
  }
}

extension HTTP2ResponseState {
  /// Whether the response has not come to its end.
  var isOpen: Bool {
    if case .none = self { false } else { true }
  }
}
