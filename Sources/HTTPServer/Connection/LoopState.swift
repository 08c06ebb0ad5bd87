import HTTPMessage
import NIOCore

/// What the connections of one event loop share: the responder, the counters, the output buffer,
/// the clock and the sweep over their deadlines. Confined to that loop.
///
/// No connection has a timer of its own: one task looks every 250 ms at those whose time has come
/// or that are busy, and the time it reads serves as "now" until the next walk. Deadlines are of
/// seconds, so that is exact enough.
final class LoopState<Responder: RequestResponder & SendableMetatype> {
  static var sweepInterval: TimeAmount { .milliseconds(250) }
  /// Connections that are looked at in one go.
  static var walkedTogether: Int { 256 }
  /// Answers that wait to be sent together, each in a gathering buffer.
  static var settledTogether: Int { OutputBufferPool.keptCount }
  /// Connections turned away that may linger for their client to read why.
  static var rejectedLimit: Int { 256 }

  let eventLoop: any EventLoop
  let responder: Responder
  let limits: ConnectionLimits
  let statistics: ServerStatistics
  let gate: ConnectionGate
  let pool = OutputBufferPool()
  let receiveBuffers: ReceiveBufferPool
  let isHTTP2Enabled: Bool
  /// Made when the first client speaks HTTP/2.
  private(set) lazy var http2Pool = HTTP2Pool(limits: limits, statistics: statistics.http2)
  private(set) var now: NIODeadline
  private(set) var isDraining = false
  var rejectedCount = 0

  private var members = LoopMembers()
  /// Those that the walk under way has not come to.
  private var waiting: ArraySlice<any LoopMember> = []
  private var resuming: [any LoopMember] = []
  private var isResumeScheduled = false
  /// Those whose answers wait to be sent together.
  private var settling: [ConnectionHandler<Responder>] = []
  private var isSettleScheduled = false
  private var sweepTask: RepeatedTask?
  private var drained: EventLoopPromise<Void>?
  private var cutTask: Scheduled<Void>?

  init(
    eventLoop: any EventLoop, responder: Responder, limits: ConnectionLimits,
    statistics: ServerStatistics, gate: ConnectionGate,
    receiveBuffers: ReceiveBufferPool = ReceiveBufferPool(), isHTTP2Enabled: Bool = true
  ) {
    self.receiveBuffers = receiveBuffers
    self.eventLoop = eventLoop
    now = eventLoop.now
    self.responder = responder
    self.limits = limits
    self.statistics = statistics
    self.gate = gate
    self.isHTTP2Enabled = isHTTP2Enabled
  }

  /// Starts the sweep.
  func start() {
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    sweepTask = eventLoop.scheduleRepeatedTask(
      initialDelay: Self.sweepInterval, delay: Self.sweepInterval
    ) { _ in bound.value.sweep() }
  }

  func add(_ handler: any LoopMember) { members.add(handler) }

  func remove(_ handler: any LoopMember) {
    if members.remove(handler) { endDrainIfEmpty() }
  }

  /// Has a member looked at no later than at `time`; it calls this after whatever happens to it.
  @inline(__always)
  func look(at index: Int, noLaterThan time: NIODeadline) {
    members.look(at: index, noLaterThan: time)
  }

  /// Has the handler's connection go on after what the loop is doing now: one task for all that
  /// ask for it.
  func scheduleResume(_ handler: any LoopMember) {
    resuming.append(handler)
    guard !isResumeScheduled else { return }
    isResumeScheduled = true
    eventLoop.assumeIsolated().execute { self.resumeAll() }
  }

  /// Has the handler's connection send its answer after the loop has read from the others that have
  /// something to read: a client, or a load generator, on a core of its own that has to be woken
  /// for an answer is then woken once for several (Benchmarks/RESULTS.md, "Disk hits").
  func scheduleSettle(_ handler: ConnectionHandler<Responder>) {
    settling.append(handler)
    if settling.count >= Self.settledTogether { return settleAll() }
    guard !isSettleScheduled else { return }
    isSettleScheduled = true
    eventLoop.assumeIsolated().execute { self.settleScheduled() }
  }

  private func settleScheduled() {
    isSettleScheduled = false
    settleAll()
  }

  private func settleAll() {
    var handlers: [ConnectionHandler<Responder>] = []
    swap(&handlers, &settling)
    for handler in handlers { handler.settleScheduled() }
    // The list's memory serves again.
    handlers.removeAll(keepingCapacity: true)
    if settling.isEmpty { swap(&handlers, &settling) }
  }

  private func resumeAll() {
    isResumeScheduled = false
    var handlers: [any LoopMember] = []
    swap(&handlers, &resuming)
    for handler in handlers { handler.resume() }
  }

  private func sweep() {
    now = eventLoop.now
    // With very many connections the walk before may still be under way.
    guard waiting.isEmpty else { return }
    waiting = members.due(at: now)[...]
    walk()
  }

  /// Looks at some of the connections that wait for it; at the others after what else there is to
  /// do: ten thousand in one go would keep everybody waiting for tens of milliseconds.
  private func walk() {
    let part = waiting.prefix(Self.walkedTogether)
    waiting = waiting.dropFirst(Self.walkedTogether)
    for handler in part where handler.index != nil {
      handler.tick()
      members.setDue(of: handler)
    }
    guard !waiting.isEmpty else {
      waiting = []
      return
    }
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    eventLoop.scheduleTask(in: .milliseconds(2)) { bound.value.walk() }
  }

  /// Lets the responses under way end, and cuts off what is left at `limit`. `promise` is
  /// fulfilled when no connection is open any more.
  func drain(limit: TimeAmount, promise: EventLoopPromise<Void>) {
    guard drained == nil else { return promise.succeed() }
    isDraining = true
    drained = promise
    now = eventLoop.now
    let handlers = members.all
    for handler in handlers { handler.beginDrain() }
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    cutTask = eventLoop.scheduleTask(in: limit) { bound.value.cutAll() }
    endDrainIfEmpty()
  }

  private func cutAll() {
    let handlers = members.all
    for handler in handlers { handler.cut() }
  }

  private func endDrainIfEmpty() {
    guard members.isEmpty, let drained else { return }
    sweepTask?.cancel()
    sweepTask = nil
    cutTask?.cancel()
    cutTask = nil
    drained.succeed()
  }
}
