import NIOCore

/// How a response's content will follow its head.
public enum ResponseFraming: Sendable, Equatable {
  /// Exactly this many bytes follow; the writer adds Content-Length.
  case length(Int)
  /// Content of unknown length follows: chunked, or until the connection closes for HTTP/1.0.
  case streamed
  /// No content follows: the answer to HEAD, a 204 or a 304. The writer adds Content-Length when
  /// it is given (never for 204, RFC 9110 section 8.6).
  case bodyless(contentLength: Int?)
}

/// The client's side of one request: what the proxy calls to answer it.
///
/// Implemented once a protocol by `HTTPServer`. Confined to the connection's event loop. The calls
/// come as: any number of ``writeInformational(status:fields:)``, one
/// ``start(status:storedLines:addedLines:framing:)``, any number of writes, and then
/// ``finish(trailers:)`` or ``abort()``. The writer knows nothing of caching; it adds only what its
/// protocol needs to
/// delimit the message (Content-Length, Transfer-Encoding, Connection).
public protocol ResponseWriter: AnyObject {
  /// Sends an interim response, such as 103; a client of HTTP/1.0 gets none.
  func writeInformational(status: Int, fields: FieldBlock)

  /// Sends the final response's head.
  ///
  /// Both line sections are field lines as they go on the wire (`Name: value` CRLF, repeated),
  /// without Content-Length and connection fields; they are copied before the call returns.
  func start(
    status: Int, storedLines: UnsafeRawBufferPointer, addedLines: UnsafeRawBufferPointer,
    framing: ResponseFraming)

  /// Switches the connection to the WebSocket protocol: sends 101 with these lines, in place of
  /// ``start(status:storedLines:addedLines:framing:)``. From then on writes are bytes as they are,
  /// ``requestBodyChunk()`` asks for what the client sends, as it is, until it ends its side, and
  /// ``finish(trailers:)`` closes the connection. Where the protocol cannot, the response is
  /// aborted.
  func startWebSocket(lines: UnsafeRawBufferPointer)

  /// Sends content by copying it. Zero bytes do nothing.
  func write(bytes: UnsafeRawBufferPointer)

  /// Sends content; a large buffer is written without a copy. Zero bytes do nothing.
  func write(_ chunk: ByteBuffer)

  /// Ends the response. `trailers` are sent where the protocol and the framing can carry them.
  /// The writer must not be used afterwards.
  func finish(trailers: FieldBlock?)

  /// Ends a response that cannot be completed: the client must see that it is cut short
  /// (connection closed without the last chunk, RST_STREAM). Not to be used afterwards.
  func abort()

  /// Whether the client takes more without piling up bytes; when false, hold back until
  /// ``RequestExchange/outputDrained()``.
  var isWritable: Bool { get }

  /// Bytes of content handed over so far, for the access log.
  var contentBytesWritten: Int { get }

  /// Asks for the next piece of the request's content: exactly one
  /// ``RequestExchange/receiveBody(_:)`` or ``RequestExchange/receiveBodyEnd(trailers:)`` answers,
  /// later, never during this call. The first call sends `100 Continue` if the client waits for it.
  func requestBodyChunk()

  /// The client's address and port, for the log and forwarding.
  var remoteAddress: SocketAddress? { get }

  /// The event loop that the connection lives on.
  var eventLoop: any EventLoop { get }
}

extension ResponseWriter {
  /// Aborts: only HTTP/1.1 can switch a connection over (RFC 9113 section 8.6).
  public func startWebSocket(lines: UnsafeRawBufferPointer) { abort() }
}

/// The proxy's side of one request that could not be answered at once.
///
/// Confined to the connection's event loop; the connection holds it until the response has ended.
public protocol RequestExchange: AnyObject {
  /// A piece of the request's content that ``ResponseWriter/requestBodyChunk()`` asked for.
  func receiveBody(_ chunk: ByteBuffer)
  /// The end of the request's content, with trailers if the client sent any.
  func receiveBodyEnd(trailers: FieldBlock?)
  /// The client takes bytes again after ``ResponseWriter/isWritable`` was false.
  func outputDrained()
  /// The client is gone, or broke the protocol while its content was read, or was too slow: the
  /// writer is dead already. The exchange cancels what nobody else waits for.
  func clientClosed(_ reason: ClientCloseReason)
}

/// Why a connection ended under a request.
public enum ClientCloseReason: Sendable, Equatable {
  /// The client closed or reset the connection.
  case disconnected
  /// The client sent malformed or oversized content; the writer answered if it still could.
  case badContent(RequestFault)
  /// The client stopped sending or taking bytes for longer than the limit.
  case timedOut
  /// The server shuts down and the drain limit has passed.
  case shutdown
}

/// What the front asks about every request; one instance an event loop.
public protocol RequestResponder: AnyObject {
  /// The exchange of a request that is not answered at once.
  associatedtype Exchange: RequestExchange

  /// Answers a request, or begins to.
  ///
  /// Returns nil when the whole response has been handed to `writer` during the call (a hit in
  /// memory, a refusal): no object exists for such a request, and nothing further is called.
  func respond<Writer: ResponseWriter>(to head: RequestHead, writer: Writer) -> Exchange?

  /// Called for what the front refused before it became a request, so that log and metrics see it.
  /// The connection has already answered with the fault's status, where its protocol can.
  func refused(_ request: RefusedRequest)

  /// Writes for an answer that the front gives by itself the field lines by which the responder's
  /// own refusals tell of themselves, each ended by CR LF.
  func describe(_ fault: RequestFault, into lines: inout ByteBuffer)
}

/// What is known of a request that the front refused: often not even a whole head.
public struct RefusedRequest: Sendable {
  /// Why.
  public var fault: RequestFault
  /// The protocol that it came, or would have come, in.
  public var version: HTTPVersion
  /// Whether it came over TLS.
  public var isSecure: Bool
  /// The client's address and port.
  public var remoteAddress: SocketAddress?

  /// A refused request of these parts.
  public init(
    fault: RequestFault, version: HTTPVersion, isSecure: Bool, remoteAddress: SocketAddress?
  ) {
    self.fault = fault
    self.version = version
    self.isSecure = isSecure
    self.remoteAddress = remoteAddress
  }
}
