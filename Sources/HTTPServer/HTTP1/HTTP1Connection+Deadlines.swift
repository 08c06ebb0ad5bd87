import HTTPMessage
import NIOCore

/// Time: one deadline at a time, by what the connection waits for, checked by a sweep.
extension HTTP1Connection {
  /// Sets the deadline for what is waited for now, after every entry point.
  func updateDeadline() {
    let kind: HTTP1DeadlineKind
    switch phase {
    case .head:
      if inbound.readableBytes == 0 {
        kind = .idle
      } else {
        kind = !isWritable ? .none : parser.isInsideHead ? .header : .idle
      }
    case .exchange:
      if case .tunnel = response { kind = .tunnel } else { kind = wantsContent ? .content : .none }
    case .discarding: kind = .content
    case .closing: kind = .linger
    case .closed: kind = .none
    }
    let isContinued = kind == deadlineKind && deadlineRequest == requestCount
    let hadContent = hasNewContent
    let hadTunnelOutput = hasTunnelOutput
    hasNewContent = false
    hasTunnelOutput = false
    deadlineKind = kind
    deadlineRequest = requestCount
    switch kind {
    case .none: deadline = .distantFuture
    case .idle:
      // A new connection has to say something soon; empty lines do not prolong it.
      if !isContinued {
        deadline = now + (requestCount == 0 ? limits.headerTimeout : limits.idleTimeout)
      }
    case .header: if !isContinued { deadline = now + limits.headerTimeout }
    case .content: if !isContinued || hadContent { deadline = now + limits.bodyTimeout }
    case .linger: if !isContinued { deadline = now + limits.lingerTimeout }
    case .tunnel:
      if !isContinued || hadContent || hadTunnelOutput {
        deadline = now + limits.webSocketIdleTimeout
      }
    }
  }

  /// When ``tick(now:unsentBytes:)`` is next needed if nothing happens before: the deadline where
  /// a request's head is all that is waited for; else the distant past, which means every 250 ms,
  /// since rates are checked then, and an origin's answer reads no clock of its own.
  @inline(__always)
  public var restsUntil: NIODeadline {
    phase == .head && output.isEmpty ? deadline : .distantPast
  }

  /// Checks the connection's deadlines; every 250 ms or so where ``restsUntil`` allows no less.
  /// - Parameter unsentBytes: how many of the bytes taken by ``takeOutput(_:)`` the transport
  ///   still holds.
  public func tick(now: NIODeadline, unsentBytes: Int) {
    self.now = now
    guard phase != .closed else { return }
    if checkSending(unsentBytes) { return }
    let isTooSlow = contentMeter.isTooSlow(
      isWaiting: deadlineKind == .content, bytesPerSecond: limits.contentBytesPerSecond,
      window: limits.rateWindow, now: now)
    guard now >= deadline || isTooSlow else { return }
    if unsentBytes > 0 || !output.isEmpty, deadlineKind == .idle || deadlineKind == .linger {
      // The client is still reading its last response; whether it does is the send time-out's.
      deadline = now + (deadlineKind == .idle ? limits.idleTimeout : limits.lingerTimeout)
      return
    }
    deadline = .distantFuture
    switch deadlineKind {
    case .none: break
    case .idle:
      statistics.idleTimeouts.add()
      startClosing(.afterOutput)
    case .header: refuse(.headerTimeout)
    case .content:
      if phase == .discarding {
        startClosing(.lingering)
      } else {
        fail(isTooSlow ? .bodyTooSlow : .bodyTimeout, reason: .timedOut)
      }
    case .linger: closeIntent = .afterOutput
    case .tunnel:
      statistics.webSocketIdleTimeouts.add()
      startClosing(.afterOutput)
      endExchange(.timedOut)
    }
    updateDeadline()
  }

  /// Cuts the connection off when the client does not take its bytes; whether it did.
  private func checkSending(_ unsentBytes: Int) -> Bool {
    guard
      sendWatch.isGivenUp(
        unsentBytes: unsentBytes, limits: limits, statistics: statistics, now: now)
    else { return false }
    startClosing(.reset)
    endExchange(.timedOut)
    updateDeadline()
    return true
  }
}
