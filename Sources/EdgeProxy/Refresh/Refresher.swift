// Fetches stored responses again in the background: the third kind of invalidation.
//
// Owner: whoever made it; everything but the asking runs on its event loop. Limits: fetches at
// once, and fetches begun a second, so that a refresh of ten thousand objects does not become the
// origin's outage.

import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore
import Observability

/// Fetches what stands under keys again.
public final class Refresher: @unchecked Sendable {
  // @unchecked: everything that changes is touched on `eventLoop` only.

  /// How fast.
  public struct Pace: Sendable {
    /// Fetches at once.
    public var concurrency = 4
    /// Fetches begun a second.
    public var perSecond = 50

    /// The default pace.
    public init() {}
  }

  /// What came of a refresh.
  public struct Result: Sendable, Equatable {
    /// Objects fetched again, or confirmed by the origin.
    public var refreshed = 0
    /// Objects that were not: the origin failed, the key does not tell the request, or the object
    /// has gone meanwhile.
    public var notRefreshed = 0

    /// Nothing.
    public init() {}
  }

  private let loop: ProxyLoop
  private let pace: Pace
  private let eventLoop: any EventLoop

  /// A refresher over the edge's shared parts; `metrics` are those of the loop.
  public convenience init(
    shared: ProxyShared, eventLoop: any EventLoop, metrics: LoopMetrics, pace: Pace
  ) {
    self.init(
      loop: ProxyLoop(
        shared: shared, eventLoop: eventLoop, clock: LoopClock(), metrics: metrics,
        accessLog: nil), pace: pace)
  }

  init(loop: ProxyLoop, pace: Pace) {
    self.loop = loop
    self.pace = pace
    eventLoop = loop.eventLoop
  }

  /// Fetches again what stands under the keys, the first first.
  public func refresh(_ keys: [[UInt8]]) async -> Result {
    if keys.isEmpty { return Result() }
    return await withCheckedContinuation { continuation in
      begin(keys) { continuation.resume(returning: $0) }
    }
  }

  /// The same; `done` is called on the event loop.
  func begin(_ keys: [[UInt8]], done: @escaping @Sendable (Result) -> Void) {
    eventLoop.execute {
      RefreshRun(keys: keys, loop: self.loop, pace: self.pace, done: done).start()
    }
  }
}

/// One list of keys being worked off. Confined to its loop.
private final class RefreshRun: @unchecked Sendable {
  // @unchecked: confined to `loop.eventLoop`; timers only carry the reference there.
  private let keys: [[UInt8]]
  private let loop: ProxyLoop
  private let pace: Refresher.Pace
  /// Nil once it has been called: the pace's last timer comes after the end.
  private var done: (@Sendable (Refresher.Result) -> Void)?
  private var next = 0
  private var running = 0
  private var result = Refresher.Result()
  private var isWaiting = false

  init(
    keys: [[UInt8]], loop: ProxyLoop, pace: Refresher.Pace,
    done: @escaping @Sendable (Refresher.Result) -> Void
  ) {
    self.keys = keys
    self.loop = loop
    self.pace = pace
    self.done = done
  }

  func start() {
    if next == keys.count {
      if running == 0, let done {
        self.done = nil
        done(result)
      }
      return
    }
    guard running < pace.concurrency, !isWaiting else { return }
    let key = keys[next]
    next += 1
    running += 1
    isWaiting = true
    loop.eventLoop.scheduleTask(in: .nanoseconds(1_000_000_000 / Int64(max(1, pace.perSecond)))) {
      self.isWaiting = false
      self.start()
    }
    loop.refresh(key) { isRefreshed in
      self.running -= 1
      if isRefreshed { self.result.refreshed += 1 } else { self.result.notRefreshed += 1 }
      self.start()
    }
  }
}

extension ProxyLoop {
  /// Fetches again what stands in memory under a key, and tells, later or at once, whether it is
  /// fresh then. What somebody else has fetched meanwhile counts.
  func refresh(_ key: [UInt8], _ completion: @escaping (Bool) -> Void) {
    clock.refresh()
    guard let (head, route, found) = lookUpStored(key) else { return completion(false) }
    if found.verdict == .fresh { return completion(true) }
    guard let object = found.object, object.isWhole else {
      return completion(false)
    }
    var primaryKey = self.key
    primaryKey.moveWriterIndex(to: primaryKey.readerIndex + found.primaryCount)
    let present = shared.store.sequence
    let (fill, isNew) = shared.registry.join(
      found.hash, isUsable: { !$0.isDoomed && $0.fetchSequence >= present },
      make: {
        Fill(
          hash: found.hash, key: primaryKey, fetchSequence: present, revalidated: object,
          windowBytes: shared.configuration.fillWindowBytes)
      })
    let reader = RefreshReader(fill: fill, eventLoop: eventLoop, completion)
    reader.join()
    if isNew {
      FillDriver(
        fill: fill, loop: self, head: head, content: nil, route: route,
        remoteAddress: ByteBuffer()
      ).start()
    }
    reader.fillMayHaveProgressed()
  }

  /// What stands under the key, looked up by the request that the key came from; nil when that
  /// cannot be told. Leaves the key in ``key``.
  private func lookUpStored(
    _ key: [UInt8]
  ) -> (head: RequestHead, route: Route, found: Lookup)? {
    for stored in [StoredKey(key), StoredKey(variant: key)] {
      guard let head = stored?.head, let route = routes.route(for: head) else {
        continue
      }
      guard StorePolicy.mayAnswerFromCache(request: head, rules: route.rules) == nil else {
        continue
      }
      let found = lookUp(head, route: route)
      if self.key.readableBytesView.elementsEqual(key) { return (head, route, found) }
    }
    return nil
  }
}

/// Reads a fill to its end and keeps nothing: as its reader it keeps the fill from being given up.
private final class RefreshReader: FillListener, @unchecked Sendable {
  // @unchecked: confined to `eventLoop`; other threads only carry the reference there.
  private let fill: Fill
  private let eventLoop: any EventLoop
  private var completion: ((Bool) -> Void)?
  private var number = 0
  private var offset = 0

  init(fill: Fill, eventLoop: any EventLoop, _ completion: @escaping (Bool) -> Void) {
    self.fill = fill
    self.eventLoop = eventLoop
    self.completion = completion
  }

  func join() { number = fill.addReader(self) }

  func fillMayHaveProgressed() {
    if eventLoop.inEventLoop { read() } else { eventLoop.execute { self.read() } }
  }

  private func read() {
    guard completion != nil else { return }
    let start = offset
    while true {
      switch fill.read(number, at: offset) {
      case .bytes(let bytes): offset += bytes.readableBytes
      case .spooled(_, let available): offset += available
      case .wait:
        if offset > start { fill.notifyHome() }
        return
      case .end(let end):
        let head = fill.status(of: number).head
        _ = fill.removeReader(number)
        let completion = completion
        self.completion = nil
        switch end {
        case .failed: completion?(false)
        case .confirmed: completion?(true)
        case .whole: completion?(head?.refusal == nil && (head?.status ?? 500) < 500)
        }
        return
      }
    }
  }
}
