import NIOCore

/// A request's control data and fields, checked, whatever protocol version brought it.
///
/// The head shares the bytes that the socket delivered: making, copying and reading it allocates
/// nothing a field. All ranges count from the first readable byte of `fields.bytes`.
public struct RequestHead: Sendable {
  /// The method; its name's place is ``methodName``.
  public var method: RequestMethod
  /// The version the client speaks.
  public var version: HTTPVersion
  /// How the request's content is delimited.
  public var framing: BodyFraming
  /// Whether the connection came over TLS: the target's scheme is `https`.
  public var isSecure: Bool
  /// Whether the connection may serve another request afterwards (RFC 9112 section 9.3).
  public var keepsAlive: Bool
  /// Whether the client waits for `100 Continue` before it sends content.
  public var expectsContinue: Bool
  /// The method's name.
  public var methodName: TextRange
  /// The target as path and query, byte for byte; `*` for `OPTIONS *`.
  public var target: TextRange
  /// The target's path: ``target`` up to the first `?`.
  public var path: TextRange
  /// The target's query without its `?`; nil when there is no `?`.
  public var query: TextRange?
  /// Host and optional port, from an absolute target or else from Host; empty when an HTTP/1.0
  /// client named none.
  public var authority: TextRange
  /// The header lines, and the bytes that all ranges point into.
  public var fields: FieldBlock

  /// A head whose ranges point into `fields.bytes`.
  public init(
    method: RequestMethod, version: HTTPVersion, framing: BodyFraming, isSecure: Bool,
    keepsAlive: Bool, expectsContinue: Bool, methodName: TextRange, target: TextRange,
    path: TextRange, query: TextRange?, authority: TextRange, fields: FieldBlock
  ) {
    self.method = method
    self.version = version
    self.framing = framing
    self.isSecure = isSecure
    self.keepsAlive = keepsAlive
    self.expectsContinue = expectsContinue
    self.methodName = methodName
    self.target = target
    self.path = path
    self.query = query
    self.authority = authority
    self.fields = fields
  }

  /// Calls `body` with the bytes at `range`. The pointer is valid only during the call.
  @inlinable
  public func withBytes<Result>(
    _ range: TextRange, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    fields.bytes.withUnsafeReadableBytes { body(range.slice(of: $0)) }
  }

  /// The same head over a buffer of its own, just as large as needed: for whoever keeps it longer
  /// than the socket's receive buffer should be kept from reuse.
  public func compacted() -> RequestHead {
    var head = self
    let bytes = fields.bytes.withUnsafeReadableBytes { ByteBuffer(bytes: $0) }
    head.fields = FieldBlock(bytes: bytes, entries: fields.entries, presence: fields.presence)
    return head
  }

  /// The bytes at `range`, shared with the head.
  public func slice(_ range: TextRange) -> ByteBuffer {
    let bytes = fields.bytes
    return bytes.getSlice(at: bytes.readerIndex + Int(range.offset), length: Int(range.count))
      ?? ByteBuffer()
  }

  /// The bytes at `range` as text: for logs and errors, not for the data path.
  public func text(_ range: TextRange) -> String { withBytes(range) { $0.text } }
}
