import Atomics

/// What lies before the bytes in a stored object's allocation.
///
/// Layout, 92 bytes, so that with Swift's 16-byte object header the bytes begin at 108; a detached
/// body among them begins at the next multiple of eight.
///
/// | offset | bytes | field | written by |
/// |---|---|---|---|
/// | 0 | 16 | hash | once |
/// | 16 | 52 | packed metadata | once |
/// | 68 | 4 | second of last use | hits, relaxed |
/// | 72 | 8 | lengths of key, head and inline body | once |
/// | 80 | 4 | checked sequence, as distance from the fetch sequence | lookups, relaxed |
/// | 84 | 4 | eviction clock when it joined its queue | under the shard's lock |
/// | 88 | 1 | kind | once |
/// | 89 | 1 | hits, 0 to 3 | relaxed |
/// | 90 | 1 | marks | relaxed |
/// | 91 | 1 | queue | under the shard's lock |
struct StoredObjectHeader {
  let hash: KeyHash
  let metadata: PackedMetadata
  var lastUse = UnsafeAtomic<UInt32>.Storage(0)
  let lengths: StoredLengths
  var checkedDistance = UnsafeAtomic<UInt32>.Storage(0)
  var evictionStamp: UInt32 = 0
  let kind: ObjectMetadata.Kind
  var hits = UnsafeAtomic<UInt8>.Storage(0)
  var marks = UnsafeAtomic<UInt8>.Storage(0)
  var queue: UInt8 = 0
}

/// The lengths of an object's parts in one word: inline body 17 bits, key 24, head 23.
struct StoredLengths {
  /// A request's head has 1 MiB at most; a byte of it comes into the key as three at most, once by
  /// its route's rules and once by what the response varies by.
  static let mostKeyBytes = 1 << 24 - 1
  /// An origin's head has 64 KiB at most; what the proxy puts before it is of that order.
  static let mostHeadBytes = 1 << 23 - 1

  private let word: UInt64

  /// Lengths within the limits; the inline body's is at most ``BodyChunks/chunkBytes``.
  init(key: Int, head: Int, inlineBody: Int) {
    precondition(Self.areValid(key: key, head: head), "a key of \(key), a head of \(head) bytes")
    word = UInt64(inlineBody) | UInt64(key) << 17 | UInt64(head) << 41
  }

  /// Whether an object can have a key and a head of these lengths.
  static func areValid(key: Int, head: Int) -> Bool {
    key <= mostKeyBytes && head <= mostHeadBytes
  }

  @inline(__always) var inlineBody: Int { Int(word & 0x1_FFFF) }
  @inline(__always) var key: Int { Int(word &>> 17 & 0xFF_FFFF) }
  @inline(__always) var head: Int { Int(word &>> 41) }
}
