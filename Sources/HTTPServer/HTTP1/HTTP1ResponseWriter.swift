import HTTPMessage
import NIOCore

/// What a writer forwards to: the connection, whatever its responder.
protocol HTTP1ResponseTarget: AnyObject {
  var contentBytesWritten: Int { get }
  func writeInformational(status: Int, fields: FieldBlock)
  func start(
    status: Int, storedLines: UnsafeRawBufferPointer, addedLines: UnsafeRawBufferPointer,
    framing: ResponseFraming)
  func startWebSocket(lines: UnsafeRawBufferPointer)
  func write(bytes: UnsafeRawBufferPointer)
  func write(_ chunk: ByteBuffer)
  func finish(trailers: FieldBlock?)
  func abort()
  func checkWritable() -> Bool
  func requestBodyChunk()
}

/// The writer that a responder and its exchange hold: it speaks for one request and no other.
///
/// The connection makes one and gives it to request after request as long as nobody keeps it, so
/// a hit allocates none. Where an exchange keeps it, it is cut off when the response ends and the
/// next request gets another: a late call of an exchange reaches nothing and does nothing.
///
/// Not generic, though the connection is: a responder is handed a type that needs no look-up at
/// run time (two percent of a hit).
public final class HTTP1ResponseWriter: ResponseWriter {
  /// Nil once the response has ended or the client is gone.
  private var connection: (any HTTP1ResponseTarget)?
  private var contentBytes = 0
  /// The client's address and port.
  public let remoteAddress: SocketAddress?
  /// The connection's event loop.
  public let eventLoop: any EventLoop

  init(
    connection: any HTTP1ResponseTarget, remoteAddress: SocketAddress?,
    eventLoop: any EventLoop
  ) {
    self.connection = connection
    self.remoteAddress = remoteAddress
    self.eventLoop = eventLoop
  }

  /// Cuts the writer off from its connection.
  func detach() {
    guard let connection else { return }
    contentBytes = connection.contentBytesWritten
    self.connection = nil
  }

  /// Sends an interim response; a client of HTTP/1.0 gets none.
  public func writeInformational(status: Int, fields: FieldBlock) {
    connection?.writeInformational(status: status, fields: fields)
  }

  /// Sends the final response's head.
  public func start(
    status: Int, storedLines: UnsafeRawBufferPointer, addedLines: UnsafeRawBufferPointer,
    framing: ResponseFraming
  ) {
    connection?.start(
      status: status, storedLines: storedLines, addedLines: addedLines, framing: framing)
  }

  /// Switches the connection to the WebSocket protocol.
  public func startWebSocket(lines: UnsafeRawBufferPointer) {
    connection?.startWebSocket(lines: lines)
  }

  /// Sends content by copying it.
  public func write(bytes: UnsafeRawBufferPointer) {
    connection?.write(bytes: bytes)
  }

  /// Sends content; a large buffer goes without a copy.
  public func write(_ chunk: ByteBuffer) {
    connection?.write(chunk)
  }

  /// Ends the response. Fewer bytes than declared make it an ``abort()``.
  public func finish(trailers: FieldBlock?) {
    connection?.finish(trailers: trailers)
  }

  /// Ends a response that cannot be completed.
  public func abort() {
    connection?.abort()
  }

  /// Whether the client takes more without piling up bytes; false once the response has ended.
  public var isWritable: Bool { connection?.checkWritable() ?? false }

  /// Bytes of content handed over so far; stays readable after the end.
  public var contentBytesWritten: Int { connection?.contentBytesWritten ?? contentBytes }

  /// Asks for the next piece of the request's content.
  public func requestBodyChunk() {
    connection?.requestBodyChunk()
  }
}
