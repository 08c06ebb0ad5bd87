import Synchronization

/// Whether the edge takes requests: set after the start, taken back when it shuts down.
final class Readiness: Sendable {
  private let state = Atomic(false)

  /// Whether the edge takes requests.
  var isReady: Bool {
    get { state.load(ordering: .relaxed) }
    set { state.store(newValue, ordering: .relaxed) }
  }
}
