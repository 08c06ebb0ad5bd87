/// Numbers shared by the disk formats.
enum DiskFormat {
  /// Version of everything written below; a store of another version is not opened.
  static let version: UInt16 = 1
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

  /// Chunks that a body of `count` bytes takes.
  static func chunkCount(_ count: Int) -> Int { (count + chunkBytes - 1) / chunkBytes }
}
