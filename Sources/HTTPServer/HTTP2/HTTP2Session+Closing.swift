import CNghttp2
import HTTPMessage
import NIOCore

/// The end: graceful, for a fault of the client's, or at once.
extension HTTP2Session {
  /// Time for requests that cross the first GOAWAY, if the client does not answer the PING.
  private static var announcementTime: TimeAmount { .seconds(1) }

  /// Takes no further request once those under way are answered; an idle connection closes at once.
  public func beginDrain(now: NIODeadline) {
    self.now = now
    isDraining = true
    beginGoAway()
    pump()
  }

  /// Turns a client away: there are too many connections.
  /// - Parameter lingers: whether the client gets time to read that.
  public func reject(_ fault: RequestFault, lingers: Bool) {
    statistics.count(fault)
    // Its SETTINGS have to come first (RFC 9113 section 3.4).
    sendFrames()
    writeGoAway(NGHTTP2_NO_ERROR)
    startClosing(lingers ? .lingering : .afterOutput)
    noteRefused(fault)
  }

  /// Announces the end. Requests may be on their way, so the first GOAWAY names no last stream; the
  /// one that does follows when the client has seen the first (RFC 9113 section 6.8).
  func beginGoAway() {
    guard case .none = drain else { return }
    guard !streams.isEmpty else { return endDrain() }
    drain = .announced(until: now + Self.announcementTime)
    nghttp2_submit_shutdown_notice(session)
    nghttp2_submit_ping(session, HTTP2Wire.none, nil)
    outputChanged()
  }

  /// Names the last stream that is answered.
  func endDrain() {
    drain = .final
    nghttp2_submit_goaway(
      session, HTTP2Wire.none, nghttp2_session_get_last_proc_stream_id(session),
      NGHTTP2_NO_ERROR.rawValue, nil, 0)
    outputChanged()
  }

  /// Ends the connection if there is a reason to, after every entry point.
  func checkEnd() {
    if let abuse {
      pool.statistics.add(abuse)
      return failFatally(NGHTTP2_ENHANCE_YOUR_CALM)
    }
    if hasFailed {
      pool.statistics.protocolErrors.add()
      return startClosing(.lingering)
    }
    guard streams.isEmpty else { return }
    if inputHasEnded { return startClosing(.afterOutput) }
    if case .announced = drain { return }
    if nghttp2_session_want_read(session) == 0, nghttp2_session_want_write(session) == 0 {
      startClosing(.lingering)
    }
  }

  /// Ends the connection with GOAWAY, past libnghttp2 and all that waits in it.
  func failFatally(_ code: nghttp2_error_code) {
    writeGoAway(code)
    startClosing(.lingering)
  }

  /// Writes a GOAWAY frame (RFC 9113 section 6.8). The output holds whole frames at any time.
  private func writeGoAway(_ code: nghttp2_error_code) {
    let last = session.map { nghttp2_session_get_last_proc_stream_id($0) } ?? 0
    output.append { buffer in
      // Length 8 in 24 bits, type, flags, stream 0.
      buffer.writeInteger(UInt32(8 << 8) | UInt32(HTTP2Wire.goAway))
      buffer.writeInteger(UInt8(0))
      buffer.writeInteger(UInt32(0))
      buffer.writeInteger(UInt32(bitPattern: last))
      buffer.writeInteger(code.rawValue)
    }
  }

  func startClosing(
    _ intent: ConnectionCloseIntent, _ reason: ClientCloseReason = .disconnected
  ) {
    phase = .closing
    closeIntent = intent == .lingering && inputHasEnded ? .afterOutput : intent
    lingerDeadline = now + limits.lingerTimeout
    dropStreams(reason)
  }

  /// The transport is gone, or is to be cut off: the exchanges under way hear of it.
  public func close(_ reason: ClientCloseReason) {
    guard phase != .closed else { return }
    phase = .closed
    if closeIntent == .none { closeIntent = .afterOutput }
    dropStreams(reason)
  }

  /// Cuts all streams off from the connection. libnghttp2 still points to them, but is neither fed
  /// nor drained any more, and its callbacks find no open session.
  private func dropStreams(_ reason: ClientCloseReason) {
    let streams = streams
    self.streams = []
    contentBytes = 0
    headBytes = 0
    responseBytes = 0
    reservedBytes = 0
    reader = nil
    trailers = nil
    for stream in streams {
      stream.session = nil
      leaveHeadRoom(of: stream)
    }
    for stream in streams {
      let exchange = stream.exchange
      stream.exchange = nil
      stream.response = .none
      stream.pending.removeAll()
      stream.content = ByteBuffer()
      exchange?.clientClosed(reason)
    }
  }

  // MARK: Time

  /// When ``tick(now:unsentBytes:)`` is next needed if nothing happens before: the idle deadline
  /// of a connection without a stream; else the distant past, which means every 250 ms.
  public var restsUntil: NIODeadline {
    guard phase == .open, streams.isEmpty, sectionDeadline == nil, output.isEmpty, !isSendBlocked,
      case .none = drain
    else { return .distantPast }
    return idleDeadline
  }

  /// Checks the connection's deadlines; every 250 ms or so where ``restsUntil`` allows no less.
  /// - Parameter unsentBytes: how many of the bytes taken by ``takeOutput(_:)`` the transport
  ///   still holds.
  public func tick(now: NIODeadline, unsentBytes: Int) {
    self.now = now
    guard phase != .closed, !checkSending(unsentBytes) else { return }
    guard phase == .open else {
      guard now >= lingerDeadline, closeIntent == .lingering else { return }
      if unsentBytes > 0 || !output.isEmpty {
        lingerDeadline = now + limits.lingerTimeout
      } else {
        closeIntent = .afterOutput
      }
      return
    }
    if let sectionDeadline, now >= sectionDeadline {
      statistics.count(.headerTimeout)
      failFatally(NGHTTP2_ENHANCE_YOUR_CALM)
      return noteRefused(.headerTimeout)
    }
    if streams.isEmpty {
      checkIdle(unsentBytes)
    } else {
      checkStreams(isTaken: unsentBytes == 0)
    }
    if case .announced(let limit) = drain, now >= limit { endDrain() }
    pump()
  }

  private func checkIdle(_ unsentBytes: Int) {
    guard now >= idleDeadline else { return }
    if unsentBytes > 0 || !output.isEmpty {
      // The client is still reading; whether it does is the send time-out's.
      idleDeadline = now + limits.idleTimeout
      return
    }
    statistics.idleTimeouts.add()
    failFatally(NGHTTP2_NO_ERROR)
  }

  private func checkStreams(isTaken: Bool) {
    let streams = streams
    for stream in streams where phase == .open && abuse == nil {
      endReservation(stream)
      if let deadline = stream.contentDeadline, now >= deadline {
        stream.contentDeadline = nil
        fail(stream, .bodyTimeout, reason: .timedOut)
        continue
      }
      if stream.contentMeter.isTooSlow(
        isWaiting: stream.wantsContent && !stream.requestHasEnded,
        bytesPerSecond: limits.contentBytesPerSecond, window: limits.rateWindow, now: now)
      {
        fail(stream, .bodyTooSlow, reason: .timedOut)
        continue
      }
      checkProgress(of: stream, isTaken: isTaken)
    }
  }

  /// What a waiting response has to move by within the send time-out: the minimum rate, as far as
  /// the windows of a client that keeps up with it cannot be mistaken for shut.
  private var leastProgressBytes: Int {
    let seconds = Int(clamping: limits.sendTimeout.nanoseconds / 1_000_000_000)
    let rate = min(limits.sendBytesPerSecond, 1 << 20) * min(seconds, 1 << 20)
    return max(limits.http2.leastProgressBytes, min(rate, 16 << 10))
  }

  /// Cuts a response off that waits for a window which stays shut, or opens by a few bytes at a
  /// time: it would hold its bytes, and its place among the streams, for as long as that.
  private func checkProgress(of stream: HTTP2Stream, isTaken: Bool) {
    // Of a response whose content is out, the end may be missing: libnghttp2 sends that, too, only
    // through an open window.
    guard stream.pending.byteCount > 0 || stream.owesDrained || stream.hasAllContent else {
      stream.sendDeadline = nil
      return
    }
    let least = leastProgressBytes
    let streamWindow = nghttp2_session_get_stream_remote_window_size(session, stream.id)
    let window = nghttp2_session_get_remote_window_size(session)
    let isWaiting = min(streamWindow, window) < Int32(clamping: least)
    // With both windows open it waits for the connection, or for streams that come first.
    guard isWaiting, let deadline = stream.sendDeadline, stream.progressBytes < least else {
      stream.sendDeadline = now + limits.sendTimeout
      stream.progressBytes = 0
      return
    }
    guard now >= deadline, isTaken else { return }
    statistics.sendTimeouts.add()
    pool.statistics.stalledStreams.add()
    if window < Int32(clamping: least)
      || rates.stalledStreams.exceeds(limits.http2.stalledStreams, now: now)
    {
      return note(.stalledWindow)
    }
    let exchange = stream.exchange
    stream.exchange = nil
    reset(stream, NGHTTP2_CANCEL)
    exchange?.clientClosed(.timedOut)
  }

  /// Cuts the connection off when the client does not take its bytes; whether it did.
  private func checkSending(_ unsentBytes: Int) -> Bool {
    guard
      sendWatch.isGivenUp(
        unsentBytes: unsentBytes, limits: limits, statistics: statistics, now: now)
    else { return false }
    startClosing(.reset, .timedOut)
    return true
  }
}
