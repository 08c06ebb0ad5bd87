import Logging

/// Reads the heap's account and gives free pages back, on a thread of its own.
///
/// Both look at every free piece of the heap with its arena locked. After a sweep that left half a
/// million pieces that took longer than the sweep (`perf record`), so no sweep is to wait for it;
/// and allocations on the event loops wait for the arena meanwhile, so it is done the more seldom
/// the longer it takes.
final class HeapKeeper: Sendable {
  private struct State {
    var isStopping = false
    var heap = HeapStatistics()
    var trims: UInt64 = 0
    var nextRead = MonotonicTime(nanoseconds: 0)
    var nextTrim = MonotonicTime(nanoseconds: 0)
  }

  private let state = Monitor(State())
  private let thread = Monitor<DiskThread?>(nil)

  /// Between two readings, at least.
  private static var readInterval: Duration { .seconds(10) }
  /// Between two times of giving back, at least.
  private static var trimInterval: Duration { .seconds(60) }
  /// What was spent on a round is at most this share of the time until the next.
  private static var mostShare: Int { 200 }
  /// Free bytes that are not worth a look at the whole heap.
  private static var leastTrimBytes: Int { 32 << 20 }

  /// The account as it was last read; zeroes before the first round.
  var heap: HeapStatistics { state.withLock { $0.heap } }

  /// How often free pages were given back.
  var trims: UInt64 { state.withLock { $0.trims } }

  /// Starts the thread.
  func start(logger: Logger) {
    let started = DiskThread.start("heap", isBackground: true) { [state, weak self] in
      while true {
        let next = state.withLock { $0.nextRead }
        let isStopping: Bool? = state.wait(until: next) { $0.isStopping ? true : nil }
        guard isStopping != true, let self else { return }
        self.round(now: .now)
      }
    }
    if started == nil { logger.error("the heap's background thread could not be started") }
    thread.withLock { $0 = started }
  }

  /// Stops the thread and waits for it; a round that is under way ends first.
  func stop() {
    state.update { $0.isStopping = true }
    thread.withLock { $0 }?.join()
  }

  /// Reads the account if it is time to, and gives free pages back when they are more than a tenth
  /// of what is used. One thread at a time.
  func round(now: MonotonicTime) {
    guard now >= state.withLock({ $0.nextRead }) else { return }
    let start = MonotonicTime.now
    var heap = HeapStatistics.read()
    let trims =
      heap.freeBytes > max(Self.leastTrimBytes, heap.usedBytes / 10)
      && now >= state.withLock { $0.nextTrim }
    if trims {
      HeapStatistics.trim()
      heap = HeapStatistics.read()
    }
    let latest = heap
    let spent = Duration.nanoseconds(MonotonicTime.now.nanoseconds - start.nanoseconds)
    let pause = max(Self.readInterval, spent * Self.mostShare)
    state.withLock { state in
      state.heap = latest
      state.nextRead = now.advanced(by: pause)
      guard trims else { return }
      state.trims += 1
      state.nextTrim = now.advanced(by: Self.trimInterval)
    }
  }
}

extension Store {
  /// The heap's account, at most some ten seconds old, older where reading it takes long; zeroes
  /// before it was first read.
  public var heap: HeapStatistics { maintenance.heapKeeper.heap }

  /// How often free pages were given back.
  public var heapTrims: UInt64 { maintenance.heapKeeper.trims }
}
