import Glibc
import HTTPMessage
import NIOCore

/// The answer to a request that could not be read: a small problem document (RFC 9457) and the
/// connection's end.
enum FaultResponse {
  static func write(_ fault: RequestFault, into buffer: inout ByteBuffer) {
    let status = fault.status
    var body = ByteBuffer()
    body.writeStaticString("{\"title\":\"")
    body.writeBytes(HTTP1ResponseSerializer.reason(status))
    body.writeStaticString("\",\"status\":")
    body.writeDecimal(status)
    body.writeStaticString(",\"detail\":\"")
    // The texts are ours: none needs escaping.
    body.writeString(fault.rawValue)
    body.writeStaticString("\"}\n")
    var lines = ByteBuffer()
    lines.writeStaticString(
      "Content-Type: application/problem+json\r\nCache-Control: no-store\r\nDate: ")
    HTTPDate.write(Int64(time(nil)), into: &lines)
    lines.writeStaticString("\r\n")
    lines.withUnsafeReadableBytes { lines in
      HTTP1ResponseSerializer.writeHead(
        status: status,
        storedLines: UnsafeRawBufferPointer(start: nil, count: 0),
        addedLines: lines,
        delimiter: .length(body.readableBytes), connection: .close, into: &buffer)
    }
    buffer.writeImmutableBuffer(body)
  }
}
