import CCurl
import HTTPMessage
import NIOCore
import Synchronization

/// One fetch: the consumer's handle of it, and its state on the transport's thread.
///
/// `@unchecked Sendable`: what follows "Thread" below is touched by ``thread`` only, what follows
/// "Loop" by ``loop`` only, ``isWaitingForPool`` under the pool's lock; the rest is constant or
/// atomic.
final class CurlTransfer: OriginFetch, @unchecked Sendable {
  /// Where a fetch stands.
  enum Stage { case new, queued, connecting, awaitingResponse, receiving, ended }

  /// What is granted to begin with, and the most one chunk holds.
  static let initialCredit = 64 << 10

  let request: OriginRequest
  let origin: OriginState
  let thread: CurlThread
  let loop: any EventLoop

  /// Bytes of content the consumer will take; below zero by at most one of libcurl's writes.
  private let credit = Atomic<Int>(initialCredit)
  private let isCancelled = Atomic<Bool>(false)

  /// Guarded by the lock of the origin's pool.
  var isWaitingForPool = false

  // Loop.
  private var receiver: (any OriginReceiver)?

  // Thread.
  var stage = Stage.new
  /// Index among the thread's fetches; -1 when it is not among them.
  var index = -1
  var easy: CurlEasy?
  /// Monotonic nanoseconds; `.max` while no limit runs.
  var deadline = UInt64.max
  /// The origin's servers that were tried, as bits.
  var triedServers: UInt64 = 0
  /// How often the request went out.
  private var requestCount = 0
  var isAddressRefused = false
  /// Why the transfer was stopped by this side; libcurl only knows that it was.
  var failure: OriginFailure?
  /// Whether the transfer was stopped because the response is complete, whatever libcurl waits for
  /// or has got besides; its connection ends with it.
  private(set) var isCompleteEarly = false
  /// Whether the origin has switched to the WebSocket protocol: bytes pass as they are, and the
  /// front, which sees both directions, watches over the time.
  private(set) var isSwitched = false
  private(set) var parser: ResponseHeadParser
  private(set) var isReceivePaused = false
  /// The connection that the request went out on; -1 before.
  private var connection: Int32 = -1
  /// Takes the response's content apart when it is chunked.
  private var chunked: ChunkedContent?
  /// Content that this round of the thread has received.
  private var pendingChunk = ByteBuffer()
  private var expectedBytes = 0

  // Thread, the request's content.
  private var outgoing = ByteBuffer()
  private(set) var requestTrailers: FieldBlock?
  private var sentBytes = 0
  private var isBodyAsked = false
  private var isBodyEnded = false
  private(set) var isSendPaused = false

  init(
    request: OriginRequest, origin: OriginState, thread: CurlThread, loop: any EventLoop,
    receiver: any OriginReceiver
  ) {
    self.request = request
    self.origin = origin
    self.thread = thread
    self.loop = loop
    self.receiver = receiver
    parser = ResponseHeadParser(
      limitBytes: thread.configuration.headLimitBytes, fieldLimit: thread.configuration.fieldLimit)
  }

  /// Whether any of the request's content has been handed to libcurl: it cannot be sent again.
  var isBodyConsumed: Bool { sentBytes > 0 }
}

// MARK: - The consumer's side, any thread

extension CurlTransfer {
  func grant(_ bytes: Int) {
    guard bytes > 0 else { return }
    // A bound far above any need, so that repeated boundless grants do not overflow.
    let (before, after) = credit.wrappingAdd(min(bytes, 1 << 40), ordering: .relaxed)
    if before <= 0, after > 0 { thread.mailbox.post(.resume, self) }
  }

  func sendBody(_ chunk: ByteBuffer) { thread.mailbox.post(.body(chunk), self) }

  func endBody(trailers: FieldBlock?) { thread.mailbox.post(.bodyEnd(trailers), self) }

  func cancel() {
    guard !isCancelled.exchange(true, ordering: .relaxed) else { return }
    if loop.inEventLoop { receiver = nil }
    thread.mailbox.post(.cancel, self)
  }
}

// MARK: - The receiver's side, on its loop

extension CurlTransfer {
  func deliver(_ event: TransferEvent.Content) {
    guard let receiver else { return }
    if isCancelled.load(ordering: .relaxed) {
      self.receiver = nil
      return
    }
    switch event {
    case .informational(let status, let fields):
      receiver.originInformational(status: status, fields: fields)
    case .head(let head):
      receiver.originHead(head)
    case .chunk(let chunk):
      receiver.originChunk(chunk)
    case .wantsBody:
      receiver.originWantsBody()
    case .end(let trailers):
      self.receiver = nil
      receiver.originEnd(trailers: trailers)
    case .failed(let failure):
      self.receiver = nil
      receiver.originFailed(failure)
    case .dropped:
      self.receiver = nil
    }
  }
}

// MARK: - libcurl's callbacks, on the thread

extension CurlTransfer {
  /// Makes it ready for a server.
  func attach(_ easy: CurlEasy) {
    self.easy = easy
    stage = .connecting
    deadline = .max
    requestCount = 0
    isAddressRefused = false
    isReceivePaused = false
    isSendPaused = false
    connection = -1
    chunked = nil
    parser.start(
      answersHead: request.method == .head, allowsWebSocket: request.asksForWebSocket)
  }

  /// The request is about to go out. False stops it: libcurl would send a request a second time
  /// over a new connection when a reused one turns out closed, whatever the method; only what may
  /// be repeated is (RFC 9110 section 9.2.2).
  func requestBegins(on connection: Int32) -> Bool {
    self.connection = connection
    requestCount += 1
    if requestCount > 1, !request.method.isIdempotent || isBodyConsumed {
      failure = OriginFailure(.reset, detail: "reused connection closed; not repeated")
      return false
    }
    stage = .awaitingResponse
    thread.arm(self, after: origin.limits.firstByte)
    return true
  }

  /// One line of the head or the trailers; false stops the transfer.
  func receiveHeaderLine(_ line: UnsafeRawBufferPointer) -> Bool {
    if stage == .awaitingResponse { stage = .receiving }
    thread.tookAnswer(line.count, from: connection)
    thread.arm(self, after: origin.limits.idle)
    do {
      guard let event = try parser.receive(line) else { return true }
      switch event {
      case .informational(let status, let fields):
        // The final response has the whole of its own time.
        thread.arm(self, after: origin.limits.firstByte)
        thread.emit(self, .informational(status: status, fields: fields))
      case .head(let head):
        return receiveHead(head)
      }
      return true
    } catch {
      failure = OriginFailure(error.failureKind, detail: error.rawValue)
      return false
    }
  }

  private func receiveHead(_ head: OriginResponseHead) -> Bool {
    expectedBytes = head.contentLength ?? 0
    thread.emit(self, .head(head))
    if request.asksForWebSocket {
      if head.status == 101 {
        isSwitched = true
        deadline = .max
        askForBody()
      } else {
        // The request stays one without content.
        isBodyEnded = true
        if isSendPaused { thread.noteUnwantedBody(of: self) }
      }
      return true
    }
    // libcurl would wait for content after such a head: for what a 204 or 304 announces against the
    // rules, and for a HEAD's that it knows as an upload.
    if parser.announcesWrongContent
      || (parser.hasNoContent && request.method == .head && sendsContent)
    {
      isCompleteEarly = true
      return false
    }
    if parser.isChunked {
      chunked = ChunkedContent(
        fieldLimit: thread.configuration.fieldLimit,
        headLimitBytes: thread.configuration.headLimitBytes)
    }
    // libcurl sends no more content after such a head, but 7.88 waits for it all the same while
    // sending is paused.
    if head.status >= 300, isSendPaused { thread.noteUnwantedBody(of: self) }
    return true
  }

  /// libcurl waits for nothing on the connection any more. Where it has switched over, and neither
  /// the consumer is behind nor the client, that is how the origin's end of it shows (7.88 waits
  /// for content to send, and looks at nothing meanwhile).
  func socketAbandoned() {
    guard isSwitched, isSendPaused, !isReceivePaused else { return }
    thread.noteUnwantedBody(of: self)
  }

  /// The origin has answered without waiting for the rest of the request's content.
  func stopSending() {
    guard isSendPaused else { return }
    isSendPaused = false
    isBodyEnded = true
    updatePause()
  }

  private var sendsContent: Bool {
    switch request.framing {
    case .none, .length(0): false
    case .length, .streamed: true
    }
  }

  enum ReceiveResult { case taken, pause, abort }

  /// Content as it stands on the wire; `pause` when the consumer must take some first, and libcurl
  /// keeps it.
  func receiveContent(_ content: UnsafeRawBufferPointer) -> ReceiveResult {
    guard credit.load(ordering: .relaxed) > 0 else {
      isReceivePaused = true
      deadline = .max
      return .pause
    }
    isReceivePaused = false
    thread.tookAnswer(content.count, from: connection)
    if !isSwitched { thread.arm(self, after: origin.limits.idle) }
    if chunked != nil { return receiveChunked(content) }
    gather(content)
    return .taken
  }

  private func receiveChunked(_ bytes: UnsafeRawBufferPointer) -> ReceiveResult {
    do {
      let progress = try chunked?.receive(bytes) { content in
        content.withUnsafeReadableBytes { gather($0) }
      }
      guard case .exceeded? = progress else { return .taken }
      isCompleteEarly = true
    } catch {
      failure = OriginFailure(.malformed, detail: error.rawValue)
    }
    return .abort
  }

  private func gather(_ content: UnsafeRawBufferPointer) {
    credit.wrappingSubtract(content.count, ordering: .relaxed)
    let limit = Self.initialCredit
    if pendingChunk.readableBytes + content.count > limit { flushContent() }
    if pendingChunk.readableBytes == 0 {
      // Exactly what is expected, or what came; a full piece hints at more of its kind.
      let hint = content.count >= Int(CURL_MAX_WRITE_SIZE) ? limit : content.count
      pendingChunk.reserveCapacity(max(content.count, min(max(expectedBytes, hint), limit)))
      thread.noteContent(of: self)
    }
    pendingChunk.writeBytes(content)
    expectedBytes -= content.count
  }

  /// Sends what has gathered to the receiver.
  func flushContent() {
    guard pendingChunk.readableBytes > 0 else { return }
    let chunk = pendingChunk
    pendingChunk = ByteBuffer()
    thread.emit(self, .chunk(chunk))
  }

  /// The trailer fields of a complete response.
  var trailers: FieldBlock? { chunked?.trailers }

  /// Whether libcurl calls a response complete whose last chunk has not come.
  var lacksLastChunk: Bool { chunked?.isWhole == false }
}

// MARK: - The request's content, on the thread

extension CurlTransfer {
  enum SendResult { case sent(Int), pause, abort }

  /// Copies content to `space`, or asks for some. `.sent(0)` ends the content.
  func sendContent(into space: UnsafeMutableRawBufferPointer) -> SendResult {
    if outgoing.readableBytes == 0 {
      // Nothing goes out behind a handshake that the origin has not taken.
      if request.asksForWebSocket, !isSwitched, !isBodyEnded {
        isSendPaused = true
        return .pause
      }
      if isSwitched, isBodyEnded {
        // One side has ended, and all that it sent is out: so does the other.
        isCompleteEarly = true
        return .abort
      }
      guard isBodyEnded else {
        askForBody()
        isSendPaused = true
        // It is the client that is waited for; its own limits run.
        if stage == .awaitingResponse { deadline = .max }
        return .pause
      }
      if case .length(let length) = request.framing, sentBytes != length {
        failure = OriginFailure(.badRequestBody, detail: "content shorter than declared")
        return .abort
      }
      if let requestTrailers, !requestTrailers.isEmpty { easy?.sendTrailers() }
      return .sent(0)
    }
    let count = outgoing.readWithUnsafeReadableBytes { bytes in
      let count = min(bytes.count, space.count)
      space.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
      return (count, count)
    }
    sentBytes += count
    if case .length(let length) = request.framing {
      guard sentBytes <= length else {
        failure = OriginFailure(.badRequestBody, detail: "content longer than declared")
        return .abort
      }
      if sentBytes == length { isBodyEnded = true }
    }
    if outgoing.readableBytes == 0, !isBodyEnded { askForBody() }
    if stage == .awaitingResponse { thread.arm(self, after: origin.limits.firstByte) }
    return .sent(count)
  }

  private func askForBody() {
    guard !isBodyAsked else { return }
    isBodyAsked = true
    thread.emit(self, .wantsBody)
  }

  /// A piece of content came from the consumer.
  func receiveBody(_ chunk: ByteBuffer) {
    isBodyAsked = false
    guard !isBodyEnded else { return }
    if outgoing.readableBytes == 0 {
      outgoing = chunk
    } else {
      outgoing.writeImmutableBuffer(chunk)
    }
    // An empty piece is no end: ask again.
    if outgoing.readableBytes == 0 { askForBody() } else { resumeSending() }
  }

  func receiveBodyEnd(trailers: FieldBlock?) {
    isBodyAsked = false
    isBodyEnded = true
    requestTrailers = trailers
    resumeSending()
  }

  private func resumeSending() {
    guard isSendPaused else { return }
    isSendPaused = false
    if stage == .awaitingResponse { thread.arm(self, after: origin.limits.firstByte) }
    updatePause()
  }

  /// The consumer takes content again.
  func resumeReceiving() {
    guard isReceivePaused, credit.load(ordering: .relaxed) > 0 else { return }
    isReceivePaused = false
    if !isSwitched { thread.arm(self, after: origin.limits.idle) }
    updatePause()
  }

  /// Tells libcurl which directions stand still. It may call back with content it had kept.
  private func updatePause() {
    guard let easy else { return }
    let mask = (isReceivePaused ? CURLPAUSE_RECV : 0) | (isSendPaused ? CURLPAUSE_SEND : 0)
    // libcurl hands over what it kept, but nobody hears of it when that is refused.
    if curl_easy_pause(easy.handle, mask) != CURLE_OK { thread.noteRefused(self) }
  }
}
