import CLinux

/// The entries of one shard's objects: a slab addressed by 32-bit indices, 16 bytes an entry, with
/// the links of the eviction queues in place, and 2 bytes beside for sweeps to pass over an entry
/// by. Owner: the shard, under its lock.
struct ObjectSlab {
  /// The end of a list.
  static let none = UInt32.max

  struct Entry {
    var object: StoredObject?
    /// Towards the queue's tail (older); in a free entry the next free one.
    var older: UInt32
    /// Towards the queue's head (newer).
    var newer: UInt32
  }

  private(set) var entries = ContiguousArray<Entry>()
  /// As many as entries; of a free one what its last object had.
  private var folders = ContiguousArray<FolderMark>()
  private var firstFree = ObjectSlab.none
  private(set) var count = 0

  /// Real bytes held.
  var bytes: Int {
    entries.capacity * MemoryLayout<Entry>.stride
      + folders.capacity * MemoryLayout<FolderMark>.stride
  }

  /// Entries ever used; indices run below it.
  var endIndex: UInt32 { UInt32(truncatingIfNeeded: entries.count) }

  @inline(__always)
  func object(at index: UInt32) -> StoredObject? { entries[Int(index)].object }

  /// Lines of memory of an object that a walk reads: its header and the beginning of its key.
  private static var walkedLines: Int { 3 }

  /// Entries whose folders a walk looks at before it may give the lock back.
  private static var mostPassed: Int { 8192 }

  /// The entries from `start` on that hold an object of one of the folders, at most `count`.
  /// - Parameters:
  ///   - filter: the folders; nil: every entry that holds an object.
  ///   - indices: is filled with them.
  /// - Returns: where to go on; nil at the end.
  func collect(
    from start: UInt32, count: UInt32, in filter: FolderFilter?, into indices: inout [UInt32]
  ) -> UInt32? {
    indices.removeAll(keepingCapacity: true)
    // Bound: `index` stays below `end`, which is at most the count of both arrays.
    var index = Int(start)
    let end = min(entries.count, index + Self.mostPassed)
    while index < end, indices.count < Int(count) {
      if filter?.contains(folders[index]) ?? true, entries[index].object != nil {
        indices.append(UInt32(truncatingIfNeeded: index))
      }
      index += 1
    }
    return index < entries.count ? UInt32(truncatingIfNeeded: index) : nil
  }

  /// Has the processor fetch objects. A walk that looks at one after the other waits for memory
  /// several times an object; of these it has many under way at once.
  func prefetch(_ indices: some Sequence<UInt32>) {
    withObjects(indices) { _, object in
      for line in 0..<Self.walkedLines { edge_prefetch(object + 64 * line) }
    }
  }

  /// Calls `body` with the hash of every one of these objects.
  @inline(__always)
  func forEachHash(_ indices: some Sequence<UInt32>, _ body: (KeyHash) -> Void) {
    forEachObject(indices) { _, object in body(object.hash) }
  }

  /// Calls `body` with every one of these objects, without counting references.
  @inline(__always)
  func forEachObject(
    _ indices: some Sequence<UInt32>, _ body: (UInt32, StoredObject) -> Void
  ) {
    withObjects(indices) { index, object in
      Unmanaged<StoredObjectBuffer>.fromOpaque(object)._withUnsafeGuaranteedRef { buffer in
        body(index, StoredObject(buffer: buffer))
      }
    }
  }

  /// Calls `body` with the address of every one of these objects. No reference is counted, which
  /// would wait for the very memory that is to be fetched.
  @inline(__always)
  private func withObjects(
    _ indices: some Sequence<UInt32>, _ body: (UInt32, UnsafeRawPointer) -> Void
  ) {
    entries.withUnsafeBytes { bytes in
      // Bound: they are indices of entries, whose first eight bytes are the reference or zero.
      for index in indices {
        let object = bytes.load(
          fromByteOffset: Int(index) * MemoryLayout<Entry>.stride, as: UnsafeRawPointer?.self)
        if let object { body(index, object) }
      }
    }
  }

  /// Puts an object into a free entry and returns its index.
  mutating func insert(_ object: StoredObject) -> UInt32 {
    count += 1
    let folder = object.withKey { FolderMark(key: $0) }
    let entry = Entry(object: object, older: Self.none, newer: Self.none)
    if firstFree != Self.none {
      let index = firstFree
      firstFree = entries[Int(index)].older
      entries[Int(index)] = entry
      folders[Int(index)] = folder
      return index
    }
    if entries.count == entries.capacity {
      // An eighth more at a time: doubling would leave half of the slab unused.
      let capacity = max(entries.count + 16, entries.count + entries.count / 8)
      entries.reserveCapacity(capacity)
      folders.reserveCapacity(capacity)
    }
    entries.append(entry)
    folders.append(folder)
    return UInt32(entries.count - 1)
  }

  /// Puts another object of the same key into an entry that holds one.
  mutating func replace(at index: UInt32, with object: StoredObject) {
    entries[Int(index)].object = object
  }

  /// Empties an entry and returns what it held.
  mutating func remove(at index: UInt32) -> StoredObject? {
    let object = entries[Int(index)].object.take()
    entries[Int(index)].older = firstFree
    firstFree = index
    count -= 1
    return object
  }

  @inline(__always)
  func older(_ index: UInt32) -> UInt32 { entries[Int(index)].older }
  @inline(__always)
  func newer(_ index: UInt32) -> UInt32 { entries[Int(index)].newer }
  @inline(__always)
  mutating func setOlder(_ index: UInt32, to older: UInt32) { entries[Int(index)].older = older }
  @inline(__always)
  mutating func setNewer(_ index: UInt32, to newer: UInt32) { entries[Int(index)].newer = newer }
}
