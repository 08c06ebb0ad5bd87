import NIOCore

/// Lays records out in memory, ready to be written at a known place of a segment.
struct RecordEncoder {
  let seal: any ChunkSeal

  /// An object with what its record takes beside it.
  struct Prepared {
    let object: StoredObject
    let metadata: [UInt8]
    /// Bytes of the record with padding.
    let paddedCount: Int
  }

  /// Measures an object's record; nil when its parts exceed what a header can say.
  static func prepare(_ object: StoredObject) -> Prepared? {
    let metadata = RecordMetadata(object).encoded()
    let keyCount = object.withKey { $0.count }
    let headCount = object.withHead { $0.count }
    let body = object.bodyCount
    let tags = DiskFormat.chunkCount(body) * ChunkTag.byteCount
    let total = RecordHeader.byteCount + keyCount + headCount + metadata.count + tags + body
    guard total <= DiskFormat.largestSegmentBytes else { return nil }
    return Prepared(
      object: object, metadata: metadata,
      paddedCount: total.roundedUp(toMultipleOf: DiskFormat.blockBytes))
  }

  /// Writes the record of an object whose body is in memory.
  /// - Parameters:
  ///   - bytes: exactly the padded count; zeroed.
  ///   - position: where in the file `bytes` will be written.
  func encode(
    _ prepared: Prepared, generation: UInt64, position: Int,
    into bytes: UnsafeMutableRawBufferPointer
  ) {
    let object = prepared.object
    var header = RecordHeader(
      sealIdentifier: seal.identifier, isDedicated: false, hash: object.hash,
      generation: generation, bodyCount: object.bodyCount, bodyPosition: 0,
      keyCount: object.withKey { $0.count }, headCount: object.withHead { $0.count },
      metadataCount: prepared.metadata.count,
      chunkCount: DiskFormat.chunkCount(object.bodyCount))
    let bodyStart = RecordHeader.byteCount + header.envelopeCount
    header.bodyPosition = position + bodyStart
    copyBody(of: object, into: bytes.slice(bodyStart, object.bodyCount))
    let tags = sealBody(bytes.slice(bodyStart, object.bodyCount), header)
    object.withKey { key in
      object.withHead { head in
        finish(&header, key: key, head: head, metadata: prepared.metadata, tags, into: bytes)
      }
    }
  }

  /// The head record of a dedicated segment, whose body is already in the file at `bodyPosition`.
  func encodeDedicated(
    hash: KeyHash, key: UnsafeRawBufferPointer, head: UnsafeRawBufferPointer,
    metadata: RecordMetadata, bodyCount: Int, bodyPosition: Int, tags: [ChunkTag],
    generation: UInt64
  ) -> [UInt8] {
    let metadata = metadata.encoded()
    var header = RecordHeader(
      sealIdentifier: seal.identifier, isDedicated: true, hash: hash, generation: generation,
      bodyCount: bodyCount, bodyPosition: bodyPosition, keyCount: key.count,
      headCount: head.count, metadataCount: metadata.count, chunkCount: tags.count)
    let count = header.recordCount.roundedUp(toMultipleOf: DiskFormat.blockBytes)
    var bytes = [UInt8](repeating: 0, count: count)
    bytes.withUnsafeMutableBytes { bytes in
      finish(&header, key: key, head: head, metadata: metadata, tags, into: bytes)
    }
    return bytes
  }

  private func finish(
    _ header: inout RecordHeader, key: UnsafeRawBufferPointer, head: UnsafeRawBufferPointer,
    metadata: [UInt8], _ tags: [ChunkTag], into bytes: UnsafeMutableRawBufferPointer
  ) {
    var offset = RecordHeader.byteCount
    bytes.slice(offset, key.count).copyMemory(from: key)
    offset += key.count
    bytes.slice(offset, head.count).copyMemory(from: head)
    offset += head.count
    metadata.withUnsafeBytes { bytes.slice(offset, $0.count).copyMemory(from: $0) }
    offset += metadata.count
    for tag in tags {
      bytes.store(tag.low, at: offset)
      bytes.store(tag.high, at: offset + 8)
      offset += ChunkTag.byteCount
    }
    let envelope = bytes.slice(RecordHeader.byteCount, header.envelopeCount)
    header.envelopeTag = seal.seal(envelope, .envelope(header))
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
    _ body: UnsafeMutableRawBufferPointer, _ header: RecordHeader
  ) -> [ChunkTag] {
    var tags: [ChunkTag] = []
    var offset = 0
    while offset < body.count {
      let count = min(DiskFormat.chunkBytes, body.count - offset)
      let context = ChunkContext.chunk(
        tags.count, hash: header.hash, generation: header.generation,
        bodyPosition: header.bodyPosition)
      tags.append(seal.seal(body.slice(offset, count), context))
      offset += count
    }
    return tags
  }
}
