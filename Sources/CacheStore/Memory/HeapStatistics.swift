import CLinux
import Glibc

/// What the C library's allocator holds; bytes.
///
/// Objects of the memory tier are allocated by it, so what it wastes is memory that the tier's
/// budget does not see: the pieces between objects that are too small for the next one, and pages
/// that are free but not given back.
public struct HeapStatistics: Sendable, Equatable {
  /// Taken from the system for arenas; pages that were given back since still count.
  public var arenaBytes = 0
  /// Allocated, in arenas and in mappings of their own.
  public var usedBytes = 0
  /// Free in arenas.
  public var freeBytes = 0
  /// In mappings of their own.
  public var mappedBytes = 0
  /// The process's anonymous memory that is resident: the heap, stacks and the like.
  public var residentBytes = 0

  /// The share of resident memory that no allocation uses: 0 to 1.
  public var fragmentation: Double {
    residentBytes > 0 ? max(0, 1 - Double(usedBytes) / Double(residentBytes)) : 0
  }

  /// Zeroes.
  public init() {}

  /// The account now. Looks at every free piece with its arena locked: a millisecond and more on a
  /// large heap, and not for an event loop.
  public static func read() -> HeapStatistics {
    var heap = edge_heap()
    edge_heap_read(&heap)
    var statistics = HeapStatistics()
    statistics.arenaBytes = heap.arena
    statistics.usedBytes = heap.in_use + heap.mapped
    statistics.freeBytes = heap.free
    statistics.mappedBytes = heap.mapped
    statistics.residentBytes = residentAnonymousBytes()
    return statistics
  }

  /// From /proc/self/statm: resident pages less those that are shared with files; 0 when it cannot
  /// be read.
  private static func residentAnonymousBytes() -> Int {
    let descriptor = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return 0 }
    defer { close(descriptor) }
    // Seven numbers of at most 20 digits.
    let text = withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { buffer in
      let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }
    let numbers = text.split(separator: " ").compactMap { Int($0) }
    guard numbers.count > 2 else { return 0 }
    return max(0, numbers[1] - numbers[2]) * sysconf(Int32(_SC_PAGESIZE))
  }

  /// From now on free pages stay with the process until ``trim()`` gives them back: freeing an
  /// object on a loop then never ends in a system call. Call before anything large is allocated.
  public static func keepFreePages() { edge_heap_keep_free_pages() }

  /// Gives whole free pages back to the system; as slow as ``read()``, and for the same threads.
  @discardableResult
  public static func trim() -> Bool { edge_heap_trim() == 1 }
}
