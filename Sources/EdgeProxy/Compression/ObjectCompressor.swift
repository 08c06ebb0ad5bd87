import Atomics
import CacheStore

/// Makes the gzip'd forms of stored responses, off the event loops, and puts them in their place.
///
/// A response is stored plain as it arrives, and gzip'd when the first client that takes gzip has
/// asked for it: what is asked for by nobody but programs without gzip costs nothing. Thread-safe.
/// Limit: responses that wait hold at most ``waitingLimitBytes``; beyond that they stay plain until
/// they are asked for again.
public final class ObjectCompressor: Sendable {
  /// Runs work somewhere that is not an event loop.
  public typealias Executor = @Sendable (@escaping @Sendable () -> Void) -> Void

  /// What it has done, since the start.
  public struct Statistics: Sendable, Equatable {
    /// Responses gzip'd.
    public var compressed: UInt64 = 0
    /// Responses that gzip made too little smaller; they stay as they are.
    public var incompressible: UInt64 = 0
    /// Responses left for later because too many waited.
    public var postponed: UInt64 = 0
    /// Stored bodies that did not inflate to what was stored.
    public var damaged: UInt64 = 0
    /// Responses that came gzip'd, looked through and served plain where that is wanted.
    public var inflatable: UInt64 = 0
    /// Responses that came gzip'd and are damaged or would inflate beyond the limits: they are
    /// served as they came.
    public var refused: UInt64 = 0
    /// Bytes of the bodies that were gzip'd.
    public var plainBytes: UInt64 = 0
    /// Bytes that they have become.
    public var gzipBytes: UInt64 = 0
  }

  /// Bytes of bodies that may wait.
  public static let waitingLimitBytes = 64 << 20

  private let store: Store
  private let execute: Executor
  private let waitingBytes = ManagedAtomic<Int>(0)
  private let compressed = ManagedAtomic<UInt64>(0)
  private let incompressible = ManagedAtomic<UInt64>(0)
  private let postponed = ManagedAtomic<UInt64>(0)
  private let damaged = ManagedAtomic<UInt64>(0)
  private let inflatable = ManagedAtomic<UInt64>(0)
  private let refused = ManagedAtomic<UInt64>(0)
  private let plainBytes = ManagedAtomic<UInt64>(0)
  private let gzipBytes = ManagedAtomic<UInt64>(0)

  init(store: Store, execute: @escaping Executor) {
    self.store = store
    self.execute = execute
  }

  /// Has the other form of a stored response made, unless that is under way: one that is
  /// `compressible` is gzip'd, one that is `inflatable` looked through.
  func transform(_ object: StoredObject, by rules: CompressionRules) {
    let count = object.bodyCount
    guard object.diskBody == nil, object.claimReplacement() else { return }
    guard waitingBytes.load(ordering: .relaxed) + count <= Self.waitingLimitBytes else {
      postponed.wrappingIncrement(ordering: .relaxed)
      return object.abandonReplacement()
    }
    waitingBytes.wrappingIncrement(by: count, ordering: .relaxed)
    execute { [self] in
      if object.kind == .inflatable {
        lookThrough(object, limitBytes: rules.sizes.upperBound)
      } else {
        gzip(object, level: rules.level)
      }
      waitingBytes.wrappingDecrement(by: count, ordering: .relaxed)
    }
  }

  private func lookThrough(_ object: StoredObject, limitBytes: Int) {
    guard let plainCount = Gzip.plainCount(of: object, limitBytes: limitBytes) else {
      refused.wrappingIncrement(ordering: .relaxed)
      store.replace(object, with: object.untransformed)
      return
    }
    inflatable.wrappingIncrement(ordering: .relaxed)
    store.replace(object, with: CompressedObject.make(fromGzip: object, plainCount: plainCount))
  }

  private func gzip(_ object: StoredObject, level: Int) {
    guard let gzip = Gzip.compress(object, level: level) else {
      incompressible.wrappingIncrement(ordering: .relaxed)
      store.replace(object, with: object.untransformed)
      return
    }
    let form = CompressedObject.make(from: object, gzip: gzip)
    guard form.chargedBytes < object.chargedBytes, store.replace(object, with: form) else { return }
    compressed.wrappingIncrement(ordering: .relaxed)
    plainBytes.wrappingIncrement(by: UInt64(object.bodyCount), ordering: .relaxed)
    gzipBytes.wrappingIncrement(by: UInt64(form.bodyCount), ordering: .relaxed)
  }

  /// Counts a stored body that did not inflate to what was stored, and removes it.
  func remove(damaged object: StoredObject) {
    damaged.wrappingIncrement(ordering: .relaxed)
    store.remove(object.hash)
  }

  /// A snapshot of the counters.
  public var statistics: Statistics {
    Statistics(
      compressed: compressed.load(ordering: .relaxed),
      incompressible: incompressible.load(ordering: .relaxed),
      postponed: postponed.load(ordering: .relaxed), damaged: damaged.load(ordering: .relaxed),
      inflatable: inflatable.load(ordering: .relaxed), refused: refused.load(ordering: .relaxed),
      plainBytes: plainBytes.load(ordering: .relaxed),
      gzipBytes: gzipBytes.load(ordering: .relaxed))
  }
}

extension StoredObject {
  /// The same response, not to be tried again.
  fileprivate var untransformed: StoredObject {
    var metadata = metadata
    metadata.kind = .response
    return withKey { key in
      withHead { head in freshened(key: key, head: head, metadata: metadata, tags: allTags) }
    }
  }
}

extension ObjectMetadata {
  /// The metadata to store once the body's size is known: what is too small or too large for
  /// another form, or lies on disk already, is a response like others.
  func asStored(bodyBytes: Int, isSpooled: Bool, _ route: Route) -> ObjectMetadata {
    let isTransformable =
      switch kind {
      case .compressible: route.compression?.sizes.contains(bodyBytes) == true
      case .inflatable: bodyBytes <= route.compression?.sizes.upperBound ?? 0
      default: true
      }
    if isTransformable, !isSpooled { return self }
    guard kind == .compressible || kind == .inflatable else { return self }
    var metadata = self
    metadata.kind = .response
    return metadata
  }
}
