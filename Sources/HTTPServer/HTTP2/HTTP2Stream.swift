import HTTPMessage
import NIOCore

/// How far a stream's response has come.
enum HTTP2ResponseState {
  /// No request yet, or the response has ended: nobody may write.
  case none
  /// The head has not been sent.
  case awaited
  case counted(remaining: Int)
  case streamed
  case bodyless
}

/// One stream of an HTTP/2 connection, and at the same time the writer that a responder and its
/// exchange hold: it speaks for one request and no other.
///
/// Held by its session as long as libnghttp2 knows the stream. Afterwards it goes back to the
/// loop's pool, unless somebody still holds it: then it stays cut off, and a late call of an
/// exchange reaches nothing and does nothing. Confined to the connection's event loop.
public final class HTTP2Stream: ResponseWriter {
  /// The client's address and port.
  public internal(set) var remoteAddress: SocketAddress?
  /// The connection's event loop.
  public let eventLoop: any EventLoop
  /// Bytes of content handed over so far; stays readable after the end.
  public internal(set) var contentBytesWritten = 0

  /// Nil before the stream has a connection and after it has ended.
  @exclusivity(unchecked) var session: HTTP2Session?
  var id: Int32 = 0
  /// Its place in the session's list.
  var index = 0
  var exchange: (any RequestExchange)?
  @exclusivity(unchecked) var response = HTTP2ResponseState.none

  /// The bytes of the response's head, as long as libnghttp2 may read them; the session's memory.
  var headRoom: UnsafeMutableRawPointer?

  // The response's content:
  @exclusivity(unchecked) var pending = HTTP2BodyQueue()
  /// Bytes of `pending` that count towards the connection's limit.
  var countedBytes = 0
  /// Whether all content has been handed over.
  var hasAllContent = false
  var trailers: FieldBlock?
  /// Whether libnghttp2 waits to be told that there is content again.
  var isDeferred = false
  /// What its exchange may be about to write.
  var reservedBytes = 0
  /// Whether the exchange was told to hold back and waits for `outputDrained()`.
  var owesDrained = false

  // The request:
  /// Whether it is a HEAD, whose answer has no content.
  var isHeadRequest = false
  /// A head that waits until the connection holds less.
  var heldHead: RequestHead?
  var heldBytes = 0
  var content = ByteBuffer()
  var contentBytesReceived = 0
  var requestHasEnded = false
  var requestTrailers: FieldBlock?
  var wantsContent = false
  var owesContinue = false

  /// Whether a RST_STREAM that is sent is this side's own wish.
  var isResetOurs = false
  var isResetByClient = false
  /// Whether its exchange is to be told that the client could not follow.
  var isCut = false
  var contentDeadline: NIODeadline?
  var contentMeter = RateMeter()
  var sendDeadline: NIODeadline?
  /// Bytes of content framed since the send deadline was set.
  var progressBytes = 0

  init(eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
  }

  /// Forgets the stream it was, its memory apart.
  func prepareForReuse() {
    remoteAddress = nil
    contentBytesWritten = 0
    session = nil
    exchange = nil
    response = .none
    pending.removeAll()
    countedBytes = 0
    reservedBytes = 0
    hasAllContent = false
    trailers = nil
    isDeferred = false
    owesDrained = false
    isHeadRequest = false
    heldHead = nil
    heldBytes = 0
    if content.capacity > 0 { content = ByteBuffer() }
    contentBytesReceived = 0
    requestHasEnded = false
    requestTrailers = nil
    wantsContent = false
    owesContinue = false
    isResetOurs = false
    isResetByClient = false
    isCut = false
    contentDeadline = nil
    contentMeter.reset()
    sendDeadline = nil
    progressBytes = 0
  }

  // MARK: ResponseWriter

  /// Sends an interim response.
  public func writeInformational(status: Int, fields: FieldBlock) {
    session?.writeInformational(self, status: status, fields: fields)
  }

  /// Sends the final response's head.
  public func start(
    status: Int, storedLines: UnsafeRawBufferPointer, addedLines: UnsafeRawBufferPointer,
    framing: ResponseFraming
  ) {
    session?.start(
      self, status: status, storedLines: storedLines, addedLines: addedLines, framing: framing)
  }

  /// Sends content by copying it.
  public func write(bytes: UnsafeRawBufferPointer) {
    session?.write(self, bytes: bytes)
  }

  /// Sends content; a large buffer goes without a copy.
  public func write(_ chunk: ByteBuffer) {
    session?.write(self, chunk)
  }

  /// Ends the response. Fewer bytes than declared make it an ``abort()``.
  public func finish(trailers: FieldBlock?) {
    session?.finish(self, trailers: trailers)
  }

  /// Ends a response that cannot be completed: RST_STREAM(INTERNAL_ERROR).
  public func abort() {
    session?.abort(self)
  }

  /// Whether the client takes more without piling up bytes; false once the response has ended.
  public var isWritable: Bool { session?.checkWritable(self) ?? false }

  /// Asks for the next piece of the request's content.
  public func requestBodyChunk() {
    session?.requestBodyChunk(self)
  }
}
