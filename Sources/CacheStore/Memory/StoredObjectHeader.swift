import Atomics

/// What lies before the bytes in a stored object's allocation.
///
/// Layout, 96 bytes, so that with Swift's 16-byte object header the bytes begin at 112:
///
/// | offset | bytes | field | written by |
/// |---|---|---|---|
/// | 0 | 16 | hash | once |
/// | 16 | 52 | packed metadata | once |
/// | 68 | 4 | key count | once |
/// | 72 | 4 | head count | once |
/// | 76 | 4 | inline body count | once |
/// | 80 | 4 | second of last use | hits, relaxed |
/// | 84 | 4 | checked sequence, as distance from the fetch sequence | lookups, relaxed |
/// | 88 | 4 | eviction clock when it joined its queue | under the shard's lock |
/// | 92 | 1 | kind | once |
/// | 93 | 1 | hits, 0 to 3 | relaxed |
/// | 94 | 1 | marks | relaxed |
/// | 95 | 1 | queue | under the shard's lock |
struct StoredObjectHeader {
  let hash: KeyHash
  let metadata: PackedMetadata
  let keyCount: UInt32
  let headCount: UInt32
  let inlineBodyCount: UInt32
  var lastUse = UnsafeAtomic<UInt32>.Storage(0)
  var checkedDistance = UnsafeAtomic<UInt32>.Storage(0)
  var evictionStamp: UInt32 = 0
  let kind: ObjectMetadata.Kind
  var hits = UnsafeAtomic<UInt8>.Storage(0)
  var marks = UnsafeAtomic<UInt8>.Storage(0)
  var queue: UInt8 = 0
}
