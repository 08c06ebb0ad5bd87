// A stored response: metadata, key, head and small body in one exact-size allocation.
//
// Owner: none. It is immutable once it is published, apart from the relaxed atomics that
// StoredObject+State.swift names and the two eviction fields, which belong to the shard that holds
// it and are touched only under that shard's lock. Readers on any thread keep it alive by
// reference.
//
// Layout of the bytes after the header: [detached body, when there is one][key][head][inline body].
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
  ///   - key: the full normalized key, compared on every hit; below 4 GiB.
  ///   - head: the serialized head, below 4 GiB.
  ///   - body: the whole body.
  ///   - metadata: the policy's numbers; wall-clock seconds are kept from 1970 to 2106.
  public static func make(
    hash: KeyHash, key: UnsafeRawBufferPointer, head: UnsafeRawBufferPointer, body: StoredBody,
    metadata: ObjectMetadata
  ) -> StoredObject {
    switch body {
    case .bytes(let bytes) where bytes.count <= BodyChunks.chunkBytes:
      return allocate(hash, key, head, bytes.count, nil, metadata) { copy(bytes, to: $0) }
    case .bytes(let bytes):
      let chunks = BodyChunks([ByteBuffer(bytes: bytes)])
      return allocate(hash, key, head, 0, .chunks(chunks), metadata) { _ in }
    case .buffers(let buffers):
      let count = buffers.reduce(0) { $0 + $1.readableBytes }
      guard count <= BodyChunks.chunkBytes else {
        return allocate(hash, key, head, 0, .chunks(BodyChunks(buffers)), metadata) { _ in }
      }
      return allocate(hash, key, head, count, nil, metadata) { target in
        var target = target
        for buffer in buffers {
          buffer.withUnsafeReadableBytes { copy($0, to: target) }
          target += buffer.readableBytes
        }
      }
    case .disk(let disk):
      return allocate(hash, key, head, 0, .disk(disk), metadata) { _ in }
    }
  }

  private static func copy(_ bytes: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer) {
    guard let source = bytes.baseAddress else { return }
    target.copyMemory(from: source, byteCount: bytes.count)
  }

  private static func allocate(
    _ hash: KeyHash, _ key: UnsafeRawBufferPointer, _ head: UnsafeRawBufferPointer,
    _ inlineBodyCount: Int, _ detached: DetachedBody?, _ metadata: ObjectMetadata,
    writeBody: (UnsafeMutableRawPointer) -> Void
  ) -> StoredObject {
    let detachedBytes = detached == nil ? 0 : MemoryLayout<DetachedBody>.stride
    let count = detachedBytes + key.count + head.count + inlineBodyCount
    let buffer = StoredObjectBuffer.create(minimumCapacity: count) { _ in
      StoredObjectHeader(
        hash: hash, metadata: PackedMetadata(metadata), keyCount: UInt32(key.count),
        headCount: UInt32(head.count), inlineBodyCount: UInt32(inlineBodyCount),
        kind: metadata.kind)
    }
    buffer.withUnsafeMutablePointers { header, bytes in
      // Bound: the four parts written here add up to the `count` allocated above.
      var target = UnsafeMutableRawPointer(bytes)
      if let detached {
        header.pointee.marks = .init(Marks.isDetached)
        target.initializeMemory(as: DetachedBody.self, to: detached)
        target += detachedBytes
      }
      copy(key, to: target)
      copy(head, to: target + key.count)
      writeBody(target + key.count + head.count)
    }
    return StoredObject(buffer: unsafeDowncast(buffer, to: StoredObjectBuffer.self))
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
        start: key.baseAddress.map { $0 + key.count }, count: Int(header.pointee.headCount))
      let inlineBody = UnsafeRawBufferPointer(
        start: head.baseAddress.map { $0 + head.count },
        count: Int(header.pointee.inlineBodyCount))
      return try body(head, inlineBody)
    }
  }

  /// Bytes of the whole body, wherever it lies.
  public var bodyCount: Int {
    switch detachedBody {
    case nil: return withHeader { Int($0.pointee.inlineBodyCount) }
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
      UnsafeRawPointer(bytes).assumingMemoryBound(to: DetachedBody.self).pointee
    }
  }

  /// The key's place: at the front, behind the detached body when there is one.
  @inline(__always)
  private static func keyBytes(
    _ header: UnsafeMutablePointer<StoredObjectHeader>, _ bytes: UnsafeMutablePointer<UInt8>
  ) -> UnsafeRawBufferPointer {
    let skipped = Marks.isDetached(header) ? MemoryLayout<DetachedBody>.stride : 0
    return UnsafeRawBufferPointer(
      start: UnsafeRawPointer(bytes) + skipped, count: Int(header.pointee.keyCount))
  }

  // MARK: - Size

  /// Bytes before the key in every object: Swift's object header and ours.
  static let fixedBytes = 16 + MemoryLayout<StoredObjectHeader>.size

  /// Real bytes this object holds: its allocation with the allocator's rounding, and its chunks.
  /// Its index entry is counted by the shard, by the index's real size. O(chunks).
  public var chargedBytes: Int {
    let own = withHeader { header in
      Self.fixedBytes + Int(header.pointee.keyCount) + Int(header.pointee.headCount)
        + Int(header.pointee.inlineBodyCount)
    }
    switch detachedBody {
    case nil: return Self.allocatedBytes(own)
    case .chunks(let chunks):
      return Self.allocatedBytes(own + MemoryLayout<DetachedBody>.stride) + chunks.chargedBytes
    case .disk:
      return Self.allocatedBytes(own + MemoryLayout<DetachedBody>.stride)
        + Self.diskBodyBytes
    }
  }

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
      UnsafeMutableRawPointer(bytes).assumingMemoryBound(to: DetachedBody.self)
        .deinitialize(count: 1)
    }
  }
}
