/// A record whose header and envelope have been opened.
struct OpenedRecord {
  let header: RecordHeader
  let metadata: RecordMetadata
  /// Places in the bytes that were given.
  let keyOffset: Int
  let headOffset: Int
  private let tagsOffset: Int

  fileprivate init(header: RecordHeader, metadata: RecordMetadata, tagsOffset: Int) {
    self.header = header
    self.metadata = metadata
    self.tagsOffset = tagsOffset
    keyOffset = RecordHeader.byteCount
    headOffset = keyOffset + header.keyCount
  }

  /// Where the body lies in these bytes; meaningless for a dedicated record.
  var bodyOffset: Int { tagsOffset + header.chunkCount * ChunkTag.byteCount }

  /// The tag of body chunk `index`, below the header's chunk count, from the bytes that the
  /// envelope was opened in.
  func chunkTag(_ index: Int, in bytes: UnsafeRawBufferPointer) -> ChunkTag {
    let offset = tagsOffset + index * ChunkTag.byteCount
    return ChunkTag(low: bytes.load(offset), high: bytes.load(offset + 8))
  }

  /// The tags of all body chunks.
  func chunkTags(in bytes: UnsafeRawBufferPointer) -> [ChunkTag] {
    (0..<header.chunkCount).map { chunkTag($0, in: bytes) }
  }
}

/// Opens records that were read back. Everything it returns has been verified; anything that does
/// not verify is nil.
struct RecordDecoder {
  let seal: any ChunkSeal

  /// Opens the header and the envelope at the start of `bytes`, in place; nil when they are torn,
  /// damaged, of another segment, or not all there.
  func open(_ bytes: UnsafeMutableRawBufferPointer, generation: UInt64) -> OpenedRecord? {
    RecordHeader.decode(UnsafeRawBufferPointer(bytes), generation: generation)
      .flatMap { open($0, in: bytes) }
  }

  /// The same for a header that was decoded from these bytes.
  func open(_ header: RecordHeader, in bytes: UnsafeMutableRawBufferPointer) -> OpenedRecord? {
    guard header.sealIdentifier == seal.identifier,
      bytes.count - RecordHeader.byteCount >= header.envelopeCount
    else { return nil }
    let envelope = bytes.slice(RecordHeader.byteCount, header.envelopeCount)
    guard seal.open(envelope, header.envelopeTag, .envelope(header)) else { return nil }
    let metadataOffset = RecordHeader.byteCount + header.keyCount + header.headCount
    let metadataBytes = UnsafeRawBufferPointer(bytes).slice(metadataOffset, header.metadataCount)
    guard let metadata = RecordMetadata.decode(metadataBytes) else { return nil }
    return OpenedRecord(
      header: header, metadata: metadata, tagsOffset: metadataOffset + header.metadataCount)
  }

  /// Opens one body chunk of a record that holds its body.
  /// - Parameters:
  ///   - index: below the header's chunk count.
  ///   - bytes: what the envelope was opened in, whole.
  ///   - target: room for exactly the chunk, outside of `bytes`.
  /// - Returns: false when it does not verify; then `target` must not be used.
  func openChunk(
    _ index: Int, of record: OpenedRecord, in bytes: UnsafeRawBufferPointer,
    into target: UnsafeMutableRawBufferPointer
  ) -> Bool {
    let header = record.header
    let chunk = bytes.slice(record.bodyOffset + index * DiskFormat.chunkBytes, target.count)
    let context = ChunkContext.chunk(
      index, hash: header.hash, generation: header.generation, bodyPosition: header.bodyPosition)
    return seal.open(chunk, into: target, record.chunkTag(index, in: bytes), context)
  }
}
