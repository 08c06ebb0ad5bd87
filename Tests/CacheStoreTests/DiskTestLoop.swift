import Dispatch
import NIOCore

@testable import CacheStore

/// A loop without a thread: what is handed to it runs where it is handed over. Completions in these
/// tests only note a value behind a lock, so the thread does not matter.
final class DiskTestLoop: EventLoop {
  static let shared = DiskTestLoop()

  var inEventLoop: Bool { true }
  var now: NIODeadline { .now() }

  func execute(_ task: @escaping @Sendable () -> Void) { task() }

  func scheduleTask<T>(
    deadline: NIODeadline, _ task: @escaping @Sendable () throws -> T
  ) -> Scheduled<T> {
    fatalError("the disk tier schedules nothing")
  }

  func scheduleTask<T>(
    in delay: TimeAmount, _ task: @escaping @Sendable () throws -> T
  ) -> Scheduled<T> {
    fatalError("the disk tier schedules nothing")
  }

  func shutdownGracefully(
    queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void
  ) {
    callback(nil)
  }
}

/// Waits on the test's thread for a completion.
func waitFor<Value: Sendable>(
  _ start: (_ completion: @escaping (Value) -> Void) -> Void
) -> Value {
  let result = Monitor<Value?>(nil)
  start { value in result.update { $0 = value } }
  // Without a deadline this returns only with a value.
  return result.wait(until: nil) { $0 }!
}
