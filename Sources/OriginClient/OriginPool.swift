import DequeModule
import Synchronization

/// The places of one origin's pool and the queue in front of them, shared by all threads.
///
/// One lock an origin rather than a share a thread: with a share each, an origin of 50 places on
/// two threads would make a fetch wait on one thread while the other has 25 places free. The lock
/// is taken twice a fetch, for a few instructions. A place that becomes free goes to the fetch
/// that has waited longest, whichever thread it lives on; that thread is told by its mailbox.
///
/// Limits: ``limit`` places, ``queueLimit`` waiting. Abandoned entries stay in the queue until
/// they are popped or outnumber the living.
final class OriginPool: Sendable {
  enum Admission { case admitted, queued, full }

  private struct State {
    var activeCount = 0
    var waitingCount = 0
    var queue: Deque<CurlTransfer> = []
  }

  let limit: Int
  let queueLimit: Int
  private let state = Mutex(State())

  init(limit: Int, queueLimit: Int) {
    self.limit = limit
    self.queueLimit = queueLimit
  }

  /// Takes a place for `transfer`, or lets it wait for one.
  func acquire(_ transfer: CurlTransfer) -> Admission {
    state.withLock { state in
      if state.activeCount < limit {
        state.activeCount += 1
        return .admitted
      }
      guard state.waitingCount < queueLimit else { return .full }
      state.waitingCount += 1
      transfer.isWaitingForPool = true
      state.queue.append(transfer)
      return .queued
    }
  }

  /// Gives a place back; the result now holds it and must be told.
  func release() -> CurlTransfer? {
    state.withLock { state in
      while let next = state.queue.popFirst() {
        guard next.isWaitingForPool else { continue }
        next.isWaitingForPool = false
        state.waitingCount -= 1
        return next
      }
      state.activeCount -= 1
      return nil
    }
  }

  /// Takes a waiting transfer out. False when it holds a place by now.
  func abandon(_ transfer: CurlTransfer) -> Bool {
    state.withLock { state in
      guard transfer.isWaitingForPool else { return false }
      transfer.isWaitingForPool = false
      state.waitingCount -= 1
      if state.queue.count > 2 * state.waitingCount + 16 {
        state.queue.removeAll { !$0.isWaitingForPool }
      }
      return true
    }
  }
}
