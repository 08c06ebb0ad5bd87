import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore

/// One request that is not answered at once: carries out the state machine's actions.
///
/// Owner: the connection, on its event loop; fills, disk reads and fetches under way hold it too
/// until they have come back. Invariants: `writer` is there until the response has ended, and
/// nothing is written after that; the exchange reads at most one fill at a time.
public final class ProxyExchange: RequestExchange, FillListener, @unchecked Sendable {
  // @unchecked: confined to `loop.eventLoop`; other threads only carry the reference there.

  let loop: ProxyLoop
  let head: RequestHead
  let route: Route
  private let started: Int64
  var machine: RequestStateMachine
  private(set) var writer: (any ResponseWriter)?
  private(set) var isFinished = false

  private(set) var key = ByteBuffer()
  private var found: ProxyLoop.Lookup?
  /// The stored response that is delivered or revalidated.
  private(set) var object: StoredObject?
  private var delivery: (any Delivery)?
  private var fill: Fill?
  private var reader = 0
  private var isLeader = false
  /// A part has turned out not to answer the request.
  private var needsWhole = false
  private var coalesceTimer: Scheduled<Void>?
  /// Interim responses of the fill that the client has got.
  private var interimCount = 0
  /// The content of a QUERY, which is part of the key.
  var content: ByteBuffer?
  /// Whether ``content`` is all there is of it.
  var isContentComplete = false
  /// What an origin has to answer that takes the WebSocket handshake; nil for all other requests.
  var webSocketAccept: [UInt8]?
  /// Where the request's content goes; nil while nobody has asked for it.
  var contentReceiver: (any ContentReceiver)?
  private var sentStatus = 0
  let remoteAddress: SocketAddress?

  init(
    loop: ProxyLoop, head: RequestHead, route: Route, machine: RequestStateMachine,
    started: Int64, writer: any ResponseWriter
  ) {
    self.loop = loop
    // The receive buffer goes back to the loop; the request may take long.
    self.head = head.compacted()
    self.route = route
    self.machine = machine
    self.started = started
    self.writer = writer
    remoteAddress = writer.remoteAddress
  }

  // MARK: Steps

  /// Feeds the machine an event and carries out what it says.
  func perform(_ event: RequestStateMachine.Event) { carryOut(machine.handle(event)) }

  /// Reads the content of a QUERY first.
  func collectContent() {
    let collector = QueryContent(exchange: self, limitBytes: route.queryContentBytes)
    contentReceiver = collector
    collector.start()
  }

  /// Goes on from what the loop has looked up.
  /// - Parameter event: what happened with it, when that was not just the look-up.
  func take(_ lookup: ProxyLoop.Lookup, _ event: RequestStateMachine.Event? = nil) {
    found = lookup
    object = lookup.object
    // A copy of its own: the loop's buffer stays the loop's, and is not allocated anew.
    key = loop.key.withUnsafeReadableBytes { ByteBuffer(bytes: $0) }
    machine.outcome.remainingSeconds = lookup.remainingSeconds
    perform(event ?? .lookedUp(lookup.verdict))
  }

  func carryOut(_ action: RequestStateMachine.Action) {
    switch action {
    case .lookUp: take(loop.lookUp(head, route: route, content: content))
    case .load: load()
    case .deliverStored: deliverStored()
    case .deliverStoredAndRefresh:
      refreshInBackground()
      deliverStored()
    case .fetch(let revalidates): joinFill(revalidates: revalidates)
    case .deliverFill: deliverFill()
    case .pass where webSocketAccept != nil: relayWebSocket()
    case .pass:
      leaveFill()
      let relay = PassRelay(exchange: self, collected: content)
      delivery = relay
      contentReceiver = relay
      relay.start()
    case .refuse(let status): refuse(status)
    case .finish: break
    }
  }

  // MARK: From the store

  private func load() {
    guard let found, let location = found.location else { return perform(.loadFailed) }
    loop.shared.store.load(
      location, hash: found.hash, key: key, mayBeCached: !found.mustWait, on: loop.eventLoop
    ) { [self] in loaded($0) }
  }

  private func loaded(_ loaded: StoredObject?) {
    guard writer != nil, let found else { return }
    loop.clock.refresh()
    guard let loaded else { return perform(.loadFailed) }
    loop.key = key
    take(loop.judgeLoaded(loaded, head, route: route, found))
  }

  private func deliverStored() {
    guard let object, let writer else { return }
    leaveFill()
    loop.clock.refresh()
    machine.outcome.remainingSeconds =
      object.metadata.freshness.remainingSeconds(now: loop.clock.wallSeconds)
    let answer = object.answer(to: head, boundary: loop.randomNumber())
    sentStatus = answer.status
    loop.start(answer, of: object, machine.outcome, head: head, route: route, writer: writer)
    loop.transformIfWanted(object, head, route)
    if answer.coding == .inflated {
      let delivery = InflatedBodyDelivery(exchange: self, object: object, pieces: answer.pieces)
      self.delivery = delivery
      return delivery.pump()
    }
    let delivery = StoredBodyDelivery(exchange: self, object: object, pieces: answer.pieces)
    self.delivery = delivery
    delivery.pump()
  }

  private func refreshInBackground() {
    guard let object, let found else { return }
    let part = rangeFetch(revalidates: true)
    let (fill, isNew) =
      part.map {
        loop.shared.registry.joinPart(
          makeFill(revalidating: object, part: $0), isUsable: { _ in true })
      }
      ?? loop.shared.registry.join(
        found.hash, isUsable: { _ in true }, make: { makeFill(revalidating: object, part: nil) })
    guard isNew else { return }
    startDriver(fill)
  }

  // MARK: Through a fill

  /// The part to ask the origin for; nil: the whole.
  private func rangeFetch(revalidates: Bool) -> RangeFetch? {
    RangeFetch.plan(
      for: head, stored: object, isCovered: revalidates, fetching: route.rangeFetching,
      needsWhole: needsWhole)
  }

  private func makeFill(revalidating object: StoredObject?, part: RangeFetch?) -> Fill {
    var primaryKey = key
    if let found { primaryKey.moveWriterIndex(to: primaryKey.readerIndex + found.primaryCount) }
    return Fill(
      hash: found?.hash ?? KeyHash(high: 0, low: 0), key: primaryKey,
      fetchSequence: loop.shared.store.sequence, revalidated: object, part: part,
      windowBytes: loop.shared.configuration.fillWindowBytes)
  }

  private func startDriver(_ fill: Fill) {
    let driver = FillDriver(
      fill: fill, loop: loop, head: head, content: content, route: route,
      remoteAddress: remoteAddressText)
    driver.start()
  }

  private func joinFill(revalidates: Bool) {
    guard let found else { return }
    let revalidated = revalidates ? object : nil
    let part = rangeFetch(revalidates: revalidates)
    let fill: Fill
    (fill, isLeader) = join(
      found.hash, part: part, make: { makeFill(revalidating: revalidated, part: part) })
    self.fill = fill
    machine.joined(asFollower: !isLeader)
    reader = fill.addReader(self)
    if isLeader {
      startDriver(fill)
    } else {
      coalesceTimer = loop.eventLoop.scheduleTask(in: route.coalesceTimeout) { [self] in
        guard machine.phase == .awaitingFill else { return }
        leaveFill()
        perform(.coalesceTimedOut)
      }
      fillProgressed()
    }
  }

  private func leaveFill() {
    coalesceTimer?.cancel()
    coalesceTimer = nil
    guard let fill else { return }
    self.fill = nil
    _ = fill.removeReader(reader)
    fill.notifyHome()
  }

  /// The fill got a head, bytes or an end, on whatever loop.
  func fillMayHaveProgressed() {
    let eventLoop = loop.eventLoop
    if eventLoop.inEventLoop {
      fillProgressed()
    } else {
      eventLoop.execute { self.fillProgressed() }
    }
  }

  private func fillProgressed() {
    guard let fill, writer != nil else { return }
    if let delivery = delivery as? FillDelivery { return delivery.pump() }
    guard machine.phase == .awaitingFill else { return }
    let (fillHead, end, interimCount) = fill.status(of: reader)
    if interimCount > self.interimCount { passOnInterimResponses(of: fill) }
    if let fillHead {
      coalesceTimer?.cancel()
      coalesceTimer = nil
      return perform(.fillAnswered(verdict(on: fillHead)))
    }
    guard let end else { return }
    switch end {
    case .confirmed(let confirmed):
      object = confirmed
      perform(.fillAnswered(confirmed.holdsAnswer(to: head) ? .confirmed : turnToWhole()))
    case .failed(let failure):
      leaveFill()
      perform(.fillFailed(failure.kind, mayServeStale: mayServeStale(isUnreachable: true)))
    case .whole: perform(.fillFailed(.malformed, mayServeStale: false))
    }
  }

  private func passOnInterimResponses(of fill: Fill) {
    for interim in fill.interimResponses(from: interimCount) {
      interimCount += 1
      writer?.writeInformational(status: interim.status, fields: interim.fields)
    }
  }

  private func verdict(on fillHead: FillHead) -> RequestStateMachine.FillVerdict {
    switch fillHead.status {
    case 500, 502, 503, 504:
      if mayServeStale(isUnreachable: false) { return .staleIsBetter(status: fillHead.status) }
    default: break
    }
    if !isLeader {
      if let refusal = fillHead.refusal {
        leaveFill()
        return .notShareable(refusal)
      }
      if let variants = fillHead.variants {
        var values = ByteBuffer()
        variants.fields.writeVariantKey(
          request: head, rules: route.rules.key, into: &values)
        if values != fillHead.variantValues {
          leaveFill()
          return .otherVariant
        }
      }
    }
    if !fillHead.holdsAnswer(to: head) { return turnToWhole() }
    return .answers(status: fillHead.originStatus, refusal: fillHead.refusal)
  }

  private func turnToWhole() -> RequestStateMachine.FillVerdict {
    leaveFill()
    needsWhole = true
    return .otherRange
  }

  func mayServeStale(isUnreachable: Bool) -> Bool {
    guard let object, object.holdsAnswer(to: head) else { return false }
    loop.clock.refresh()
    let now = loop.clock.wallSeconds
    return ServePolicy.mayServeStaleOnError(
      object.freshness(now: now), now: now, isUnreachable: isUnreachable,
      rules: route.rules, request: head)
  }

  private func deliverFill() {
    guard let fill, let fillHead = fill.status(of: reader).head, let writer else { return }
    machine.outcome.remainingSeconds = fillHead.freshness.map {
      $0.remainingSeconds(now: loop.clock.wallSeconds)
    }
    let answer = fillHead.answer(to: head, boundary: loop.randomNumber())
    sentStatus = answer.status
    loop.makeAddedLines(
      machine.outcome, ageSeconds: fillHead.ageSeconds, head: head, route: route)
    if let extra = answer.extraLines { loop.addedLines.writeImmutableBuffer(extra) }
    if fillHead.isNegotiated { loop.addVary() }
    let lines = (isLeader ? fillHead.ownLines : nil) ?? fillHead.lines
    lines.withUnsafeReadableBytes {
      loop.start(answer, storedLines: $0, writer: writer)
    }
    guard answer.hasContent else { return complete(trailers: nil) }
    let delivery = FillDelivery(
      exchange: self, fill: fill, reader: reader,
      pieces: answer.status == 206 && fillHead.status == 200 ? answer.pieces : nil,
      baseOffset: fillHead.stretch?.lowerBound ?? 0)
    self.delivery = delivery
    delivery.pump()
  }

  // MARK: Past the cache

  /// The relay's head for the client.
  func sendHead(_ fillHead: FillHead, framing: ResponseFraming) {
    guard let writer else { return }
    sentStatus = fillHead.status
    loop.makeAddedLines(machine.outcome, ageSeconds: nil, head: head, route: route)
    fillHead.lines.withUnsafeReadableBytes { lines in
      loop.addedLines.withUnsafeReadableBytes { added in
        writer.start(
          status: fillHead.status, storedLines: lines, addedLines: added, framing: framing)
      }
    }
  }

  private func relayWebSocket() {
    guard let webSocketAccept else { return }
    let relay = WebSocketRelay(exchange: self, accept: webSocketAccept)
    delivery = relay
    contentReceiver = relay
    relay.start()
  }

  /// The origin has switched over: so does the client's connection.
  func switchToWebSocket(_ fillHead: FillHead) {
    guard let writer else { return }
    sentStatus = fillHead.status
    fillHead.lines.withUnsafeReadableBytes { writer.startWebSocket(lines: $0) }
  }

  /// The relay failed before it had a head: an error, or for a HEAD what is stored.
  func passFailed(_ failure: OriginFailure) {
    delivery = nil
    carryOut(machine.passFailed(failure.kind, mayServeStale(isUnreachable: true)))
  }

  /// The relay gives way to what is stored.
  func leaveRelay(answering status: Int) {
    delivery = nil
    carryOut(machine.handle(.fillAnswered(.staleIsBetter(status: status))))
  }

  /// Notes the status for the log, of an answer that is started elsewhere.
  func noteStatus(_ status: Int) { sentStatus = status }

  /// Bytes asked from the disk at once: four chunks, or one for a stream of a connection whose
  /// streams share a bound on what it may hold.
  var diskReadBytes: Int { head.version == .http2 ? 64 << 10 : 256 << 10 }

  /// The client's address as text, as X-Forwarded-For carries it.
  var remoteAddressText: ByteBuffer { remoteAddress?.addressText ?? ByteBuffer() }

  // MARK: Ends

  private func refuse(_ status: Int) {
    guard let writer else { return }
    leaveFill()
    sentStatus = status
    loop.writeRefusal(status, machine.outcome, head: head, route: route, writer: writer)
    complete(trailers: nil)
  }

  /// The response has been handed over whole.
  func complete(trailers: FieldBlock?) {
    guard let writer else { return }
    let bytes = writer.contentBytesWritten
    self.writer = nil
    writer.finish(trailers: trailers)
    end(bytes: bytes)
  }

  /// The response cannot be completed: the client must see that.
  func cut(_ reason: ResultReason) {
    guard let writer else { return }
    let bytes = writer.contentBytesWritten
    machine.outcome.reason = reason
    self.writer = nil
    writer.abort()
    end(bytes: bytes)
  }

  private func end(bytes: Int) {
    _ = machine.handle(.ended)
    leaveFill()
    isFinished = true
    loop.record(
      FinishedResponse(
        outcome: machine.outcome, status: sentStatus, bytes: bytes, startedNanoseconds: started),
      head: head, remoteAddress: remoteAddress)
    delivery = nil
    contentReceiver = nil
  }

  // MARK: The client's events

  /// A piece of the request's content, for whoever asked for it.
  public func receiveBody(_ chunk: ByteBuffer) {
    loop.metrics.count(.requestBytes, by: chunk.readableBytes)
    contentReceiver?.receiveBody(chunk)
  }

  /// The end of the request's content.
  public func receiveBodyEnd(trailers: FieldBlock?) {
    contentReceiver?.receiveBodyEnd(trailers: trailers)
  }

  /// The client takes bytes again.
  public func outputDrained() { delivery?.outputDrained() }

  /// The client is gone: lets go of fill, fetch and disk, and logs what was sent.
  public func clientClosed(_ reason: ClientCloseReason) {
    guard let writer else { return }
    let bytes = writer.contentBytesWritten
    self.writer = nil
    delivery?.cancel()
    contentReceiver = nil
    loop.metrics.count(.clientAborts)
    machine.outcome.reason = reason == .shutdown ? .shutdown : .clientClosed
    end(bytes: bytes)
  }
}

extension SocketAddress {
  /// The address without its port, as text. IPv4 is written here: by way of the C library and a
  /// `String` it took two percent of a miss.
  fileprivate var addressText: ByteBuffer {
    guard case .v4(let address) = self else { return ByteBuffer(string: ipAddress ?? "") }
    var text = ByteBuffer()
    text.reserveCapacity(16)
    // Network byte order: the first byte is the most significant one.
    let number = UInt32(bigEndian: address.address.sin_addr.s_addr)
    for place in (0..<4).reversed() {
      text.writeDecimal(Int(number >> UInt32(place * 8) & 0xFF))
      if place > 0 { text.writeInteger(UInt8(ascii: ".")) }
    }
    return text
  }
}
