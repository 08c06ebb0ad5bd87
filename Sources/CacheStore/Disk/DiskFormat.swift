/// Numbers shared by the disk formats.
enum DiskFormat {
  /// Version of everything written below; a store of another version is not opened.
  static let version: UInt16 = 2
  /// Records start at multiples of this, and a location counts in these.
  static let blockBytes = 512
  /// Body bytes under one seal.
  static let chunkBytes = 65_536
  /// Bytes gathered before the writer calls the device.
  static let writeBytes = 1 << 20
  /// Largest segment that a location can address: 2^17 blocks.
  static let largestSegmentBytes = 64 << 20
  /// Smallest segment; a configuration below it is raised.
  static let smallestSegmentBytes = 64 << 10

  /// Where a dedicated segment's body begins.
  static let dedicatedBodyPosition = 4096
  /// Records up to this size are read as a whole; of a larger one the head is read and the body
  /// stays on disk.
  static let wholeReadBytes = 1 << 20
  /// Read of a large record's head at first: room for its key, head and tags as they usually are.
  static let headReadBytes = 64 << 10
  /// Reads up to this size are tried on the caller's thread.
  static let inlineReadBytes = 256 << 10

  /// Chunks that a body of `count` bytes takes.
  static func chunkCount(_ count: Int) -> Int { (count + chunkBytes - 1) / chunkBytes }
}
