// A stored response: metadata, key, head and small body in one exact-size allocation.
//
// Owner: none. It is immutable once it is published, apart from the relaxed atomics that
// StoredObject+State.swift names and the two eviction fields, which belong to the shard that holds
// it and are touched only under that shard's lock. Readers on any thread keep it alive by
// reference.
//
// Layout of the bytes after the header: [detached body, when there is one][key][head][inline body]
// [count byte and tag hashes of 8 bytes, when there are tags]. Nobody looks at the tags but who
// compares them with an invalidation of tags, so an object without any pays a bit of its marks.
// One allocation because a general-purpose buffer rounds its capacity up to a power of 2 and costs
// hundreds of bytes for an object of a few hundred; exact-size tail allocation costs tens.

import Glibc
import NIOCore

/// A response as the store keeps and serves it.
///
/// Bodies of up to 64 KiB lie in the same allocation as the head; larger ones are chunks of 64 KiB
/// (``bodyChunks``) or stay on disk (``diskBody``).
/// The value is one reference; copies are the same object.
public struct StoredObject: @unchecked Sendable {
  // @unchecked: see the file's head; what changes after publication is atomic or under a lock.
  let buffer: StoredObjectBuffer

  /// Makes an object; the given bytes are copied into one allocation of exactly their size.
  /// - Parameters:
  ///   - hash: identity under which it is found.
  ///   - key: the full normalized key, compared on every hit; below 16 MiB.
  ///   - head: the serialized head, below 8 MiB.
  ///   - body: the whole body.
  ///   - metadata: the policy's numbers; wall-clock seconds are kept from 1970 to 2106.
  ///   - tags: hashes of its cache tags and groups, ``TagHash/value``; with more than
  ///     ``TagHash/mostTags`` of them none is kept and every tag takes the object.
  public static func make(
    hash: KeyHash, key: UnsafeRawBufferPointer, head: UnsafeRawBufferPointer, body: StoredBody,
    metadata: ObjectMetadata, tags: [UInt64] = []
  ) -> StoredObject {
    let parts = Parts(hash: hash, key: key, head: head, metadata: metadata, tags: tags)
    switch body {
    case .bytes(let bytes) where bytes.count <= BodyChunks.chunkBytes:
      return allocate(parts, bytes.count, nil) { copy(bytes, to: $0) }
    case .bytes(let bytes):
      let chunks = BodyChunks([ByteBuffer(bytes: bytes)])
      return allocate(parts, 0, .chunks(chunks)) { _ in }
    case .buffers(let buffers):
      let count = buffers.reduce(0) { $0 + $1.readableBytes }
      guard count <= BodyChunks.chunkBytes else {
        return allocate(parts, 0, .chunks(BodyChunks(buffers))) { _ in }
      }
      return allocate(parts, count, nil) { target in
        var target = target
        for buffer in buffers {
          buffer.withUnsafeReadableBytes { copy($0, to: target) }
          target += buffer.readableBytes
        }
      }
    case .disk(let disk):
      return allocate(parts, 0, .disk(disk)) { _ in }
    }
  }

  /// Makes an object whose body its source writes in place, chunk by chunk.
  /// - Parameters:
  ///   - bodyCount: bytes of the body.
  ///   - fill: writes chunk 0, 1, ... of the body: 64 KiB each, the last one what is left. False
  ///     when it cannot: then there is no object.
  static func make(
    hash: KeyHash, key: UnsafeRawBufferPointer, head: UnsafeRawBufferPointer, bodyCount: Int,
    metadata: ObjectMetadata, tags: [UInt64],
    fill: (_ chunk: Int, UnsafeMutableRawBufferPointer) -> Bool
  ) -> StoredObject? {
    let parts = Parts(hash: hash, key: key, head: head, metadata: metadata, tags: tags)
    guard bodyCount > BodyChunks.chunkBytes else {
      var isFilled = true
      let object = allocate(parts, bodyCount, nil) { target in
        if bodyCount > 0 {
          isFilled = fill(0, UnsafeMutableRawBufferPointer(start: target, count: bodyCount))
        }
      }
      return isFilled ? object : nil
    }
    var chunks: [ByteBuffer] = []
    chunks.reserveCapacity((bodyCount + BodyChunks.chunkBytes - 1) / BodyChunks.chunkBytes)
    for start in stride(from: 0, to: bodyCount, by: BodyChunks.chunkBytes) {
      let count = min(BodyChunks.chunkBytes, bodyCount - start)
      var chunk = ByteBufferAllocator().buffer(capacity: count)
      var isFilled = false
      chunk.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
        isFilled = fill(chunks.count, UnsafeMutableRawBufferPointer(rebasing: space[..<count]))
        return count
      }
      guard isFilled else { return nil }
      chunks.append(chunk)
    }
    return allocate(parts, 0, .chunks(BodyChunks(chunks))) { _ in }
  }

  private struct Parts {
    let hash: KeyHash
    let key: UnsafeRawBufferPointer
    let head: UnsafeRawBufferPointer
    let metadata: ObjectMetadata
    let tags: [UInt64]

    /// The count byte and the hashes; nothing without tags.
    var tagBytes: Int {
      tags.isEmpty ? 0 : 1 + TagList.byteCount(countByte: TagList.countByte(tags.count))
    }
  }

  private static func copy(_ bytes: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer) {
    guard let source = bytes.baseAddress else { return }
    target.copyMemory(from: source, byteCount: bytes.count)
  }

  private static func allocate(
    _ parts: Parts, _ inlineBodyCount: Int, _ detached: DetachedBody?,
    writeBody: (UnsafeMutableRawPointer) -> Void
  ) -> StoredObject {
    let key = parts.key
    let head = parts.head
    let detachedBytes = detached == nil ? 0 : Self.detachedBytes
    let count = detachedBytes + key.count + head.count + inlineBodyCount + parts.tagBytes
    let buffer = StoredObjectBuffer.create(minimumCapacity: count) { _ in
      StoredObjectHeader(
        hash: parts.hash, metadata: PackedMetadata(parts.metadata),
        lengths: StoredLengths(key: key.count, head: head.count, inlineBody: inlineBodyCount),
        kind: parts.metadata.kind)
    }
    buffer.withUnsafeMutablePointers { header, bytes in
      // Bound: the five parts written here add up to the `count` allocated above.
      var target = UnsafeMutableRawPointer(bytes)
      var marks: UInt8 = parts.tags.isEmpty ? 0 : Marks.hasTags
      if let detached {
        marks |= Marks.isDetached
        (target + Self.detachedOffset).initializeMemory(as: DetachedBody.self, to: detached)
        target += detachedBytes
      }
      header.pointee.marks = .init(marks)
      copy(key, to: target)
      copy(head, to: target + key.count)
      writeBody(target + key.count + head.count)
      if !parts.tags.isEmpty {
        write(parts.tags, to: target + key.count + head.count + inlineBodyCount)
      }
    }
    return StoredObject(buffer: unsafeDowncast(buffer, to: StoredObjectBuffer.self))
  }

  private static func write(_ tags: [UInt64], to target: UnsafeMutableRawPointer) {
    let countByte = TagList.countByte(tags.count)
    target.storeBytes(of: countByte, as: UInt8.self)
    guard countByte != TagList.tooManyMark else { return }
    for (index, tag) in tags.enumerated() {
      target.storeBytes(of: tag.littleEndian, toByteOffset: 1 + index * 8, as: UInt64.self)
    }
  }

  /// True when both are the same allocation.
  public func isIdentical(to other: StoredObject) -> Bool { buffer === other.buffer }

  @inline(__always)
  func withHeader<R>(_ body: (UnsafeMutablePointer<StoredObjectHeader>) -> R) -> R {
    buffer.withUnsafeMutablePointerToHeader(body)
  }

  // MARK: - Reading

  /// Identity under which it is found.
  public var hash: KeyHash { withHeader { $0.pointee.hash } }

  /// The policy's numbers, unpacked.
  public var metadata: ObjectMetadata {
    withHeader { $0.pointee.metadata.unpacked(kind: $0.pointee.kind) }
  }

  /// What kind of record it is.
  @inline(__always)
  public var kind: ObjectMetadata.Kind { withHeader { $0.pointee.kind } }

  /// The full normalized key; the bytes are valid during the call only.
  @inline(__always)
  public func withKey<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try buffer.withUnsafeMutablePointers { header, bytes in
      try body(Self.keyBytes(header, bytes))
    }
  }

  /// The serialized head; the bytes are valid during the call only.
  public func withHead<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try withParts { head, _ in try body(head) }
  }

  /// The body when it lies in the object's own allocation, else nothing; valid during the call.
  public func withInlineBody<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try withParts { _, inlineBody in try body(inlineBody) }
  }

  /// Head and inline body in one call, as the hit path wants them; valid during the call only.
  public func withParts<R>(
    _ body: (_ head: UnsafeRawBufferPointer, _ inlineBody: UnsafeRawBufferPointer) throws -> R
  ) rethrows -> R {
    try buffer.withUnsafeMutablePointers { header, bytes in
      let key = Self.keyBytes(header, bytes)
      let head = UnsafeRawBufferPointer(
        start: key.baseAddress.map { $0 + key.count }, count: header.pointee.lengths.head)
      let inlineBody = UnsafeRawBufferPointer(
        start: head.baseAddress.map { $0 + head.count },
        count: header.pointee.lengths.inlineBody)
      return try body(head, inlineBody)
    }
  }

  /// Its tag hashes, as they were given; empty when it has none, or more than are kept.
  public var tags: [UInt64] {
    guard hasTags else { return [] }
    return withKeyAndTags { _, tags in tags.hashes }
  }

  /// Number of tags kept with it; nil when it had more than are kept, and every tag takes it.
  public var tagCount: Int? {
    guard hasTags else { return 0 }
    return withKeyAndTags { _, tags in tags.isUnknown ? nil : tags.count }
  }

  /// The full key and the tags; valid during the call only.
  @inline(__always)
  func withKeyAndTags<R>(_ body: (UnsafeRawBufferPointer, TagList) throws -> R) rethrows -> R {
    try buffer.withUnsafeMutablePointers { header, bytes in
      let key = Self.keyBytes(header, bytes)
      guard Marks.hasTags(header), let start = key.baseAddress else { return try body(key, .none) }
      let place =
        start + key.count + header.pointee.lengths.head + header.pointee.lengths.inlineBody
      let tags = TagList(countByte: place.load(as: UInt8.self), start: place + 1)
      return try body(key, tags)
    }
  }

  /// The tags as they lie on disk: the count byte, and the hashes behind it.
  func withTagBytes<R>(_ body: (UInt8, UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    guard hasTags else { return try body(0, UnsafeRawBufferPointer(start: nil, count: 0)) }
    return try withParts { _, inlineBody in
      guard let base = inlineBody.baseAddress else {
        return try body(0, UnsafeRawBufferPointer(start: nil, count: 0))
      }
      let place = base + inlineBody.count
      let countByte = place.load(as: UInt8.self)
      let count = TagList.byteCount(countByte: countByte)
      return try body(countByte, UnsafeRawBufferPointer(start: place + 1, count: count))
    }
  }

  /// Bytes of the whole body, wherever it lies.
  public var bodyCount: Int {
    switch detachedBody {
    case nil: return withHeader { $0.pointee.lengths.inlineBody }
    case .chunks(let chunks): return chunks.count
    case .disk(let disk): return disk.count
    }
  }

  /// The body's chunks; empty when it is inline or on disk.
  public var bodyChunks: [ByteBuffer] {
    guard case .chunks(let chunks) = detachedBody else { return [] }
    return chunks.chunks
  }

  /// The body on disk; nil when it is in memory.
  public var diskBody: DiskBody? {
    guard case .disk(let disk) = detachedBody else { return nil }
    return disk
  }

  /// True when the full key of this object equals the given one and so does the hash.
  @inline(__always)
  func matches(_ hash: KeyHash, _ key: UnsafeRawBufferPointer) -> Bool {
    buffer.withUnsafeMutablePointers { header, bytes in
      guard header.pointee.hash == hash else { return false }
      let own = Self.keyBytes(header, bytes)
      guard own.count == key.count else { return false }
      guard let left = own.baseAddress, let right = key.baseAddress else { return true }
      return memcmp(left, right, own.count) == 0
    }
  }

  private var detachedBody: DetachedBody? {
    guard isDetached else { return nil }
    return buffer.withUnsafeMutablePointerToElements { bytes in
      (UnsafeRawPointer(bytes) + Self.detachedOffset)
        .assumingMemoryBound(to: DetachedBody.self).pointee
    }
  }

  /// The key's place: at the front, behind the detached body when there is one.
  @inline(__always)
  private static func keyBytes(
    _ header: UnsafeMutablePointer<StoredObjectHeader>, _ bytes: UnsafeMutablePointer<UInt8>
  ) -> UnsafeRawBufferPointer {
    let skipped = Marks.isDetached(header) ? detachedBytes : 0
    return UnsafeRawBufferPointer(
      start: UnsafeRawPointer(bytes) + skipped, count: header.pointee.lengths.key)
  }

  // MARK: - Size

  /// Bytes before the key in every object: Swift's object header and ours.
  static var fixedBytes: Int { 16 + MemoryLayout<StoredObjectHeader>.size }

  /// Where among the bytes a detached body begins: they begin at `fixedBytes`, and it must lie at a
  /// multiple of its alignment. An allocation lies at a multiple of 16.
  @inline(__always)
  static var detachedOffset: Int {
    -fixedBytes & (MemoryLayout<DetachedBody>.alignment - 1)
  }

  /// Bytes before the key where there is a detached body.
  @inline(__always)
  static var detachedBytes: Int { detachedOffset + MemoryLayout<DetachedBody>.stride }

  /// Real bytes this object holds: its allocation with the allocator's rounding, and its chunks.
  /// Its index entry is counted by the shard, by the index's real size. O(chunks).
  public var chargedBytes: Int {
    let own =
      withHeader { header in
        Self.fixedBytes + header.pointee.lengths.key + header.pointee.lengths.head
          + header.pointee.lengths.inlineBody
      } + tagBytes
    switch detachedBody {
    case nil: return Self.allocatedBytes(own)
    case .chunks(let chunks):
      return Self.allocatedBytes(own + Self.detachedBytes) + chunks.chargedBytes
    case .disk:
      return Self.allocatedBytes(own + Self.detachedBytes) + Self.diskBodyBytes
    }
  }

  private var tagBytes: Int { hasTags ? withTagBytes { _, hashes in 1 + hashes.count } : 0 }

  /// What a body on disk holds in memory: its object and its place in a table of open files.
  private static let diskBodyBytes = 128

  /// glibc's malloc adds 8 bytes and rounds up to 16.
  private static func allocatedBytes(_ count: Int) -> Int { (count + 8 + 15) & ~15 }
}

/// The allocation behind a ``StoredObject``.
final class StoredObjectBuffer: ManagedBuffer<StoredObjectHeader, UInt8> {
  deinit {
    withUnsafeMutablePointers { header, bytes in
      guard StoredObject.Marks.isDetached(header) else { return }
      (UnsafeMutableRawPointer(bytes) + StoredObject.detachedOffset)
        .assumingMemoryBound(to: DetachedBody.self).deinitialize(count: 1)
    }
  }
}
