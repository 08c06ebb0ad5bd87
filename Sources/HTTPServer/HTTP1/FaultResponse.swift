import Glibc
import HTTPMessage
import NIOCore

/// The answer to a request that the front refuses by itself: a problem document (RFC 9457) with
/// what the responder's own refusals say.
struct FaultResponse {
  let status: Int
  /// The field lines, those of the framing and the connection apart.
  private(set) var lines = ByteBuffer()
  /// The problem document.
  private(set) var body = ByteBuffer()

  /// - Parameters:
  ///   - retryAfterSeconds: where it is known better than by the fault's kind.
  ///   - describe: writes the responder's lines.
  init(
    _ fault: RequestFault, retryAfterSeconds: Int? = nil,
    describe: (RequestFault, inout ByteBuffer) -> Void
  ) {
    status = fault.status
    var detail = fault.rawValue
    detail.withUTF8 {
      ProblemDocument.write(status: status, detail: UnsafeRawBufferPointer($0), into: &body)
    }
    if let seconds = retryAfterSeconds ?? fault.retryAfterSeconds {
      lines.writeStaticString("Retry-After: ")
      lines.writeDecimal(seconds)
      lines.writeStaticString("\r\n")
    }
    lines.writeStaticString(ProblemDocument.lines)
    lines.writeStaticString("Date: ")
    HTTPDate.write(Int64(time(nil)), into: &lines)
    lines.writeStaticString("\r\n")
    describe(fault, &lines)
  }

  /// How a writer frames it: the answer to a HEAD has no content (RFC 9110 section 9.3.2).
  func framing(isHead: Bool) -> ResponseFraming {
    isHead ? .bodyless(contentLength: body.readableBytes) : .length(body.readableBytes)
  }
}
