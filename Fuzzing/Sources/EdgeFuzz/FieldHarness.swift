import HTTPMessage
import NIOCore
import RawStructuredFieldValues

@testable import CachePolicy

/// Readers of single field values.
enum FieldHarness {
  static func run(_ bytes: UnsafeRawBufferPointer) {
    for length in [0, 1, 100, Int.max] { ranges(bytes, length) }
    contentRange(bytes)
    dictionary(bytes)
    cacheControl(bytes)
    _ = HTTPDate.parse(bytes, now: 784_111_777)
    _ = EntityTag.matches(list: bytes, tag: bytes, weakly: true)
    for member in ListMembers(bytes) {
      require(!member.isEmpty && member.count <= bytes.count, "a member of \(member.count) bytes")
    }
    _ = HostSyntax.isValid(bytes)
  }

  /// Every stretch lies inside, none is empty, none touches another (RFC 9110 section 14.2).
  private static func ranges(_ bytes: UnsafeRawBufferPointer, _ length: Int) {
    guard case .satisfiable(let ranges) = ByteRangeSet.parse(bytes, length: length) else { return }
    require(!ranges.isEmpty && ranges.count <= ByteRangeSet.rangeLimit, "\(ranges.count) ranges")
    let sorted = ranges.sorted { $0.lowerBound < $1.lowerBound }
    for range in sorted {
      require(!range.isEmpty && range.lowerBound >= 0 && range.upperBound <= length, "\(range)")
    }
    for (left, right) in zip(sorted, sorted.dropFirst()) {
      require(left.upperBound < right.lowerBound, "\(left) touches \(right)")
    }
  }

  /// What is read is what was meant: written again, it reads the same.
  private static func contentRange(_ bytes: UnsafeRawBufferPointer) {
    guard let range = ContentRange.parse(bytes) else { return }
    var buffer = ByteBuffer()
    range.write(into: &buffer)
    require(buffer.withUnsafeReadableBytes { ContentRange.parse($0) } == range, "\(range)")
  }

  /// What the library of RFC 9651 takes for a Dictionary is one to our reader, with the same keys.
  private static func dictionary(_ bytes: UnsafeRawBufferPointer) {
    var keys: Set<String> = []
    let isDictionary = StructuredDictionary.read(bytes) { key, _ in keys.insert(key.text) }
    var parser = StructuredFieldValueParser(Bytes(bytes))
    guard let expected = try? parser.parseDictionaryFieldValue() else { return }
    require(isDictionary, "refused, which the library takes for a Dictionary")
    require(keys == Set(expected.map { $0.0 }), "\(keys) where the library reads \(expected)")
  }

  private static func cacheControl(_ bytes: UnsafeRawBufferPointer) {
    var fields = FieldBlock()
    fields.append(.cacheControl, value: bytes)
    let one = CacheControl(fields)
    fields.append(.cacheControl, "no-store")
    require(CacheControl(fields).noStore, "no-store was hidden by another line")
    _ = one.withholds(bytes)
  }
}
