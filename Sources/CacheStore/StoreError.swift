/// Why a store could not be opened. Requests never see one: a failing disk degrades, it does not
/// throw.
public enum StoreError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The store's directory or one of its files can't be created, opened, read or written.
  case directory(path: String, reason: String, remedy: String)
  /// Another process holds the store.
  case inUse(path: String, remedy: String)
  /// The directory holds something this version doesn't read.
  case format(path: String, reason: String, remedy: String)
  /// The configuration asks for what can't be.
  case configuration(reason: String, remedy: String)

  /// One line for the operator: what, where, and what to do about it.
  public var description: String {
    switch self {
    case .directory(let path, let reason, let remedy):
      return "store at \(path): \(reason); \(remedy)"
    case .inUse(let path, let remedy):
      return "store at \(path) is in use by another process; \(remedy)"
    case .format(let path, let reason, let remedy):
      return "store at \(path): \(reason); \(remedy)"
    case .configuration(let reason, let remedy):
      return "store: \(reason); \(remedy)"
    }
  }
}
