import NIOCore

/// Writes the parts of HTTP/1.1 responses as they go on the wire (RFC 9112).
///
/// The status line always says HTTP/1.1, whatever the client speaks (RFC 9110 section 6.2); what
/// a client of HTTP/1.0 cannot read, the caller does not ask for.
public enum HTTP1ResponseSerializer {
  /// What the head says about where the content ends.
  public enum Delimiter: Sendable, Equatable {
    /// Content-Length.
    case length(Int)
    /// Transfer-Encoding: chunked.
    case chunked
    /// Nothing: there is no content, or the connection's end delimits it.
    case none
  }

  /// What the head says about the connection.
  public enum ConnectionField: Sendable, Equatable {
    /// Nothing.
    case none
    /// `Connection: close`: this is its last response.
    case close
    /// `Connection: keep-alive`, which a client of HTTP/1.0 waits to read.
    case keepAlive
  }

  /// Appends a response's head: status line, the two sections of field lines as they are, and the
  /// fields that delimit the message. One reservation, no allocation beyond it. O(bytes).
  @inline(__always)
  public static func writeHead(
    status: Int, storedLines: UnsafeRawBufferPointer, addedLines: UnsafeRawBufferPointer,
    delimiter: Delimiter, connection: ConnectionField, into buffer: inout ByteBuffer
  ) {
    // Status line, Content-Length (18 and 19 digits) or Transfer-Encoding (28), Connection (24),
    // and the empty line.
    let bound = StatusLine.maximumCount + 128 + storedLines.count + addedLines.count
    buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { space in
      var line = HeadWriter(space: space)
      line.writeStatusLine(status)
      line.write(storedLines)
      line.write(addedLines)
      switch delimiter {
      case .length(let count):
        line.write("Content-Length: ")
        line.writeDecimal(count)
        line.write("\r\n")
      case .chunked: line.write("Transfer-Encoding: chunked\r\n")
      case .none: break
      }
      switch connection {
      case .none: break
      case .close: line.write("Connection: close\r\n")
      case .keepAlive: line.write("Connection: keep-alive\r\n")
      }
      line.write("\r\n")
      return line.count
    }
  }

  /// Appends an interim response, such as 103 with its fields.
  public static func writeInformational(
    status: Int, fields: FieldBlock, into buffer: inout ByteBuffer
  ) {
    buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: StatusLine.maximumCount) { space in
      var line = HeadWriter(space: space)
      line.writeStatusLine(status)
      return line.count
    }
    fields.writeLines(
      into: &buffer, except: [.contentLength, .transferEncoding, .connection, .keepAlive])
    buffer.writeStaticString("\r\n")
  }

  /// Appends the line before a chunk of `count` bytes, which must not be 0.
  public static func writeChunkStart(_ count: Int, into buffer: inout ByteBuffer) {
    precondition(count > 0, "a chunk of \(count) bytes")
    buffer.writeHexadecimal(count)
    buffer.writeStaticString("\r\n")
  }

  /// Appends the line end behind a chunk's bytes.
  public static func writeChunkEnd(into buffer: inout ByteBuffer) {
    buffer.writeStaticString("\r\n")
  }

  /// Appends the last chunk and the trailers, those left out that would frame the message anew.
  public static func writeLastChunk(trailers: FieldBlock?, into buffer: inout ByteBuffer) {
    buffer.writeStaticString("0\r\n")
    trailers?.writeLines(into: &buffer, except: .forbiddenTrailers)
    buffer.writeStaticString("\r\n")
  }

  /// The registered reason phrase of a status, such as `Not Found`; empty for other codes.
  public static func reason(_ status: Int) -> UnsafeRawBufferPointer { StatusLine.reason(status) }
}

/// Lays bytes one after another into space that the caller has sized for all of them; what would
/// pass its end stops the process.
///
/// One reservation in a buffer and plain copies into it: a `ByteBuffer` checks and reserves at
/// every write, which for the dozen pieces of a response's added lines was a quarter of a hit's
/// instructions.
public struct HeadWriter {
  @usableFromInline let space: UnsafeMutableRawBufferPointer
  /// Bytes written so far.
  public var count = 0

  /// A writer at the start of `space`.
  @inlinable
  public init(space: UnsafeMutableRawBufferPointer) {
    self.space = space
  }

  /// Appends bytes.
  @inlinable
  public mutating func write(_ bytes: UnsafeRawBufferPointer) {
    precondition(bytes.count <= space.count - count)
    guard bytes.count > 0, let source = bytes.baseAddress, let start = space.baseAddress else {
      return
    }
    (start + count).copyMemory(from: source, byteCount: bytes.count)
    count += bytes.count
  }

  /// Appends text.
  @inlinable
  public mutating func write(_ text: StaticString) {
    write(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  @inline(__always)
  fileprivate mutating func writeStatusLine(_ status: Int) {
    if let line = StatusLine.bytes(status) { return write(line) }
    precondition((100...999).contains(status), "status \(status)")
    write("HTTP/1.1 ")
    writeDecimal(status)
    write(" \r\n")
  }

  /// Appends a number in decimal, with a minus sign where it is below zero.
  public mutating func writeDecimal(_ number: Int) {
    if number < 0 {
      write("-")
      return writeDecimal(number == .min ? .max : -number)
    }
    var digits = 1
    var bound = number
    while bound >= 10 {
      bound /= 10
      digits += 1
    }
    precondition(digits <= space.count - count)
    var rest = number
    var index = count + digits
    repeat {
      index -= 1
      space[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    } while index > count
    count += digits
  }
}
