import Glibc
import Synchronization

/// The tokens of a running edge: the file's, read anew when it has changed. A look at the file's
/// stamp before every use costs a microsecond and makes a revocation count at once.
///
/// Thread-safe; control plane only.
public final class AdminTokenTable: Sendable {
  private struct Stamp: Equatable {
    let inode: UInt64
    let sizeBytes: Int64
    let changed: [Int]

    init?(_ path: String) {
      var status = stat()
      guard stat(path, &status) == 0 else { return nil }
      inode = UInt64(status.st_ino)
      sizeBytes = Int64(status.st_size)
      changed = [
        Int(status.st_mtim.tv_sec), Int(status.st_mtim.tv_nsec), Int(status.st_ctim.tv_sec),
        Int(status.st_ctim.tv_nsec),
      ]
    }
  }

  private struct State {
    var stamp: Stamp?
    var tokens: [AdminToken] = []
    var warnedSeconds: [String: Int64] = [:]
  }

  /// Before its end a token's user is told for this long.
  public static let warningSeconds: Int64 = 7 * 86_400

  private let file: AdminTokenFile?
  private let report: @Sendable (String) -> Void
  private let state = Mutex(State())

  /// The tokens of a file; without one there are none.
  /// - Parameter report: told what is wrong with the file, each time it has changed.
  public init(path: String?, report: @escaping @Sendable (String) -> Void) {
    file = path.map { AdminTokenFile(path: $0) }
    self.report = report
    refresh()
  }

  /// The tokens now.
  public var tokens: [AdminToken] {
    refresh()
    return state.withLock { $0.tokens }
  }

  /// The entry of a token, expired or not; nil when it is nobody's. Every entry is looked at, so
  /// the time tells nothing.
  func token(of bearer: BearerToken) -> AdminToken? {
    let digest = bearer.digest
    var found: AdminToken?
    for token in tokens where ConstantTime.areEqual(token.digest, digest) { found = token }
    return found
  }

  /// Whether to log now that a token is about to expire: once a day each.
  func mustWarn(ofTokenNamed name: String, nowSeconds: Int64) -> Bool {
    state.withLock { state in
      if let last = state.warnedSeconds[name], nowSeconds - last < 86_400 { return false }
      state.warnedSeconds[name] = nowSeconds
      return true
    }
  }

  private func refresh() {
    guard let file else { return }
    let stamp = Stamp(file.path)
    guard state.withLock({ $0.stamp != stamp }) else { return }
    do throws(AdminTokenFileError) {
      let content = try file.read()
      state.withLock { state in
        state.stamp = stamp
        state.tokens = content.tokens
        let names = Set(content.tokens.map(\.name))
        state.warnedSeconds = state.warnedSeconds.filter { names.contains($0.key) }
      }
      for fault in content.faults { report("\(file.path):\(fault)") }
    } catch {
      // What cannot be read lets nobody in: a token may have been revoked in it.
      state.withLock { state in
        state.stamp = stamp
        state.tokens = []
      }
      report("\(error)")
    }
  }
}
