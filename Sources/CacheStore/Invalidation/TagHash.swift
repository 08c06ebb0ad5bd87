/// The 64-bit hash by which cache tags and cache groups are kept and compared.
///
/// A fixed hash, the same in every process and for ever: it lies on disk beside the objects and in
/// the log of invalidations. Two tags that share a hash are invalidated together, which costs a
/// fetch and never serves anything stale.
public struct TagHash: Sendable, Hashable {
  /// The hash itself, as objects carry it.
  public let value: UInt64

  private static let hasher = KeyHasher(seed: 0x7461_6773)

  /// Most tags that an object carries by hash; one with more is taken by every tag.
  public static let mostTags = 64

  /// The hash that was computed before.
  public init(value: UInt64) { self.value = value }

  /// Hash of a tag's bytes, of any length; O(count). Tags are compared byte for byte, so whoever
  /// wants them without case, or limited to an origin, writes that into the bytes.
  public init(_ bytes: UnsafeRawBufferPointer) { value = Self.hasher.hash(bytes).low }

  /// Hash of a tag given as text.
  public init(_ text: String) {
    var text = text
    self = text.withUTF8 { TagHash(UnsafeRawBufferPointer($0)) }
  }
}

/// A view of an object's tag hashes; valid as long as the bytes it looks at.
struct TagList {
  /// Little-endian 64-bit hashes, unaligned.
  private let start: UnsafeRawPointer?
  /// Negative when the tags are not known, or are too many to be kept.
  private let storedCount: Int

  /// No tags.
  static var none: TagList { TagList(start: nil, storedCount: 0) }
  /// Tags that nobody knows: every tag matches.
  static var unknown: TagList { TagList(start: nil, storedCount: -1) }
  /// The count byte of an object with more tags than are kept.
  static let tooManyMark: UInt8 = 0xFF

  private init(start: UnsafeRawPointer?, storedCount: Int) {
    self.start = start
    self.storedCount = storedCount
  }

  /// The tags behind a count byte, of which `mostTags` at most are there.
  init(countByte: UInt8, start: UnsafeRawPointer) {
    self.start = start
    storedCount = countByte == Self.tooManyMark ? -1 : Int(countByte)
  }

  /// Hashes in memory of the caller's.
  init(_ hashes: UnsafeBufferPointer<UInt64>) {
    start = hashes.baseAddress.map { UnsafeRawPointer($0) }
    storedCount = hashes.count
  }

  var isUnknown: Bool { storedCount < 0 }
  var isEmpty: Bool { storedCount == 0 }
  var count: Int { max(0, storedCount) }

  /// Bound: `index` is below ``count``.
  subscript(index: Int) -> UInt64 {
    guard let start else { return 0 }
    return UInt64(littleEndian: start.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
  }

  /// The hashes themselves; empty when they are not known.
  var hashes: [UInt64] { (0..<count).map { self[$0] } }

  /// Hashes that make an object with these tags again: when they are not known, too many of them.
  var storedHashes: [UInt64] {
    isUnknown ? [UInt64](repeating: 0, count: TagHash.mostTags + 1) : hashes
  }

  /// The count byte under which `count` tags are kept.
  static func countByte(_ count: Int) -> UInt8 {
    count > TagHash.mostTags ? tooManyMark : UInt8(count)
  }

  /// Bytes that hashes take behind a count byte.
  static func byteCount(countByte: UInt8) -> Int {
    countByte == tooManyMark ? 0 : Int(countByte) * 8
  }
}
