import CNghttp2
import HTTPMessage
import NIOCore

/// Where an HTTP/2 connection stands.
enum HTTP2Phase {
  /// Requests are taken and answered.
  case open
  /// GOAWAY is out; what still comes in is thrown away.
  case closing
  case closed
}

/// How far a graceful end has come (RFC 9113 section 6.8).
enum HTTP2DrainState {
  case none
  /// GOAWAY with the highest stream identifier is out: requests that cross it are still answered.
  case announced(until: NIODeadline)
  /// GOAWAY with the last stream that is answered is out.
  case final
}

/// One HTTP/2 connection but for its responder: bytes in, requests and responses, bytes out. No
/// sockets, no clock, no timers of its own, so that a test, a fuzzer or another transport can drive
/// it. ``HTTP2Connection`` adds the responder; C functions cannot call into a generic type.
///
/// Framing and HPACK are libnghttp2's. Its callbacks lead back here while ``receive(_:now:)`` feeds
/// it or ``sendFrames()`` drains it; requests are answered from within them, which submits frames
/// but sends none.
///
/// Owned by one event loop and confined to it. The driver calls the entry points and looks
/// afterwards at ``takeOutput(_:)``, ``closeIntent`` and ``wantsRead``.
///
/// Invariants: a stream is in `streams` exactly as long as libnghttp2 knows it and a request was
/// begun on it; an exchange is told once that its client is gone, or its response ends. After
/// `closed` no callback touches a stream.
///
/// Limits: the sizes and rates of ``HTTP2Limits``, time by ``tick(now:unsentBytes:)``.
public class HTTP2Session {
  /// Bytes fed to libnghttp2 at once: between two feeds an abuse is noticed.
  private static let feedBytes = 16 << 10

  let limits: ConnectionLimits
  let statistics: ServerStatistics
  let pool: HTTP2Pool
  let isSecure: Bool
  /// Field lines that every response gets, each ended by CR LF; empty for none.
  let ownLines: [UInt8]
  let remoteAddress: SocketAddress?
  let eventLoop: any EventLoop
  /// What its client's address may still ask for; nil for no limit. Set by the driver.
  var client: ClientEntry?
  /// Who carries the bytes; set by the driver, dropped when the connection ends.
  public weak var transport: (any ConnectionTransport)?

  /// Nil when there was no memory for it.
  @exclusivity(unchecked) private(set) var session: OpaquePointer?
  private let memory: UnsafeMutablePointer<edge_h2_memory>
  /// The head rooms of streams that were cut off while libnghttp2 still knew them.
  private var leftHeadRooms: [UnsafeMutableRawPointer] = []

  @exclusivity(unchecked) var phase = HTTP2Phase.open
  @exclusivity(unchecked) var output: OutputQueue
  @exclusivity(unchecked) var streams: [HTTP2Stream] = []
  /// The stream whose head or trailer section is being received; 0 for none.
  var sectionStream: Int32 = 0
  var sectionDeadline: NIODeadline?
  /// The head being received, if one is.
  @exclusivity(unchecked) var reader: HTTP2HeadReader? {
    didSet { fieldReader = reader.map { Unmanaged.passUnretained($0) } }
  }
  /// ``reader`` for each of its fields, without counting a reference each time.
  @exclusivity(unchecked) private(set) var fieldReader: Unmanaged<HTTP2HeadReader>?
  /// The trailer section being received, if one is, and its bytes kept or not.
  var trailers: FieldBlock?
  var trailerBytes = 0

  /// What the driver is to do about closing.
  public internal(set) var closeIntent = ConnectionCloseIntent.none
  /// Never: a response that was cut short ends in RST_STREAM, or without END_STREAM.
  public var isCutShort: Bool { false }
  var drain = HTTP2DrainState.none
  var isDraining = false
  var inputHasEnded = false
  /// Whether the transport takes more bytes.
  var transportIsWritable = true
  /// Whether bytes are being fed: libnghttp2's output must wait.
  var isReceiving = false
  var isPumping = false
  var isInResponder = false
  /// Whether output stopped at its high-water mark with more to come.
  var isSendBlocked = false

  /// Content of requests that nobody has taken yet; the connection's window bounds it.
  var contentBytes = 0
  /// Heads that wait.
  var headBytes = 0
  /// Content of responses that waits, what the store shares with it apart.
  var responseBytes = 0
  /// What the exchanges may be about to write that were told to go on.
  var reservedBytes = 0
  /// Whether some head waits until the connection holds less.
  var holdsHeads = false
  var mayOweDrained = false
  var mayDeliver = false
  var mayBeCut = false
  var rates = HTTP2Rates()
  /// What the client did that ends the connection, once noticed.
  var abuse: HTTP2Abuse?
  /// Whether libnghttp2 has sent GOAWAY with an error.
  var hasFailed = false
  var requestCount = 0

  /// The clock as of the last entry point.
  var now: NIODeadline
  var idleDeadline = NIODeadline.distantFuture
  var lingerDeadline = NIODeadline.distantFuture
  var sendWatch = SendWatch()

  init(
    limits: ConnectionLimits, statistics: ServerStatistics, buffers: OutputBufferPool,
    pool: HTTP2Pool, eventLoop: any EventLoop, remoteAddress: SocketAddress?, isSecure: Bool,
    now: NIODeadline, ownLines: [UInt8]
  ) {
    self.limits = limits
    self.statistics = statistics
    self.pool = pool
    self.isSecure = isSecure
    self.ownLines = ownLines
    self.remoteAddress = remoteAddress
    self.eventLoop = eventLoop
    self.now = now
    output = OutputQueue(pool: buffers)
    memory = .allocate(capacity: 1)
    memory.initialize(
      to: edge_h2_memory(
        pool: pool.memory, used_bytes: 0, limit_bytes: limits.http2.sessionBytes))
    // A new connection has to bring a request soon.
    idleDeadline = now + limits.headerTimeout
    session = edge_h2_session_create(
      pool.callbacks, Unmanaged.passUnretained(self).toOpaque(), pool.options, memory)
    pool.statistics.connections.add()
    submitSettings()
  }

  deinit {
    if let session { nghttp2_session_del(session) }
    for room in leftHeadRooms { edge_h2_release(room, memory) }
    memory.deallocate()
  }

  /// Memory for a stream's response head, which libnghttp2 reads when it makes the frame; counted
  /// with the library's own. Nil beyond the session's limit.
  func takeHeadRoom(of stream: HTTP2Stream, bytes: Int) -> UnsafeMutablePointer<UInt8>? {
    guard let room = edge_h2_allocate(bytes, memory) else { return nil }
    stream.headRoom = room
    return room.assumingMemoryBound(to: UInt8.self)
  }

  /// Gives a stream's head room back: when libnghttp2 has done with the stream, which it has with
  /// its head before.
  func giveBackHeadRoom(of stream: HTTP2Stream) {
    guard let room = stream.headRoom else { return }
    stream.headRoom = nil
    edge_h2_release(room, memory)
  }

  /// Keeps a stream's head room until the session goes: libnghttp2 still points to it.
  func leaveHeadRoom(of stream: HTTP2Stream) {
    guard let room = stream.headRoom else { return }
    stream.headRoom = nil
    leftHeadRooms.append(room)
  }

  private func submitSettings() {
    guard let session else { return failFatally(NGHTTP2_INTERNAL_ERROR) }
    let limits = limits.http2
    let head = self.limits.head
    // What the limits of HTTP/1.1 mean in HTTP/2's way of counting (RFC 9113 section 6.5.2).
    let listBytes = head.headSizeBytes + 28 * head.fieldCount
    let settings = [
      entry(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.concurrentStreams),
      entry(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.streamWindowBytes),
      entry(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, listBytes),
      // Priorities are those of RFC 9218.
      entry(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1),
    ]
    let submitted = nghttp2_submit_settings(
      session, UInt8(NGHTTP2_FLAG_NONE.rawValue), settings, settings.count)
    let widened = nghttp2_session_set_local_window_size(
      session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, Int32(clamping: limits.connectionWindowBytes))
    if submitted != 0 || widened != 0 { failFatally(NGHTTP2_INTERNAL_ERROR) }
  }

  private func entry(_ id: nghttp2_settings_id, _ value: Int) -> nghttp2_settings_entry {
    nghttp2_settings_entry(settings_id: Int32(id.rawValue), value: UInt32(clamping: value))
  }

  /// Hands a request to the responder; nil when the response has ended during the call.
  func respond(to head: RequestHead, stream: HTTP2Stream) -> (any RequestExchange)? {
    preconditionFailure("HTTP2Session has no responder of its own")
  }

  /// Tells the responder of a head that was refused.
  func noteRefused(_ fault: RequestFault) {}

  /// Writes the responder's lines of an answer to `fault`.
  func describe(_ fault: RequestFault, into lines: inout ByteBuffer) {}

  // MARK: Entry points

  /// Takes bytes from the client.
  public func receive(_ buffer: ByteBuffer, now: NIODeadline) {
    self.now = now
    statistics.bytesIn.add(buffer.readableBytes)
    guard phase == .open else { return }
    isReceiving = true
    buffer.withUnsafeReadableBytes { feed($0) }
    isReceiving = false
    pump()
  }

  private func feed(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress, let session else { return }
    var offset = 0
    while offset < bytes.count, phase == .open, abuse == nil {
      let count = min(bytes.count - offset, Self.feedBytes)
      let taken = nghttp2_session_mem_recv(
        session, (base + offset).assumingMemoryBound(to: UInt8.self), count)
      guard taken >= 0 else { return receiveFailed(Int32(truncatingIfNeeded: taken)) }
      offset += count
    }
  }

  /// libnghttp2 cannot go on: its session may only be deleted.
  private func receiveFailed(_ error: Int32) {
    switch error {
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS.rawValue: note(.continuationFlood)
    case NGHTTP2_ERR_FLOODED.rawValue: note(.pingFlood)
    case NGHTTP2_ERR_NOMEM.rawValue: note(.bufferLimit)
    default: pool.statistics.protocolErrors.add()
    }
    abuse.map { pool.statistics.add($0) }
    failFatally(abuse == nil ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_ENHANCE_YOUR_CALM)
  }

  /// The client sends no more bytes; it may still read.
  public func endInput(now: NIODeadline) {
    self.now = now
    inputHasEnded = true
    if phase == .closing {
      if closeIntent == .lingering { closeIntent = .afterOutput }
      return
    }
    // Content that is not here will not come.
    for stream in streams where !stream.requestHasEnded { reset(stream, NGHTTP2_CANCEL) }
    pump()
  }

  /// Goes on after ``ConnectionTransport/scheduleResume()``.
  public func resume(now: NIODeadline) {
    self.now = now
    pump()
  }

  /// The transport takes more bytes, or takes none for now.
  public func setTransportWritable(_ isWritable: Bool, now: NIODeadline) {
    self.now = now
    transportIsWritable = isWritable
    if isWritable { pump() }
  }

  /// Whether there is output to take.
  @inline(__always)
  public var hasOutput: Bool { !output.isEmpty }

  /// Whether the output is one small buffer.
  @inline(__always)
  public var isOutputSingle: Bool { output.isSingle }

  /// Hands over all output, in order. Returns how many bytes that were.
  @discardableResult
  public func takeOutput(_ send: (ByteBuffer) -> Void) -> Int {
    let count = output.byteCount
    guard count > 0 else { return 0 }
    sendWatch.handOver(count)
    statistics.bytesOut.add(count)
    // All of it is taken before any is sent: sending may lead back here.
    let sealed = output.isSingle ? [] : output.takeSealed()
    let tail = output.takeTail()
    for buffer in sealed { send(buffer) }
    if let tail {
      send(tail)
      output.giveBack(tail)
    }
    if isSendBlocked || mayOweDrained || holdsHeads { transport?.scheduleResume() }
    return count
  }

  /// Whether bytes of the client are of use now. Content is held back by windows, not by this; it
  /// holds back a client that has control frames answered and takes no answers.
  public var wantsRead: Bool {
    switch phase {
    case .open: transportIsWritable || output.byteCount < outputMarkBytes
    case .closing: true
    case .closed: false
    }
  }

  /// Whether no request is under way.
  public var isIdle: Bool { streams.isEmpty && output.isEmpty }

  /// Bytes libnghttp2 holds for this connection now.
  public var sessionByteCount: Int { memory.pointee.used_bytes }

  /// Bytes of heads, content and responses held now, output included.
  public var bufferedByteCount: Int {
    contentBytes + headBytes + responseBytes + output.byteCount
  }

  /// Framed bytes from which on no more are framed.
  var outputMarkBytes: Int { min(limits.outputHighWaterBytes, limits.http2.outputBytes * 3 / 4) }
}
