import NIOCore

/// Lays records out in memory, ready to be written at a known place of a segment.
struct RecordEncoder {
  let seal: any ChunkSeal

  /// Padded bytes of a small record; nil when its parts exceed what a header can say.
  static func paddedCount(of object: StoredObject) -> Int? {
    let keyCount = object.withKey { $0.count }
    let headCount = object.withHead { $0.count }
    let body = object.bodyCount
    let tags = DiskFormat.chunkCount(body) * ChunkTag.byteCount
    let metadata = RecordMetadata.count(tagBytes: object.withTagBytes { $1.count })
    let total = RecordHeader.byteCount + keyCount + headCount + metadata + tags + body
    guard total <= DiskFormat.largestSegmentBytes else { return nil }
    return total.roundedUp(toMultipleOf: DiskFormat.blockBytes)
  }

  /// Writes the record of an object whose body is in memory.
  /// - Parameters:
  ///   - bytes: exactly the padded count; zeroed.
  ///   - position: where in the file `bytes` will be written.
  func encode(
    _ object: StoredObject, generation: UInt64, position: Int,
    into bytes: UnsafeMutableRawBufferPointer
  ) {
    let keyCount = object.withKey { $0.count }
    let headCount = object.withHead { $0.count }
    var header = RecordHeader(
      sealIdentifier: seal.identifier, isDedicated: false, hash: object.hash,
      generation: generation, bodyCount: object.bodyCount, bodyPosition: 0, keyCount: keyCount,
      headCount: headCount,
      metadataCount: RecordMetadata.count(tagBytes: object.withTagBytes { $1.count }),
      chunkCount: DiskFormat.chunkCount(object.bodyCount))
    let bodyStart = RecordHeader.byteCount + header.envelopeCount
    header.bodyPosition = position + bodyStart
    copyBody(of: object, into: bytes.slice(bodyStart, object.bodyCount))
    let tags = sealBody(bytes.slice(bodyStart, object.bodyCount), object.hash, generation)
    object.withKey { key in
      object.withHead { head in
        object.withTagBytes { tagCount, hashes in
          finish(
            &header, key: key, head: head, tags: tags, into: bytes
          ) { RecordMetadata.encode(object.metadata, tagCount: tagCount, tags: hashes, into: $0) }
        }
      }
    }
  }

  /// The head record of a dedicated segment, whose body is already in the file at `bodyPosition`.
  func encodeDedicated(
    hash: KeyHash, key: UnsafeRawBufferPointer, head: UnsafeRawBufferPointer,
    metadata: ObjectMetadata, cacheTags: [UInt64], bodyCount: Int, bodyPosition: Int,
    tags: [ChunkTag], generation: UInt64
  ) -> [UInt8] {
    let tagCount = TagList.countByte(cacheTags.count)
    let hashes = tagCount == TagList.tooManyMark ? [] : cacheTags.map(\.littleEndian)
    var header = RecordHeader(
      sealIdentifier: seal.identifier, isDedicated: true, hash: hash, generation: generation,
      bodyCount: bodyCount, bodyPosition: bodyPosition, keyCount: key.count,
      headCount: head.count, metadataCount: RecordMetadata.count(tagBytes: hashes.count * 8),
      chunkCount: tags.count)
    let count = header.recordCount.roundedUp(toMultipleOf: DiskFormat.blockBytes)
    var bytes = [UInt8](repeating: 0, count: count)
    bytes.withUnsafeMutableBytes { bytes in
      hashes.withUnsafeBytes { hashes in
        finish(&header, key: key, head: head, tags: tags, into: bytes) {
          RecordMetadata.encode(metadata, tagCount: tagCount, tags: hashes, into: $0)
        }
      }
    }
    return bytes
  }

  private func finish(
    _ header: inout RecordHeader, key: UnsafeRawBufferPointer, head: UnsafeRawBufferPointer,
    tags: [ChunkTag], into bytes: UnsafeMutableRawBufferPointer,
    writeMetadata: (UnsafeMutableRawBufferPointer) -> Void
  ) {
    var offset = RecordHeader.byteCount
    bytes.slice(offset, key.count).copyMemory(from: key)
    offset += key.count
    bytes.slice(offset, head.count).copyMemory(from: head)
    offset += head.count
    writeMetadata(bytes.slice(offset, header.metadataCount))
    offset += header.metadataCount
    for tag in tags {
      bytes.store(tag.low, at: offset)
      bytes.store(tag.high, at: offset + 8)
      offset += ChunkTag.byteCount
    }
    let envelope = bytes.slice(RecordHeader.byteCount, header.envelopeCount)
    header.envelopeTag = seal.seal(
      envelope, ChunkContext(hash: header.hash, generation: header.generation, position: 0))
    header.encode(into: bytes)
  }

  private func copyBody(of object: StoredObject, into bytes: UnsafeMutableRawBufferPointer) {
    let chunks = object.bodyChunks
    guard !chunks.isEmpty else {
      object.withInlineBody { bytes.copyMemory(from: $0) }
      return
    }
    var offset = 0
    for chunk in chunks {
      chunk.withUnsafeReadableBytes { bytes.slice(offset, $0.count).copyMemory(from: $0) }
      offset += chunk.readableBytes
    }
  }

  private func sealBody(
    _ body: UnsafeMutableRawBufferPointer, _ hash: KeyHash, _ generation: UInt64
  ) -> [ChunkTag] {
    var tags: [ChunkTag] = []
    var offset = 0
    while offset < body.count {
      let count = min(DiskFormat.chunkBytes, body.count - offset)
      let context = ChunkContext(
        hash: hash, generation: generation, position: UInt32(tags.count + 1))
      tags.append(seal.seal(body.slice(offset, count), context))
      offset += count
    }
    return tags
  }
}
