/// Walks what a segment holds by its footer, or, when a crash left none, by its records.
struct SegmentWalk {
  let segment: Segment
  let reader: DiskReader

  /// Calls `body` with each entry.
  /// - Returns: nil when all of the segment was walked; else the block from which on it is not
  ///   known what the segment holds.
  func forEach(_ body: (FooterEntry) -> Void) -> UInt32? {
    if let open = segment.state.withLock({ $0.openFooter }) {
      return open.withUnsafeBytes { FooterEntry.forEach(in: $0, body) } ? nil : 0
    }
    do throws(DeviceError) {
      let file = try segment.openFile()
      if let footer = try readFooter(file) {
        return footer.withUnsafeBytes { FooterEntry.forEach(in: $0, body) } ? nil : 0
      }
      return try walkRecords(file, body)
    } catch {
      if !segment.isRemoved { reader.counters.readErrors.add(1) }
      return 0
    }
  }

  private func readFooter(_ opened: SegmentFile) throws(DeviceError) -> [UInt8]? {
    let file = opened.file
    let end = try file.byteCount()
    guard end >= SegmentFormat.headerBytes + SegmentTrailer.byteCount else { return nil }
    let position = end - SegmentTrailer.byteCount
    let tail = try file.readBytes(SegmentTrailer.byteCount, at: position)
    let trailer = tail.withUnsafeBytes {
      SegmentTrailer.decode($0, generation: segment.generation)
    }
    guard let trailer, trailer.footerPosition >= 0,
      trailer.footerPosition + trailer.footerCount == position
    else { return nil }
    var footer = try file.readBytes(trailer.footerCount, at: trailer.footerPosition)
    let context = ChunkContext.footer(
      generation: segment.generation, position: trailer.footerPosition)
    let isGenuine = footer.withUnsafeMutableBytes {
      opened.seal.open($0, trailer.footerTag, context)
    }
    return isGenuine ? footer : nil
  }

  /// Records stand one behind the other, so the first that does not verify ends the walk.
  private func walkRecords(
    _ opened: SegmentFile, _ body: (FooterEntry) -> Void
  ) throws(DeviceError) -> UInt32? {
    let file = opened.file
    let end = try file.byteCount()
    if segment.kind == .dedicated { return 0 }
    var position = SegmentFormat.headerBytes
    while position < end {
      let block = UInt32(position / DiskFormat.blockBytes)
      let first = try file.readBytes(
        min(DiskFormat.headReadBytes, end - position), at: position)
      guard let count = try visit(first, opened, position, end, block, body) else { return block }
      position += count
    }
    return nil
  }

  /// The record's bytes with padding; nil when it does not verify.
  private func visit(
    _ first: [UInt8], _ opened: SegmentFile, _ position: Int, _ end: Int, _ block: UInt32,
    _ body: (FooterEntry) -> Void
  ) throws(DeviceError) -> Int? {
    let generation = segment.generation
    let header = first.withUnsafeBytes { RecordHeader.decode($0, generation: generation) }
    guard let header, header.recordPosition == position else { return nil }
    let needed = RecordHeader.byteCount + header.envelopeCount
    guard needed <= end - position else { return nil }
    var bytes = needed <= first.count ? first : try opened.file.readBytes(needed, at: position)
    let isKnown = bytes.withUnsafeMutableBytes { bytes -> Bool in
      guard let record = RecordDecoder(seal: opened.seal).open(bytes, generation: generation)
      else { return false }
      let key = UnsafeRawBufferPointer(bytes).slice(record.keyOffset, header.keyCount)
      let metadata = record.metadata.metadata
      record.metadata.withTagList { tags in
        body(
          FooterEntry(
            hash: header.hash, fetchSequence: metadata.fetchSequence, block: block, key: key,
            attributes: InvalidationSubject.Attributes(
              status: metadata.status, route: metadata.route,
              responseTimeSeconds: metadata.responseTimeSeconds),
            tags: tags))
      }
      return true
    }
    return isKnown ? header.recordCount.roundedUp(toMultipleOf: DiskFormat.blockBytes) : nil
  }
}

extension BlockFile {
  /// `count` bytes at `offset`; fewer where the file ends.
  func readBytes(_ count: Int, at offset: Int) throws(DeviceError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var read = 0
    var failure: DeviceError?
    bytes.withUnsafeMutableBytes { buffer in
      do throws(DeviceError) { read = try self.read(into: buffer, at: offset) } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    bytes.removeLast(count - read)
    return bytes
  }
}
