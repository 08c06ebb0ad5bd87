import HTTPMessage
import NIOCore

/// What a connection asks of whatever carries its bytes.
public protocol ConnectionTransport: AnyObject {
  /// The connection was changed from outside its entry points (an exchange wrote, or wants
  /// content): call ``HTTP1Connection/resume(now:)`` soon, on the same loop, not from within.
  func scheduleResume()
}

/// One HTTP/1.1 connection: bytes in, requests and responses, bytes out. No sockets, no clock, no
/// timers of its own, so that a test, a fuzzer or another transport can drive it.
///
/// Owned by one event loop and confined to it. The driver calls the entry points below and looks
/// afterwards at ``takeOutput(_:)``, ``closeIntent`` and ``wantsRead``.
///
/// Requests are answered in the order they came, one at a time; the next ones wait unread in
/// `inbound`. Requests that the responder answers at once are worked off in one go, into one
/// buffer: that loop is the hit path.
///
/// Limits: `inbound` is bounded by the input high-water mark (or one head), output by the output
/// high-water mark plus what one hit writes; time by ``tick(now:unsentBytes:)``.
public final class HTTP1Connection<Responder: RequestResponder>: HTTP1ResponseTarget {
  let responder: Responder
  let limits: ConnectionLimits
  let statistics: ServerStatistics
  let isSecure: Bool
  /// Field lines that every response gets, each ended by CR LF; empty for none.
  let ownLines: [UInt8]
  let remoteAddress: SocketAddress?
  let eventLoop: any EventLoop
  /// What its client's address may still ask for; nil for no limit. Set by the driver.
  var client: ClientEntry?
  /// Who carries the bytes; set by the driver, dropped when the connection ends.
  public weak var transport: (any ConnectionTransport)?

  // Not checked for exclusive access at run time: no call made while one of these is being
  // changed leads back here, and the checks cost several percent of a hit.
  @exclusivity(unchecked) var phase = HTTP1Phase.head
  @exclusivity(unchecked) var response = HTTP1ResponseState.none
  @exclusivity(unchecked) var parser: HTTP1RequestParser
  @exclusivity(unchecked) var inbound = ByteBuffer()
  @exclusivity(unchecked) var output: OutputQueue
  var content: HTTP1BodyDecoder
  var exchange: Responder.Exchange?
  @exclusivity(unchecked) var writer: HTTP1ResponseWriter?

  /// What the driver is to do about closing.
  public internal(set) var closeIntent = ConnectionCloseIntent.none
  /// Whether a response was cut short: behind TLS the connection must then end without a
  /// close_notify, which would vouch for what was sent.
  public internal(set) var isCutShort = false
  var isPumping = false
  var isInResponder = false
  var isDraining = false
  var inputHasEnded = false
  /// Whether the transport takes more bytes.
  var transportIsWritable = true
  /// Whether the exchange was told to hold back and waits for `outputDrained()`.
  var owesDrained = false
  /// Whether the next head waits until there is room for its answer.
  var isHeadHeldBack = false

  // Of the request being answered:
  var keepsAlive = true
  var isHTTP10 = false
  /// Whether it is a HEAD, whose answer has no content.
  var isHeadRequest = false
  var owesContinue = false
  var wantsContent = false
  var contentBytesWritten = 0

  var requestCount = 0
  var discardedBytes = 0
  /// The clock as of the last entry point.
  var now: NIODeadline
  var deadline = NIODeadline.distantFuture
  var deadlineKind = HTTP1DeadlineKind.none
  /// What `requestCount` was when the deadline was set: the next head gets a new one.
  var deadlineRequest = 0
  var hasNewContent = false
  /// Whether a switched connection has been given bytes for the client since the deadline was set.
  var hasTunnelOutput = false
  var contentMeter = RateMeter()
  var sendWatch = SendWatch()

  /// A connection that has just been accepted.
  public init(
    responder: Responder, limits: ConnectionLimits, statistics: ServerStatistics,
    pool: OutputBufferPool, eventLoop: any EventLoop, remoteAddress: SocketAddress?,
    isSecure: Bool, now: NIODeadline, ownLines: [UInt8] = []
  ) {
    self.responder = responder
    self.limits = limits
    self.statistics = statistics
    self.isSecure = isSecure
    self.ownLines = ownLines
    self.remoteAddress = remoteAddress
    self.eventLoop = eventLoop
    self.now = now
    parser = HTTP1RequestParser(limits: limits.head)
    output = OutputQueue(pool: pool)
    content = HTTP1BodyDecoder(framing: .none, contentLimitBytes: nil, limits: limits.head)
    updateDeadline()
  }

  // MARK: Entry points

  /// Takes bytes from the client.
  public func receive(_ buffer: ByteBuffer, now: NIODeadline) {
    self.now = now
    statistics.bytesIn.add(buffer.readableBytes)
    guard phase != .closing, phase != .closed else { return }
    hasNewContent = true
    if phase == .exchange || phase == .discarding { contentMeter.add(buffer.readableBytes) }
    if inbound.readableBytes == 0 {
      inbound = buffer
    } else {
      inbound.writeImmutableBuffer(buffer)
    }
    pump()
  }

  /// The client sends no more bytes; it may still read.
  public func endInput(now: NIODeadline) {
    self.now = now
    inputHasEnded = true
    if phase == .closing {
      // Nothing is left to wait for behind the last response.
      if closeIntent == .lingering { closeIntent = .afterOutput }
      return
    }
    pump()
  }

  /// Goes on after ``ConnectionTransport/scheduleResume()``.
  public func resume(now: NIODeadline) {
    self.now = now
    if owesDrained, isWritable { callDrained() }
    pump()
  }

  /// The transport takes more bytes, or takes none for now.
  public func setTransportWritable(_ isWritable: Bool, now: NIODeadline) {
    self.now = now
    transportIsWritable = isWritable
    guard isWritable else { return }
    if owesDrained, self.isWritable { callDrained() }
    pump()
  }

  /// Takes no further request after the one being answered; an idle connection closes at once.
  public func beginDrain(now: NIODeadline) {
    self.now = now
    isDraining = true
    pump()
  }

  /// Answers `fault` in place of any request: there are too many connections.
  /// - Parameter lingers: whether the client gets time to read that.
  public func reject(_ fault: RequestFault, lingers: Bool) {
    refuse(fault)
    if !lingers { closeIntent = .afterOutput }
    updateDeadline()
  }

  /// The transport is gone, or is to be cut off: the exchange under way hears of it.
  public func close(_ reason: ClientCloseReason) {
    guard phase != .closed else { return }
    phase = .closed
    inbound = ByteBuffer()
    if closeIntent == .none { closeIntent = .afterOutput }
    endExchange(reason)
    writer?.detach()
    writer = nil
  }

  /// Whether there is output to take.
  @inline(__always)
  public var hasOutput: Bool { !output.isEmpty }

  /// Whether the output is one small buffer.
  @inline(__always)
  public var isOutputSingle: Bool { output.isSingle }

  /// Hands over all output, in order. Returns how many bytes that were.
  @inline(__always)
  @discardableResult
  public func takeOutput(_ send: (ByteBuffer) -> Void) -> Int {
    let count = output.byteCount
    guard count > 0 else { return 0 }
    sendWatch.handOver(count)
    statistics.bytesOut.add(count)
    // All of it is taken before any is sent: sending may lead back here.
    let sealed = output.isSingle ? [] : output.takeSealed()
    let tail = output.takeTail()
    for buffer in sealed { send(buffer) }
    if let tail {
      send(tail)
      output.giveBack(tail)
    }
    if owesDrained || isHeadHeldBack, isWritable { transport?.scheduleResume() }
    return count
  }

  /// Whether bytes of the client are of use now. False holds a client back whose content nobody
  /// has asked for, or who sends requests faster than it reads the answers.
  public var wantsRead: Bool {
    switch phase {
    case .head: isWritable
    case .exchange: wantsContent || inbound.readableBytes < limits.inputHighWaterBytes
    case .discarding, .closing: true
    case .closed: false
    }
  }

  /// Whether the connection waits for its next request with nothing under way.
  public var isIdle: Bool { phase == .head && inbound.readableBytes == 0 && output.isEmpty }

  // MARK: The loop

  /// Does what can be done with the bytes there are.
  func pump() {
    guard !isPumping else { return }
    isPumping = true
    while step() {}
    isPumping = false
    // The transport's buffer can be used again once nothing here shares it.
    inbound = inbound.readableBytes == 0 ? ByteBuffer() : inbound.compacted()
    updateDeadline()
  }

  /// Takes one step; false when there is nothing to do until something comes.
  @inline(__always)
  private func step() -> Bool {
    switch phase {
    case .head: readHead()
    case .exchange: deliverContent()
    case .discarding: discardContent()
    case .closing, .closed: false
    }
  }

  /// Reads the next head, unless the client has to take its answers first.
  private func readHead() -> Bool {
    isHeadHeldBack = !isWritable
    if isHeadHeldBack { return false }
    if inbound.readableBytes == 0 {
      if inputHasEnded || isDraining { endConnection() }
      return false
    }
    do {
      guard let head = try parser.parse(&inbound, isSecure: isSecure) else {
        if inputHasEnded { endConnection() }
        return false
      }
      return begin(head)
    } catch {
      refuse(error)
      return false
    }
  }

  /// Hands a request to the responder.
  private func begin(_ head: RequestHead) -> Bool {
    requestCount += 1
    statistics.requests.add()
    keepsAlive = head.keepsAlive && !isDraining
    if let limit = limits.requestsPerConnection, requestCount >= limit { keepsAlive = false }
    isHTTP10 = head.version == .http10
    isHeadRequest = head.method == .head
    owesContinue = head.expectsContinue
    wantsContent = false
    contentBytesWritten = 0
    if head.framing != .none || !content.isFinished {
      content = HTTP1BodyDecoder(
        framing: head.framing, contentLimitBytes: limits.requestBodyBytes, limits: limits.head)
      if let limit = limits.requestBodyBytes, let length = content.remainingBytes, length > limit {
        refuse(.contentTooLarge, isHead: isHeadRequest)
        return false
      }
    }
    response = .awaited
    phase = .exchange
    contentMeter.reset()
    if let client, let seconds = client.takeRequest(now: .now()) {
      turnAway(retryAfterSeconds: seconds)
      return true
    }
    isInResponder = true
    let exchange = callResponder(head)
    isInResponder = false
    if case .none = response {
      // Answered at once. Whoever kept the writer all the same must not reach the next request.
      if writer != nil, !isKnownUniquelyReferenced(&writer) { dropWriter() }
      return true
    }
    guard let exchange else {
      preconditionFailure("no exchange for a request that is not answered: \(response)")
    }
    self.exchange = exchange
    return true
  }

  private func callResponder(_ head: RequestHead) -> Responder.Exchange? {
    if let writer { return responder.respond(to: head, writer: writer) }
    let writer = HTTP1ResponseWriter(
      connection: self, remoteAddress: remoteAddress, eventLoop: eventLoop)
    self.writer = writer
    return responder.respond(to: head, writer: writer)
  }

  func dropWriter() {
    writer?.detach()
    writer = nil
  }
}
