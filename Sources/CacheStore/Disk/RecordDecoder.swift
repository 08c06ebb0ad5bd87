import NIOCore

/// A record whose header and envelope have been opened.
struct OpenedRecord {
  let header: RecordHeader
  let metadata: RecordMetadata
  let tags: [ChunkTag]
  /// Places in the bytes that were given.
  let keyOffset: Int
  let headOffset: Int
  /// Where the body lies in these bytes; meaningless for a dedicated record.
  let bodyOffset: Int
}

/// Opens records that were read back. Everything it returns has been verified; anything that does
/// not verify is nil.
struct RecordDecoder {
  let seal: any ChunkSeal

  /// Opens the header and the envelope at the start of `bytes`, in place; nil when they are torn,
  /// damaged, of another segment, or not all there.
  func open(_ bytes: UnsafeMutableRawBufferPointer, generation: UInt64) -> OpenedRecord? {
    let readable = UnsafeRawBufferPointer(bytes)
    guard let header = RecordHeader.decode(readable, generation: generation),
      header.sealIdentifier == seal.identifier,
      bytes.count - RecordHeader.byteCount >= header.envelopeCount
    else { return nil }
    let envelope = bytes.slice(RecordHeader.byteCount, header.envelopeCount)
    guard seal.open(envelope, header.envelopeTag, .envelope(header)) else { return nil }
    let headOffset = RecordHeader.byteCount + header.keyCount
    let metadataOffset = headOffset + header.headCount
    let tagsOffset = metadataOffset + header.metadataCount
    let metadataBytes = readable.slice(metadataOffset, header.metadataCount)
    guard let metadata = RecordMetadata.decode(metadataBytes) else { return nil }
    var tags: [ChunkTag] = []
    tags.reserveCapacity(header.chunkCount)
    for index in 0..<header.chunkCount {
      let offset = tagsOffset + index * ChunkTag.byteCount
      tags.append(ChunkTag(low: readable.load(offset), high: readable.load(offset + 8)))
    }
    return OpenedRecord(
      header: header, metadata: metadata, tags: tags, keyOffset: RecordHeader.byteCount,
      headOffset: headOffset,
      bodyOffset: tagsOffset + header.chunkCount * ChunkTag.byteCount)
  }

  /// Opens all body chunks of a record that holds its body, in place; nil when one does not verify
  /// or the bytes end before the body does.
  func openBody(
    _ record: OpenedRecord, in bytes: UnsafeMutableRawBufferPointer
  ) -> UnsafeMutableRawBufferPointer? {
    let header = record.header
    guard !header.isDedicated, bytes.count - record.bodyOffset >= header.bodyCount else {
      return nil
    }
    let body = bytes.slice(record.bodyOffset, header.bodyCount)
    for (index, tag) in record.tags.enumerated() {
      let offset = index * DiskFormat.chunkBytes
      let chunk = body.slice(offset, min(DiskFormat.chunkBytes, body.count - offset))
      let context = ChunkContext.chunk(
        index, hash: header.hash, generation: header.generation,
        bodyPosition: header.bodyPosition)
      guard seal.open(chunk, tag, context) else { return nil }
    }
    return body
  }
}
