import NIOCore

/// The answer of the edge's own, where it has none of an origin's: a small problem document
/// (RFC 9457) and the fields that go with it.
public enum ProblemDocument {
  /// The field lines of every such answer. No cache may keep it: it says nothing of the resource.
  public static let lines: StaticString =
    "Content-Type: application/problem+json\r\nCache-Control: no-store\r\n"

  /// Writes the document.
  /// - Parameter detail: what went wrong; of the edge's own texts, which need no escaping.
  public static func write(
    status: Int, detail: UnsafeRawBufferPointer, into body: inout ByteBuffer
  ) {
    body.writeStaticString("{\"type\":\"about:blank\",\"title\":\"")
    body.writeBytes(StatusLine.reason(status))
    body.writeStaticString("\",\"status\":")
    body.writeDecimal(status)
    body.writeStaticString(",\"detail\":\"")
    body.writeBytes(detail)
    body.writeStaticString("\"}\n")
  }
}
