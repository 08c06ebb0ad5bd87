import CNghttp2
import Glibc
import HTTPMessage

/// The fields of one response head as libnghttp2 takes them: places in the caller's bytes.
///
/// One a loop, used again for every head. Of a head that was begun with ``begin(status:)`` or
/// ``beginTrailers()`` the library copies names and values when it is submitted, and makes the
/// names lower case doing so (RFC 9113 section 8.2.1); until then the bytes that were added must
/// stay where they are. A final response's head is written into a room of its own instead
/// (``begin(status:in:)``), once, in lower case, which the library reads when it makes the frame.
struct HTTP2FieldArray: ~Copyable {
  /// Status and Content-Length: 3 and at most 19 digits.
  static let digitsCount = 32

  private(set) var fields: UnsafeMutablePointer<nghttp2_nv>
  private(set) var count = 0
  private var capacity = 64
  private let ownDigits: UnsafeMutablePointer<UInt8>
  /// Where the digits of the head being made stand.
  private var digits: UnsafeMutablePointer<UInt8>
  private var flags = UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)

  init() {
    fields = .allocate(capacity: capacity)
    ownDigits = .allocate(capacity: Self.digitsCount)
    digits = ownDigits
  }

  deinit {
    fields.deallocate()
    ownDigits.deallocate()
  }

  /// Starts a head that begins with `:status`, to be copied by the library.
  mutating func begin(status: Int) {
    beginTrailers()
    addStatus(status)
  }

  /// Starts a head that begins with `:status` and whose bytes stay: every field is to be added by
  /// ``add(lines:movedTo:)`` or ``addContentLength(_:)``.
  /// - Parameter room: ``digitsCount`` bytes that stay where they are until the frame is made.
  mutating func begin(status: Int, in room: UnsafeMutablePointer<UInt8>) {
    count = 0
    digits = room
    flags = UInt8(NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue)
    addStatus(status)
  }

  private mutating func addStatus(_ status: Int) {
    precondition((100...999).contains(status), "status \(status)")
    digits[0] = UInt8(truncatingIfNeeded: 0x30 + status / 100)
    digits[1] = UInt8(truncatingIfNeeded: 0x30 + status / 10 % 10)
    digits[2] = UInt8(truncatingIfNeeded: 0x30 + status % 10)
    append(":status", UnsafeRawBufferPointer(start: digits, count: 3))
  }

  /// Starts a trailer section, to be copied by the library.
  mutating func beginTrailers() {
    count = 0
    digits = ownDigits
    flags = UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)
  }

  /// Adds Content-Length.
  mutating func addContentLength(_ length: Int) {
    precondition(length >= 0, "a length of \(length) bytes")
    var start = Self.digitsCount
    var rest = length
    repeat {
      start -= 1
      digits[start] = UInt8(truncatingIfNeeded: 0x30 + rest % 10)
      rest /= 10
    } while rest > 0
    append(
      "content-length",
      UnsafeRawBufferPointer(start: digits + start, count: Self.digitsCount - start))
  }

  /// Copies the field lines in `lines` (`Name: value` CRLF, repeated) to `room`, and adds them from
  /// there with their names in lower case, but those that belong to a connection of HTTP/1.1 or
  /// frame its messages. O(bytes).
  /// - Parameter room: as many bytes as `lines` has, which stay where they are until the frame is
  ///   made.
  /// - Returns: the end of what was used.
  mutating func add(
    lines: UnsafeRawBufferPointer, movedTo room: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    guard let source = lines.baseAddress else { return room }
    memcpy(room, source, lines.count)
    let end = room + lines.count
    var line = room
    while line < end {
      let colon = Self.lowercaseName(from: line, end: end)
      guard colon < end else { break }
      guard colon.pointee == 0x3A else {
        line = colon + 1
        continue
      }
      let rest = end - colon
      let lineEnd =
        memchr(colon, 0x0A, rest)?.assumingMemoryBound(to: UInt8.self) ?? end
      let name = UnsafeRawBufferPointer(start: line, count: colon - line)
      if name.count > 0, !Self.isOfConnection(name) {
        append(name, Self.value(from: colon + 1, to: lineEnd))
      }
      line = lineEnd + 1
    }
    return end
  }

  /// Makes the bytes up to a colon or a line feed lower case, and returns where that stands; `end`
  /// when there is neither. Eight bytes at a time, since every head has some 150 of them.
  @inline(__always)
  private static func lowercaseName(
    from start: UnsafeMutablePointer<UInt8>, end: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    var next = start
    while end - next >= 8 {
      let raw = UnsafeMutableRawPointer(next)
      let word = UInt64(littleEndian: raw.loadUnaligned(as: UInt64.self))
      let stops = zeroBytes(word ^ (0x3A &* eachByte)) | zeroBytes(word ^ (0x0A &* eachByte))
      // Of the marks above the lowest one, some may be false; the lowest is not.
      let count = stops.trailingZeroBitCount / 8
      let changed = count == 8 ? UInt64.max : (1 << UInt64(8 * count)) - 1
      let lower = word | (upperBits(word) & changed)
      raw.storeBytes(of: lower.littleEndian, as: UInt64.self)
      if count < 8 { return next + count }
      next += 8
    }
    while next < end, next.pointee != 0x3A, next.pointee != 0x0A {
      next.pointee = next.pointee.asciiLowercased
      next += 1
    }
    return next
  }

  private static var eachByte: UInt64 { 0x0101_0101_0101_0101 }
  private static var highBits: UInt64 { 0x8080_8080_8080_8080 }

  /// The high bit of every byte that is zero, and perhaps of bytes above the lowest such.
  @inline(__always)
  private static func zeroBytes(_ word: UInt64) -> UInt64 {
    (word &- eachByte) & ~word & highBits
  }

  /// Bit 5 of every byte that is `A` to `Z`: what makes it lower case.
  @inline(__always)
  private static func upperBits(_ word: UInt64) -> UInt64 {
    let low = word & ~highBits
    let fromA = low &+ (0x80 - 0x41) &* eachByte
    let beyondZ = low &+ (0x80 - 0x5B) &* eachByte
    return ((fromA & ~beyondZ & ~word) & highBits) >> 2
  }

  /// The value between a colon and its line's end, without the blanks at either end.
  @inline(__always)
  private static func value(
    from start: UnsafeMutablePointer<UInt8>, to lineEnd: UnsafeMutablePointer<UInt8>
  ) -> UnsafeRawBufferPointer {
    var start = start
    var end = lineEnd
    while start < end, start.pointee.isOptionalWhitespace { start += 1 }
    while end > start, end[-1].isOptionalWhitespace || end[-1] == 0x0D { end -= 1 }
    return UnsafeRawBufferPointer(start: start, count: end - start)
  }

  /// Adds one field, unless it belongs to a connection of HTTP/1.1 or frames its messages.
  mutating func add(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    guard name.count > 0, name[0] != 0x3A, !Self.isOfConnection(name) else { return }
    append(name, value)
  }

  /// RFC 9113 section 8.2.2; Content-Length is the writer's to add.
  @inline(__always)
  private static func isOfConnection(_ name: UnsafeRawBufferPointer) -> Bool {
    // Most names are ruled out by their length and first letter.
    switch (name.count, name[0] | 0x20) {
    case (2, UInt8(ascii: "t")): name.equalsIgnoringCase("te")
    case (7, UInt8(ascii: "u")): name.equalsIgnoringCase("upgrade")
    case (10, UInt8(ascii: "c")): name.equalsIgnoringCase("connection")
    case (10, UInt8(ascii: "k")): name.equalsIgnoringCase("keep-alive")
    case (14, UInt8(ascii: "c")): name.equalsIgnoringCase("content-length")
    case (16, UInt8(ascii: "p")): name.equalsIgnoringCase("proxy-connection")
    case (17, UInt8(ascii: "t")): name.equalsIgnoringCase("transfer-encoding")
    default: false
    }
  }

  private mutating func append(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
    append(
      UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount), value)
  }

  private mutating func append(
    _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
  ) {
    if count == capacity { grow() }
    // The library takes mutable pointers and writes through none of them.
    (fields + count).initialize(
      to: nghttp2_nv(
        name: Self.pointer(name), value: Self.pointer(value), namelen: name.count,
        valuelen: value.count, flags: flags))
    count += 1
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<nghttp2_nv>.allocate(capacity: capacity * 2)
    larger.moveInitialize(from: fields, count: count)
    fields.deallocate()
    fields = larger
    capacity *= 2
  }

  private static func pointer(_ bytes: UnsafeRawBufferPointer) -> UnsafeMutablePointer<UInt8>? {
    UnsafeMutableRawPointer(mutating: bytes.baseAddress)?.assumingMemoryBound(to: UInt8.self)
  }
}
