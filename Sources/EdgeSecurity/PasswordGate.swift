import Dispatch
import Synchronization

/// Hashes passwords one at a time on a thread of its own: whoever sends many wrong ones takes one
/// core and one hash's memory, and no event loop or task ever waits on a hash by blocking.
final class PasswordGate: Sendable {
  /// Most hashes that wait; beyond, an attempt is turned away.
  static let queueLimit = 32

  private let queue = DispatchQueue(label: "edge.password-hash", qos: .utility)
  private let waiting = Atomic(0)
  private let hashed = Atomic(0)

  /// Passwords hashed so far.
  var hashedCount: Int { hashed.load(ordering: .relaxed) }

  /// Whether the hash is the password's; nil when too many wait.
  func matches(_ hash: PasswordHash, _ password: String) async -> Bool? {
    guard waiting.wrappingAdd(1, ordering: .relaxed).newValue <= PasswordGate.queueLimit else {
      waiting.wrappingSubtract(1, ordering: .relaxed)
      return nil
    }
    return await withCheckedContinuation { continuation in
      queue.async { [self] in
        let isMatch = hash.matches(password.utf8)
        waiting.wrappingSubtract(1, ordering: .relaxed)
        hashed.wrappingAdd(1, ordering: .relaxed)
        continuation.resume(returning: isMatch)
      }
    }
  }
}
