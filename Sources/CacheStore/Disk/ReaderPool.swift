import DequeModule

/// A few threads for reads that the page cache can't answer. Work beyond `mostWaiting` is refused:
/// a disk that is this far behind makes misses cheaper than hits.
final class ReaderPool: Sendable {
  private struct State {
    var jobs: Deque<@Sendable () -> Void> = []
    var isStopping = false
  }

  static let mostWaiting = 4096
  private let monitor = Monitor(State())
  private let threads = Monitor<[DiskThread]>([])
  private let counters: DiskCounters

  init(counters: DiskCounters) { self.counters = counters }

  func start(threadCount: Int) {
    for _ in 0..<threadCount {
      let thread = DiskThread.start("edge-disk-read") { [monitor] in
        while true {
          let job = monitor.wait(until: nil) { state -> (@Sendable () -> Void)?? in
            if let job = state.jobs.popFirst() { return .some(job) }
            return state.isStopping ? .some(nil) : nil
          }
          guard let job = job ?? nil else { return }
          job()
        }
      }
      if let thread { threads.withLock { $0.append(thread) } }
    }
  }

  /// Runs `job` on one of the threads; false when too many wait or the pool has stopped.
  func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
    let hasThreads = threads.withLock { !$0.isEmpty }
    let isTaken = monitor.update { state in
      guard hasThreads, !state.isStopping, state.jobs.count < Self.mostWaiting else {
        return false
      }
      state.jobs.append(job)
      return true
    }
    (isTaken ? counters.queuedReads : counters.shedReads).add(1)
    return isTaken
  }

  /// Finishes what waits, then ends the threads.
  func stop() {
    monitor.update { $0.isStopping = true }
    for thread in threads.withLock({ $0 }) { thread.join() }
  }
}
