import NIOCore

/// A body that stays on disk and is read on demand, in verified chunks. It holds its file open, so
/// a response goes on after the segment was reclaimed.
public final class DiskBody: Sendable {
  enum Source: Sendable {
    case file(BodyFile)
    /// Still on its way to the file, or gone there during this run.
    case spool(SpoolWriter)
  }

  /// Bytes of the whole body.
  public let count: Int
  private let source: Source

  init(count: Int, source: Source) {
    self.count = count
    self.source = source
  }

  /// Reads a part of the body.
  /// - Parameters:
  ///   - offset: first byte wanted.
  ///   - count: bytes wanted; fewer are given only where the body ends.
  ///   - loop: where `completion` runs.
  ///   - completion: called on `loop`, from within this call when the page cache has the bytes;
  ///     nil when they do not verify or can't be read, and past the body's end.
  public func read(
    offset: Int, count: Int, on loop: any EventLoop, completion: @escaping (ByteBuffer?) -> Void
  ) {
    guard offset >= 0, count > 0, offset < self.count else {
      return complete(nil, on: loop, completion)
    }
    let end = offset + min(count, self.count - offset)
    switch source {
    case .file(let file): file.read(offset..<end, appending: nil, on: loop, completion: completion)
    case .spool(let spool):
      spool.read(offset: offset, count: end - offset, on: loop, completion: completion)
    }
  }
}

/// Calls `completion` on `loop`: now when this is the loop, else by way of it.
func complete<Value: Sendable>(
  _ value: Value, on loop: any EventLoop, _ completion: @escaping (Value) -> Void
) {
  if loop.inEventLoop { return completion(value) }
  let once = LoopCompletion(completion)
  loop.execute { once.call(value) }
}

/// Carries a completion from a loop to another thread and back.
struct LoopCompletion<Value: Sendable>: @unchecked Sendable {
  // @unchecked: the closure is called on its own loop only; other threads just hold it.
  private let completion: (Value) -> Void

  init(_ completion: @escaping (Value) -> Void) { self.completion = completion }

  func call(_ value: Value) { completion(value) }
}

/// The chunks of one body in one file, as far as they are written.
struct BodyFile: Sendable {
  let file: SegmentFile
  /// What the chunks' seals name: the object, or zero in a dedicated segment.
  let hash: KeyHash
  let generation: UInt64
  /// Where the body begins in the file.
  let position: Int
  /// Bytes of the body that are in the file.
  let count: Int
  let tags: [ChunkTag]
  let reader: DiskReader

  /// Reads a range inside of `count`, followed by `suffix`.
  func read(
    _ range: Range<Int>, appending suffix: ByteBuffer?, on loop: any EventLoop,
    completion: @escaping (ByteBuffer?) -> Void
  ) {
    if range.count <= DiskFormat.inlineReadBytes {
      switch read(range, appending: suffix, { $0.readWithoutWaiting(into: $1, at: $2) }) {
      case .bytes(let bytes):
        reader.counters.inlineReads.add(1)
        return complete(bytes, on: loop, completion)
      case .corrupt: return complete(nil, on: loop, completion)
      case .unavailable: break
      }
    }
    let once = LoopCompletion(completion)
    let isTaken = reader.pool.submit { [self] in
      var result: ByteBuffer?
      let outcome = read(range, appending: suffix) { file, target, place in
        reader.readFully(file, into: target, at: place)
      }
      if case .bytes(let bytes) = outcome { result = bytes }
      loop.execute { [result] in once.call(result) }
    }
    if !isTaken { complete(nil, on: loop, completion) }
  }

  private enum Outcome {
    case bytes(ByteBuffer)
    case corrupt
    case unavailable
  }

  private func read(
    _ range: Range<Int>, appending suffix: ByteBuffer?,
    _ fill: (any BlockFile, UnsafeMutableRawBufferPointer, Int) -> Bool
  ) -> Outcome {
    let first = range.lowerBound / DiskFormat.chunkBytes
    let start = first * DiskFormat.chunkBytes
    let last = (range.upperBound - 1) / DiskFormat.chunkBytes
    let end = min(count, (last + 1) * DiskFormat.chunkBytes)
    var buffer = ByteBufferAllocator().buffer(
      capacity: end - start + (suffix?.readableBytes ?? 0))
    var isFilled = false
    var isGenuine = false
    buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: end - start) { all in
      let target = UnsafeMutableRawBufferPointer(rebasing: all[..<(end - start)])
      isFilled = fill(file.file, target, position + start)
      isGenuine = isFilled && open(target, firstChunk: first)
      return end - start
    }
    guard isFilled else { return .unavailable }
    guard isGenuine else {
      reader.counters.corruptRecords.add(1)
      return .corrupt
    }
    buffer.moveWriterIndex(to: buffer.readerIndex + range.upperBound - start)
    buffer.moveReaderIndex(forwardBy: range.lowerBound - start)
    if let suffix { buffer.writeImmutableBuffer(suffix) }
    return .bytes(buffer)
  }

  private func open(_ bytes: UnsafeMutableRawBufferPointer, firstChunk: Int) -> Bool {
    var offset = 0
    var chunk = firstChunk
    while offset < bytes.count {
      let size = min(DiskFormat.chunkBytes, bytes.count - offset)
      let place = ChunkContext.chunk(
        chunk, hash: hash, generation: generation, bodyPosition: position)
      guard chunk < tags.count, file.seal.open(bytes.slice(offset, size), tags[chunk], place)
      else { return false }
      offset += size
      chunk += 1
    }
    return true
  }
}
