import CLinux
import Glibc

/// State behind a pthread mutex with a condition to wait on: what the disk tier's own threads use
/// to hand work to each other. Never held over a call to a device.
final class Monitor<State>: @unchecked Sendable {
  // @unchecked: `state` is touched only between lock and unlock of `mutex`.
  private var state: State
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  init(_ state: State) {
    self.state = state
    mutex = .allocate(capacity: 1)
    condition = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Runs `body` with the state, locked.
  func withLock<Result>(_ body: (inout State) -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body(&state)
  }

  /// Changes the state and wakes all who wait.
  func update<Result>(_ body: (inout State) -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer {
      pthread_cond_broadcast(condition)
      pthread_mutex_unlock(mutex)
    }
    return body(&state)
  }

  /// Waits until `body` returns a value, asking again after each ``update(_:)``; nil once
  /// `deadline` (monotonic) has passed without one.
  func wait<Result>(until deadline: MonotonicTime?, _ body: (inout State) -> Result?) -> Result? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {
      if let result = body(&state) { return result }
      guard let deadline else {
        pthread_cond_wait(condition, mutex)
        continue
      }
      var time = deadline.specification
      if pthread_cond_timedwait(condition, mutex, &time) == ETIMEDOUT { return body(&state) }
    }
  }
}

/// A reading of the monotonic clock.
struct MonotonicTime: Comparable, Sendable {
  var nanoseconds: UInt64

  static var now: MonotonicTime {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return MonotonicTime(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
  }

  var specification: timespec {
    timespec(
      tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
  }

  func advanced(by duration: Duration) -> MonotonicTime {
    let (seconds, attoseconds) = duration.components
    let added = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    guard !added.overflow, added.partialValue >= 0 else {
      return MonotonicTime(nanoseconds: .max / 4)
    }
    let total = UInt64(added.partialValue) &+ UInt64(max(0, attoseconds) / 1_000_000_000)
    return MonotonicTime(nanoseconds: nanoseconds &+ min(total, .max / 4))
  }

  static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
    left.nanoseconds < right.nanoseconds
  }
}

/// A thread of the disk tier, joined once.
final class DiskThread: @unchecked Sendable {
  // @unchecked: `thread` is written in `start` before the object is shared, and read in `join`.
  private var thread = pthread_t()
  private let isJoined = Monitor(false)

  /// Starts a thread that runs `body` with all signals blocked; nil when the system gives none.
  /// - Parameter isBackground: whether it is to come after the event loops where cores are busy.
  static func start(
    _ name: String, isBackground: Bool = false, _ body: @escaping @Sendable () -> Void
  ) -> DiskThread? {
    let result = DiskThread()
    let box = Unmanaged.passRetained(
      ThreadBody(name: name, isBackground: isBackground, body: body))
    let code = pthread_create(
      &result.thread, nil,
      { argument in
        guard let argument else { return nil }
        let body = Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue()
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, nil)
        _ = edge_thread_set_name(pthread_self(), body.name)
        if body.isBackground { _ = edge_thread_yield_to_others() }
        body.body()
        return nil
      }, box.toOpaque())
    guard code == 0 else {
      box.release()
      return nil
    }
    return result
  }

  /// Waits for the thread's end; later calls return at once.
  func join() {
    let isFirst = isJoined.withLock { joined in
      defer { joined = true }
      return !joined
    }
    if isFirst { pthread_join(thread, nil) }
  }
}

private final class ThreadBody {
  let name: String
  let isBackground: Bool
  let body: @Sendable () -> Void

  init(name: String, isBackground: Bool, body: @escaping @Sendable () -> Void) {
    // The kernel keeps 15 characters.
    self.name = String(name.prefix(15))
    self.isBackground = isBackground
    self.body = body
  }
}
