/// The files of the journal and of the invalidation log. All little-endian.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | magic `SELG` |
/// | 4 | 2 | format version |
/// | 6 | 2 | zero |
/// | 8 | 8 | the file's number |
/// | 16 | 8 | checksum of bytes 0 ..< 16 |
/// | 24 | 8 | zero |
/// | 32 | | frames |
///
/// A frame starts at a multiple of 8:
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | payload count |
/// | 4 | 4 | how much of this file was known to be synced, in units of 8 bytes |
/// | 8 | 8 | checksum of bytes 0 ..< 8 and payload, seeded with the file's number and the place |
/// | 16 | | payload, then zeros up to a multiple of 8 |
///
/// A crash tears the file's end: replay stops at the first frame that does not verify. When a later
/// frame says that this place had been synced, it is not torn but damaged, and what stood there may
/// have been an acknowledged removal.
enum LogFormat {
  static let headerBytes = 32
  static let frameHeaderBytes = 16
  /// Longest payload; a longer one is never written.
  static let mostPayloadBytes = 1 << 20
  private static let magic: UInt32 = 0x474C_4553

  static func header(number: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: magic)
    bytes.append(littleEndian: DiskFormat.version)
    bytes.append(littleEndian: UInt16(0))
    bytes.append(littleEndian: number)
    let checksum = bytes.withUnsafeBytes { BlockChecksum.of($0, seed: 0) }
    bytes.append(littleEndian: checksum)
    bytes.append(littleEndian: UInt64(0))
    return bytes
  }

  /// Adds one frame to `bytes`, whose first byte will be at `base` of the file.
  static func appendFrame(
    _ payload: some Collection<UInt8>, number: UInt64, base: Int, syncedBytes: Int,
    to bytes: inout [UInt8]
  ) {
    let start = bytes.count
    bytes.append(littleEndian: UInt32(payload.count))
    bytes.append(littleEndian: UInt32(clamping: syncedBytes / 8))
    bytes.append(littleEndian: UInt64(0))
    bytes.append(contentsOf: payload)
    let end = bytes.count
    bytes.withUnsafeMutableBytes { all in
      let frame = all.slice(start, end - start)
      let checksum = checksum(UnsafeRawBufferPointer(frame), number: number, place: base + start)
      frame.store(checksum, at: 8)
    }
    bytes.pad(toMultipleOf: 8)
  }

  private static func checksum(
    _ frame: UnsafeRawBufferPointer, number: UInt64, place: Int
  ) -> UInt64 {
    let seed = number &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(place)
    let payload = frame.slice(frameHeaderBytes, frame.count - frameHeaderBytes)
    return BlockChecksum.of(payload, seed: seed &+ frame.load(0, as: UInt64.self))
  }

  /// What a replay met at the end of a file.
  enum Ending: Equatable {
    /// All frames verify.
    case whole
    /// The last write did not get to disk whole.
    case torn
    /// Something that had been synced does not verify.
    case damaged
  }

  /// Calls `body` with each payload up to the end or the first frame that does not verify.
  static func replay(
    _ bytes: UnsafeRawBufferPointer, number: UInt64, _ body: (UnsafeRawBufferPointer) -> Void
  ) -> Ending {
    guard bytes.count >= headerBytes, bytes.load(0, as: UInt32.self) == magic,
      bytes.load(4, as: UInt16.self) == DiskFormat.version,
      bytes.load(8, as: UInt64.self) == number,
      bytes.load(16, as: UInt64.self) == BlockChecksum.of(bytes.slice(0, 16), seed: 0)
    else { return hasFrame(in: bytes, syncedPast: 0, number: number) ? .damaged : .torn }
    var offset = headerBytes
    while offset < bytes.count {
      guard let payload = payload(in: bytes, at: offset, number: number) else {
        return hasFrame(in: bytes, syncedPast: offset, number: number) ? .damaged : .torn
      }
      body(payload)
      offset += (frameHeaderBytes + payload.count).roundedUp(toMultipleOf: 8)
    }
    return .whole
  }

  private static func payload(
    in bytes: UnsafeRawBufferPointer, at offset: Int, number: UInt64
  ) -> UnsafeRawBufferPointer? {
    guard bytes.count - offset >= frameHeaderBytes else { return nil }
    let count = Int(bytes.load(offset, as: UInt32.self))
    guard count > 0, count <= mostPayloadBytes, bytes.count - offset - frameHeaderBytes >= count
    else { return nil }
    let frame = bytes.slice(offset, frameHeaderBytes + count)
    guard frame.load(8, as: UInt64.self) == checksum(frame, number: number, place: offset) else {
      return nil
    }
    return frame.slice(frameHeaderBytes, count)
  }

  private static func hasFrame(
    in bytes: UnsafeRawBufferPointer, syncedPast place: Int, number: UInt64
  ) -> Bool {
    var offset = max(place, headerBytes - 8) + 8
    while offset + frameHeaderBytes < bytes.count {
      let synced = Int(bytes.load(offset + 4, as: UInt32.self)) * 8
      // The cheap comparison first: most places that are no frame fail it.
      if synced > place, synced <= offset,
        payload(in: bytes, at: offset, number: number) != nil
      {
        return true
      }
      offset += 8
    }
    return false
  }
}

extension BlockDevice {
  /// A whole file's bytes.
  func readFile(_ path: String) throws(DeviceError) -> [UInt8] {
    let file = try open(path, .read)
    let count = try file.byteCount()
    var bytes = [UInt8](repeating: 0, count: count)
    var read = 0
    var failure: DeviceError?
    bytes.withUnsafeMutableBytes { buffer in
      do throws(DeviceError) { read = try file.read(into: buffer, at: 0) } catch { failure = error }
    }
    if let failure { throw failure }
    bytes.removeLast(count - read)
    return bytes
  }

  /// Writes a file under a temporary name, syncs it, and puts it in place in one step.
  func replaceFile(_ path: String, in directory: String, _ bytes: [UInt8]) throws(DeviceError) {
    let temporary = path + ".new"
    let file = try open(temporary, .create)
    try file.write(bytes, at: 0)
    try file.sync()
    try rename(temporary, to: path)
    try syncDirectory(directory)
  }
}

extension BlockFile {
  func write(_ bytes: [UInt8], at offset: Int) throws(DeviceError) {
    var failure: DeviceError?
    bytes.withUnsafeBytes { buffer in
      do throws(DeviceError) { try write(buffer, at: offset) } catch { failure = error }
    }
    if let failure { throw failure }
  }
}
