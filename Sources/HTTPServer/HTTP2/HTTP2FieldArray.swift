import CNghttp2
import Glibc
import HTTPMessage

/// The fields of one response head as libnghttp2 takes them: places in the caller's bytes.
///
/// One a loop, used again for every head. The library copies names and values when they are
/// submitted, and makes the names lower case doing so (RFC 9113 section 8.2.1); until then the
/// bytes that were added must stay where they are.
struct HTTP2FieldArray: ~Copyable {
  /// Status and Content-Length: 3 and at most 19 digits.
  private static let digitsCount = 32

  private(set) var fields: UnsafeMutablePointer<nghttp2_nv>
  private(set) var count = 0
  private var capacity = 64
  private let digits: UnsafeMutablePointer<UInt8>

  init() {
    fields = .allocate(capacity: capacity)
    digits = .allocate(capacity: Self.digitsCount)
  }

  deinit {
    fields.deallocate()
    digits.deallocate()
  }

  /// Starts a head that begins with `:status`.
  mutating func begin(status: Int) {
    precondition((100...999).contains(status), "status \(status)")
    count = 0
    digits[0] = UInt8(truncatingIfNeeded: 0x30 + status / 100)
    digits[1] = UInt8(truncatingIfNeeded: 0x30 + status / 10 % 10)
    digits[2] = UInt8(truncatingIfNeeded: 0x30 + status % 10)
    append(":status", UnsafeRawBufferPointer(start: digits, count: 3))
  }

  /// Starts a trailer section.
  mutating func beginTrailers() { count = 0 }

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

  /// Adds the field lines in `lines` (`Name: value` CRLF, repeated), but those that belong to a
  /// connection of HTTP/1.1 or frame its messages. O(bytes).
  mutating func add(lines: UnsafeRawBufferPointer) {
    guard var line = lines.baseAddress else { return }
    let end = line + lines.count
    while line < end {
      let lineEnd = memchr(line, 0x0A, end - line).map { UnsafeRawPointer($0) } ?? end
      if let colon = memchr(line, 0x3A, lineEnd - line).map({ UnsafeRawPointer($0) }) {
        var valueEnd = lineEnd
        if valueEnd > colon + 1, valueEnd.load(fromByteOffset: -1, as: UInt8.self) == 0x0D {
          valueEnd -= 1
        }
        let value = UnsafeRawBufferPointer(start: colon + 1, count: valueEnd - colon - 1)
        add(name: UnsafeRawBufferPointer(start: line, count: colon - line), value: value.trimmed)
      }
      line = lineEnd + 1
    }
  }

  /// Adds one field, unless it belongs to a connection of HTTP/1.1 or frames its messages.
  mutating func add(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    guard name.count > 0, name[0] != 0x3A, !Self.isOfConnection(name) else { return }
    append(name, value)
  }

  /// RFC 9113 section 8.2.2; Content-Length is the writer's to add.
  private static func isOfConnection(_ name: UnsafeRawBufferPointer) -> Bool {
    switch name.count {
    case 2: name.equalsIgnoringCase("te")
    case 7: name.equalsIgnoringCase("upgrade")
    case 10: name.equalsIgnoringCase("connection") || name.equalsIgnoringCase("keep-alive")
    case 14: name.equalsIgnoringCase("content-length")
    case 16: name.equalsIgnoringCase("proxy-connection")
    case 17: name.equalsIgnoringCase("transfer-encoding")
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
        valuelen: value.count, flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)))
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
