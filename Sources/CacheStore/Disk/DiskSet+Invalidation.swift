import Synchronization

/// Invalidations: numbered once, and durable on every disk that takes part.
extension DiskSet {
  /// Numbers an invalidation and appends it to every log.
  /// - Parameter number: gives the number, when everything before it has been appended.
  func record(
    _ selectors: [InvalidationSelector], _ kind: InvalidationKind, number: () -> UInt64
  ) -> RecordedInvalidation {
    order.withLock { _ in
      let sequence = number()
      let recorded = RecordedInvalidation(sequence: sequence, logCount: tiers.count)
      for (disk, entry) in disks.enumerated() {
        entry.tier?.appendInvalidation(sequence: sequence, selectors: selectors, kind: kind) {
          recorded.note(disk, failure: $0)
        }
      }
      return recorded
    }
  }

  /// Waits until an invalidation is on every disk that takes part.
  /// - Returns: nil then; else why it is not. It is tried again by itself, and effective meanwhile.
  func acknowledgement(of recorded: RecordedInvalidation) async -> String? {
    let failures = await recorded.failures
    guard let first = failures.min(by: { $0.key < $1.key }) else { return nil }
    guard let membership, failures.count < tiers.count else { return first.value }
    let isOut = await Self.onOwnThread { membership.putOut(Set(failures.keys)) } ?? false
    return isOut ? nil : "\(disks[first.key].path): \(first.value)"
  }

  private static func onOwnThread<Result: Sendable>(
    _ body: @escaping @Sendable () -> Result
  ) async -> Result? {
    await withCheckedContinuation { continuation in
      let thread = DiskThread.start("edge-disk-out") { continuation.resume(returning: body()) }
      if thread == nil { continuation.resume(returning: nil) }
    }
  }

  /// Works a sweep off every disk and tells what each invalidation took.
  func sweep(_ sweep: InvalidationLog.Sweep) -> InvalidationTally {
    tiers.reduce(into: InvalidationTally()) { $0.add($1.sweep(sweep)) }
  }
}

/// An invalidation on its way to the logs of all disks.
final class RecordedInvalidation: Sendable {
  private struct State {
    var waitingCount: Int
    var failures: [Int: String] = [:]
    var continuation: CheckedContinuation<[Int: String], Never>?
  }

  let sequence: UInt64
  private let state: Mutex<State>

  init(sequence: UInt64, logCount: Int) {
    self.sequence = sequence
    state = Mutex(State(waitingCount: logCount))
  }

  /// One log has it, or not yet.
  func note(_ disk: Int, failure: String?) {
    let waiting = state.withLock { state -> CheckedContinuation<[Int: String], Never>? in
      state.waitingCount -= 1
      state.failures[disk] = failure
      return state.waitingCount == 0 ? state.continuation.take() : nil
    }
    guard let waiting else { return }
    waiting.resume(returning: state.withLock { $0.failures })
  }

  /// Why it is not on some disks, by their numbers; waits for all logs. Asked once.
  var failures: [Int: String] {
    get async {
      await withCheckedContinuation { continuation in
        let failures = state.withLock { state -> [Int: String]? in
          if state.waitingCount == 0 { return state.failures }
          state.continuation = continuation
          return nil
        }
        if let failures { continuation.resume(returning: failures) }
      }
    }
  }
}
