import Atomics

/// What changes in a published object: relaxed atomics, each right on its own, and the eviction
/// fields, which are touched only under the lock of the shard that holds the object.
extension StoredObject {
  /// Bits of an object's marks.
  enum Marks {
    /// The body is not in the object's allocation; set before publication.
    static let isDetached: UInt8 = 1
    /// The disk tier has this object or has it in its write queue.
    static let isOnDisk: UInt8 = 2
    /// The disk tier holds an older object under the same hash.
    static let supersedesDisk: UInt8 = 4
    /// It was hit since it came in, or had been evicted shortly before: worth a place on disk.
    static let isProven: UInt8 = 8
    /// A soft invalidation matches it.
    static let isMarkedStale: UInt8 = 16
    /// Tags follow the body; set before publication.
    static let hasTags: UInt8 = 32
    /// Somebody is making another form of it to put in its place.
    static let isBeingReplaced: UInt8 = 64

    @inline(__always)
    static func isDetached(_ header: UnsafeMutablePointer<StoredObjectHeader>) -> Bool {
      isSet(isDetached, header)
    }

    @inline(__always)
    static func hasTags(_ header: UnsafeMutablePointer<StoredObjectHeader>) -> Bool {
      isSet(hasTags, header)
    }

    @inline(__always)
    private static func isSet(
      _ mark: UInt8, _ header: UnsafeMutablePointer<StoredObjectHeader>
    ) -> Bool {
      withUnsafeMutablePointer(to: &header.pointee.marks) {
        UnsafeAtomic<UInt8>(at: $0).load(ordering: .relaxed) & mark != 0
      }
    }
  }

  /// Hits are counted up to here.
  static let mostHits: UInt8 = 3

  var isDetached: Bool { withHeader { Marks.isDetached($0) } }

  @inline(__always)
  var hasTags: Bool { hasMark(Marks.hasTags) }

  /// Hits since it came in or since its queue last spared it, 0 to 3.
  @inline(__always)
  public internal(set) var hits: UInt8 {
    get { withHits { $0.load(ordering: .relaxed) } }
    nonmutating set { withHits { $0.store(newValue, ordering: .relaxed) } }
  }

  /// Counts a hit at a coarse time and returns the count before it. Writes only what changed, so
  /// that a hot object's header stays shared between the cores' caches.
  @inline(__always) @discardableResult
  func recordHit(nowSeconds: UInt32) -> UInt8 {
    withHeader { header in
      withUnsafeMutablePointer(to: &header.pointee.lastUse) {
        let lastUse = UnsafeAtomic<UInt32>(at: $0)
        if lastUse.load(ordering: .relaxed) != nowSeconds {
          lastUse.store(nowSeconds, ordering: .relaxed)
        }
      }
      return withUnsafeMutablePointer(to: &header.pointee.hits) {
        let hits = UnsafeAtomic<UInt8>(at: $0)
        let before = hits.load(ordering: .relaxed)
        if before < Self.mostHits { hits.store(before &+ 1, ordering: .relaxed) }
        return before
      }
    }
  }

  /// Wall-clock second of the last use, as 32 bits.
  @inline(__always)
  var lastUseSeconds: UInt32 {
    get { withLastUse { $0.load(ordering: .relaxed) } }
    nonmutating set { withLastUse { $0.store(newValue, ordering: .relaxed) } }
  }

  /// The invalidation sequence number at which its fetch began.
  @inline(__always)
  var fetchSequence: UInt64 {
    withHeader { $0.pointee.metadata.sequence }
  }

  /// Invalidation rules up to here have been found not to match; never below the fetch sequence.
  /// Kept as a saturating distance: an object that outlives 4 billion numbers is checked again each
  /// time, never too seldom.
  @inline(__always)
  var checkedSequence: UInt64 {
    get { fetchSequence &+ UInt64(withCheckedDistance { $0.load(ordering: .relaxed) }) }
    nonmutating set {
      let distance = newValue > fetchSequence ? newValue - fetchSequence : 0
      withCheckedDistance {
        $0.store(UInt32(clamping: distance), ordering: .relaxed)
      }
    }
  }

  /// Second after which it is useless even as a stale answer.
  var usefulUntilSeconds: Int64 {
    withHeader { $0.pointee.metadata.usefulUntilSeconds }
  }

  /// True when the disk tier has it or has it in its write queue.
  public internal(set) var isOnDisk: Bool {
    get { hasMark(Marks.isOnDisk) }
    nonmutating set { setMark(Marks.isOnDisk, newValue) }
  }

  /// True when the disk tier holds an older object under the same hash.
  var supersedesDisk: Bool {
    get { hasMark(Marks.supersedesDisk) }
    nonmutating set { setMark(Marks.supersedesDisk, newValue) }
  }

  /// True when it was hit since it came in or came back shortly after an eviction: what the disk
  /// tier admits.
  var isProven: Bool {
    get { hits > 0 || hasMark(Marks.isProven) }
    nonmutating set { setMark(Marks.isProven, newValue) }
  }

  /// The eviction clock when it joined its queue; only under the shard's lock.
  @inline(__always)
  var evictionStamp: UInt32 {
    get { withHeader { $0.pointee.evictionStamp } }
    nonmutating set { withHeader { $0.pointee.evictionStamp = newValue } }
  }

  /// The queue that holds it; only under the shard's lock.
  @inline(__always)
  var queue: UInt8 {
    get { withHeader { $0.pointee.queue } }
    nonmutating set { withHeader { $0.pointee.queue = newValue } }
  }

  /// True when a soft invalidation matches it: it is not fresh, whatever its age. The response to a
  /// revalidation makes a new object, which is not marked.
  public var isMarkedStale: Bool { hasMark(Marks.isMarkedStale) }

  /// Marks it stale for good; false when it was already.
  @discardableResult
  func markStale() -> Bool {
    withMarks { marks in
      marks.loadThenBitwiseOr(with: Marks.isMarkedStale, ordering: .relaxed)
        & Marks.isMarkedStale == 0
    }
  }

  /// Claims the making of another form of it, for ``Store/replace(_:with:)``; false when somebody
  /// else has claimed it.
  public func claimReplacement() -> Bool {
    withMarks { marks in
      marks.loadThenBitwiseOr(with: Marks.isBeingReplaced, ordering: .relaxed)
        & Marks.isBeingReplaced == 0
    }
  }

  /// Gives the claim up, so that it can be tried again.
  public func abandonReplacement() { setMark(Marks.isBeingReplaced, false) }

  /// Takes over what another form of the same response has earned, and what is known of it. Under
  /// the lock of the shard that holds the other one.
  func inherit(from other: StoredObject) {
    hits = other.hits
    lastUseSeconds = other.lastUseSeconds
    checkedSequence = other.checkedSequence
    let inherited = Marks.isOnDisk | Marks.supersedesDisk | Marks.isProven | Marks.isMarkedStale
    var marks = other.withMarks { $0.load(ordering: .relaxed) } & inherited
    if other.diskBody != nil, diskBody == nil {
      // What lies on disk is the other form.
      marks = marks & ~Marks.isOnDisk | Marks.supersedesDisk
    }
    withMarks { _ = $0.loadThenBitwiseOr(with: marks, ordering: .relaxed) }
  }

  @inline(__always)
  private func hasMark(_ mark: UInt8) -> Bool {
    withMarks { $0.load(ordering: .relaxed) & mark != 0 }
  }

  private func setMark(_ mark: UInt8, _ isSet: Bool) {
    withMarks { marks in
      if isSet {
        _ = marks.loadThenBitwiseOr(with: mark, ordering: .relaxed)
      } else {
        _ = marks.loadThenBitwiseAnd(with: ~mark, ordering: .relaxed)
      }
    }
  }

  @inline(__always)
  private func withHits<R>(_ body: (UnsafeAtomic<UInt8>) -> R) -> R {
    withHeader { header in
      withUnsafeMutablePointer(to: &header.pointee.hits) { body(UnsafeAtomic(at: $0)) }
    }
  }

  @inline(__always)
  private func withMarks<R>(_ body: (UnsafeAtomic<UInt8>) -> R) -> R {
    withHeader { header in
      withUnsafeMutablePointer(to: &header.pointee.marks) { body(UnsafeAtomic(at: $0)) }
    }
  }

  @inline(__always)
  private func withLastUse<R>(_ body: (UnsafeAtomic<UInt32>) -> R) -> R {
    withHeader { header in
      withUnsafeMutablePointer(to: &header.pointee.lastUse) { body(UnsafeAtomic(at: $0)) }
    }
  }

  @inline(__always)
  private func withCheckedDistance<R>(_ body: (UnsafeAtomic<UInt32>) -> R) -> R {
    withHeader { header in
      withUnsafeMutablePointer(to: &header.pointee.checkedDistance) { body(UnsafeAtomic(at: $0)) }
    }
  }
}
