import Atomics
import CacheStore
import NIOCore

/// Makes the gzip'd forms of stored responses, off the event loops, and puts them in their place.
///
/// A response is stored plain as it arrives, and gzip'd when the first client that takes gzip has
/// asked for it: what is asked for by nobody but programs without gzip costs nothing. Thread-safe.
/// Limit: responses that wait hold at most ``waitingLimitBytes``; beyond that they stay plain until
/// they are asked for again. A body that lies on disk is read for it, and its gzip'd form kept in
/// memory, or on disk in its place when it is too large for that.
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
  /// - Parameter loop: the calling loop.
  func transform(_ object: StoredObject, by rules: CompressionRules, on loop: any EventLoop) {
    let count = object.bodyCount
    // What the memory tier does not hold will not be found in another form.
    if object.diskBody != nil, object.kind == .inflatable || !store.holds(object) { return }
    guard object.claimReplacement() else { return }
    guard waitingBytes.load(ordering: .relaxed) + count <= Self.waitingLimitBytes else {
      postponed.wrappingIncrement(ordering: .relaxed)
      return object.abandonReplacement()
    }
    waitingBytes.wrappingIncrement(by: count, ordering: .relaxed)
    if let body = object.diskBody {
      return StoredBodyReading(body, on: loop) { [self] chunks in
        gzip(object, read: chunks, by: rules)
      }.start()
    }
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
    guard let gzip = Gzip.compress(object, level: level) else { return giveUp(object) }
    let form = CompressedObject.make(from: object, gzip: gzip)
    guard form.chargedBytes < object.chargedBytes, store.replace(object, with: form) else { return }
    count(object, gzipBytes: form.bodyCount)
  }

  /// Gzips a body that was read from disk; nil when it could not be.
  private func gzip(
    _ object: StoredObject, read chunks: [ByteBuffer]?, by rules: CompressionRules
  ) {
    guard let chunks else {
      waitingBytes.wrappingDecrement(by: object.bodyCount, ordering: .relaxed)
      return object.abandonReplacement()
    }
    execute { [self] in
      if let gzip = Gzip.compress(chunks, level: rules.level) {
        putInPlace(gzip, of: object)
      } else {
        giveUp(object)
      }
      waitingBytes.wrappingDecrement(by: object.bodyCount, ordering: .relaxed)
    }
  }

  /// Puts the gzip'd body of a response on disk where it belongs.
  private func putInPlace(_ gzip: [ByteBuffer], of object: StoredObject) {
    let gzipBytes = gzip.reduce(0) { $0 + $1.readableBytes }
    let form = CompressedObject.make(from: object, gzip: gzip)
    if form.chargedBytes <= store.largestMemoryObjectBytes {
      if store.replace(object, with: form) { count(object, gzipBytes: gzipBytes) }
      return
    }
    guard let spool = store.beginSpool(for: object.hash, expectedBytes: gzipBytes) else {
      return object.abandonReplacement()
    }
    for piece in gzip { spool.append(piece) }
    let (head, metadata) = CompressedObject.head(ofGzipped: object)
    let isReplaced = head.withUnsafeReadableBytes {
      store.replace(object, with: spool, head: $0, metadata: metadata, tags: object.allTags)
    }
    if isReplaced { count(object, gzipBytes: gzipBytes) }
  }

  private func giveUp(_ object: StoredObject) {
    incompressible.wrappingIncrement(ordering: .relaxed)
    store.replace(object, with: object.untransformed)
  }

  private func count(_ object: StoredObject, gzipBytes count: Int) {
    compressed.wrappingIncrement(ordering: .relaxed)
    plainBytes.wrappingIncrement(by: UInt64(object.bodyCount), ordering: .relaxed)
    gzipBytes.wrappingIncrement(by: UInt64(count), ordering: .relaxed)
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
  /// another form, or came gzip'd and lies on disk already, is a response like others.
  func asStored(bodyBytes: Int, isSpooled: Bool, _ route: Route) -> ObjectMetadata {
    let isTransformable =
      switch kind {
      case .compressible: route.compression?.sizes.contains(bodyBytes) == true
      case .inflatable: bodyBytes <= route.compression?.sizes.upperBound ?? 0
      default: true
      }
    if isTransformable, !isSpooled || kind != .inflatable { return self }
    guard kind == .compressible || kind == .inflatable else { return self }
    var metadata = self
    metadata.kind = .response
    return metadata
  }
}
