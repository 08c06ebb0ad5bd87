import Glibc
import HTTPMessage
import NIOCore

/// The answer to a request that could not be read: a small problem document (RFC 9457) and the
/// connection's end.
enum FaultResponse {
  static func write(_ fault: RequestFault, into buffer: inout ByteBuffer) {
    var body = ByteBuffer()
    writeBody(fault, into: &body)
    var lines = ByteBuffer()
    writeLines(retryAfterSeconds: fault.retryAfterSeconds, into: &lines)
    lines.withUnsafeReadableBytes { lines in
      HTTP1ResponseSerializer.writeHead(
        status: fault.status,
        storedLines: UnsafeRawBufferPointer(start: nil, count: 0),
        addedLines: lines,
        delimiter: .length(body.readableBytes), connection: .close, into: &buffer)
    }
    buffer.writeImmutableBuffer(body)
  }

  /// The problem document.
  static func writeBody(_ fault: RequestFault, into body: inout ByteBuffer) {
    let status = fault.status
    body.writeStaticString("{\"title\":\"")
    body.writeBytes(HTTP1ResponseSerializer.reason(status))
    body.writeStaticString("\",\"status\":")
    body.writeDecimal(status)
    body.writeStaticString(",\"detail\":\"")
    // The texts are ours: none needs escaping.
    body.writeString(fault.rawValue)
    body.writeStaticString("\"}\n")
  }

  /// The field lines, those of the framing and the connection apart.
  static func writeLines(
    retryAfterSeconds: Int?, into lines: inout ByteBuffer
  ) {
    if let retryAfterSeconds {
      lines.writeStaticString("Retry-After: ")
      lines.writeDecimal(retryAfterSeconds)
      lines.writeStaticString("\r\n")
    }
    lines.writeStaticString(
      "Content-Type: application/problem+json\r\nCache-Control: no-store\r\nDate: ")
    HTTPDate.write(Int64(time(nil)), into: &lines)
    lines.writeStaticString("\r\n")
  }
}
