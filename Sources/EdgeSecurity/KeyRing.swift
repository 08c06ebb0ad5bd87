import Synchronization

// The keys of a store: the newest one for what is written now, the older ones for what is there.
//
// Any thread. A directory is the truth; the ring follows it when `refresh` finds it changed, so
// `edge keys rotate` needs no way to the running edge. Nothing here ever names a key's bytes.

/// A set of keys, kept in a directory or, for tests, in memory only.
public final class KeyRing: Sendable {
  private struct State {
    var keys: [UInt64: StoreKey] = [:]
    var damaged: Set<UInt64> = []
    var stamp: KeyDirectory.Stamp?
  }

  /// What a look at the directory found.
  public struct Change: Sendable, Equatable {
    /// Keys that came.
    public var added: [UInt64] = []
    /// Keys that went.
    public var missing: [UInt64] = []
    /// Files that are no whole keys.
    public var damaged: [UInt64] = []

    /// Whether nothing changed.
    public var isEmpty: Bool { added.isEmpty && missing.isEmpty && damaged.isEmpty }
  }

  private let directory: KeyDirectory?
  private let state = Mutex(State())

  /// Opens a directory of keys, and makes it and its first key if there is none.
  /// - Throws: when it can't be made or read, or when others than its owner may use it.
  public init(directory path: String, nowSeconds: Int64) throws(KeyRingError) {
    let directory = KeyDirectory(path: path)
    self.directory = directory
    try directory.prepare(mayCreate: true)
    try load()
    if current == nil { try rotate(nowSeconds: nowSeconds) }
  }

  /// Opens a directory of keys as it is.
  public init(existing path: String) throws(KeyRingError) {
    let directory = KeyDirectory(path: path)
    self.directory = directory
    try directory.prepare(mayCreate: false)
    try load()
  }

  /// A ring that ends with the process.
  public init(inMemoryAt nowSeconds: Int64) {
    directory = nil
    let key = KeyRing.make(nowSeconds)
    state.withLock { $0.keys[key.identifier] = key }
  }

  /// The newest key; nil when there is none.
  public var current: StoreKey? { state.withLock { KeyRing.newest($0) } }

  /// The key of an identifier; nil when it is lost.
  public func key(_ identifier: UInt64) -> StoreKey? { state.withLock { $0.keys[identifier] } }

  /// All keys, the oldest first.
  public var all: [StoreKey] { state.withLock { $0.keys.values.sorted(by: KeyRing.isOlder) } }

  /// Files that are no whole keys.
  public var damaged: [UInt64] { state.withLock { $0.damaged.sorted() } }

  /// Makes a new key, which is the current one from now on.
  @discardableResult
  public func rotate(nowSeconds: Int64) throws(KeyRingError) -> StoreKey {
    // Above the newest, whatever the clock says: the newest is the current one.
    let created = max(nowSeconds, (current?.createdSeconds).map { $0 + 1 } ?? .min)
    let key = KeyRing.make(created)
    try directory?.check()
    try directory?.write(key)
    state.withLock { $0.keys[key.identifier] = key }
    return key
  }

  /// Makes a new key if the current one is older than `lifetimeSeconds`.
  /// - Returns: the new key; nil when it was not due.
  public func rotateIfDue(
    nowSeconds: Int64, lifetimeSeconds: Int64
  ) throws(KeyRingError) -> StoreKey? {
    if let current, nowSeconds - current.createdSeconds < lifetimeSeconds { return nil }
    return try rotate(nowSeconds: nowSeconds)
  }

  /// Follows the directory if it changed since the last look; costs one `stat` if it
  /// did not.
  public func refresh() throws(KeyRingError) -> Change {
    guard let directory else { return Change() }
    if let known = state.withLock({ $0.stamp }), known == directory.stamp { return Change() }
    return try load()
  }

  /// Deletes keys older than the current one that nothing uses any more.
  /// - Parameter used: identifiers of keys still needed.
  /// - Returns: those deleted.
  public func removeUnused(keeping used: Set<UInt64>) -> [UInt64] {
    let removed = state.withLock { state -> [UInt64] in
      guard let newest = KeyRing.newest(state) else { return [] }
      let unused = state.keys.values.filter { key in
        !used.contains(key.identifier) && KeyRing.isOlder(key, newest)
      }.map(\.identifier)
      for identifier in unused { state.keys[identifier] = nil }
      return unused.sorted()
    }
    for identifier in removed { directory?.remove(identifier) }
    return removed
  }

  /// Drops a key, as when its file was lost; for tests.
  public func forget(_ identifier: UInt64) { state.withLock { $0.keys[identifier] = nil } }

  // MARK: - Steps

  @discardableResult
  private func load() throws(KeyRingError) -> Change {
    guard let directory else { return Change() }
    // Before the look: a change during it shows at the next one.
    let stamp = directory.stamp
    try directory.check()
    var keys: [UInt64: StoreKey] = [:]
    var damaged: Set<UInt64> = []
    for identifier in try directory.identifiers() {
      switch try directory.read(identifier) {
      case .key(let key): keys[identifier] = key
      case .damaged: damaged.insert(identifier)
      }
    }
    return state.withLock { state in
      var change = Change()
      change.added = keys.keys.filter { state.keys[$0] == nil }.sorted()
      change.missing = state.keys.keys.filter { keys[$0] == nil }.sorted()
      change.damaged = damaged.subtracting(state.damaged).sorted()
      state.keys = keys
      state.damaged = damaged
      // Times tick coarsely: a change right after this look may bear the same stamp.
      state.stamp = stamp.flatMap { $0.isRecent ? nil : $0 }
      return change
    }
  }

  private static func make(_ createdSeconds: Int64) -> StoreKey {
    StoreKey(
      identifier: SecureRandom.number(), createdSeconds: createdSeconds,
      secret: SecretBytes.random(count: KeyFile.secretBytes))
  }

  private static func newest(_ state: State) -> StoreKey? {
    state.keys.values.max(by: isOlder)
  }

  private static func isOlder(_ left: StoreKey, _ right: StoreKey) -> Bool {
    (left.createdSeconds, left.identifier) < (right.createdSeconds, right.identifier)
  }
}
