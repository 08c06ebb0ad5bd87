import HTTPMessage
import HTTPServer
import NIOCore
import NIOEmbedded

/// An exchange that notes what it is told and does what the test says.
final class ScriptedExchange: RequestExchange {
  let writer: any ResponseWriter
  var content = ""
  var trailers: FieldBlock?
  var hasEnded = false
  var drainedCount = 0
  var closeReason: ClientCloseReason?
  /// Whether it asks for the next piece whenever one has come.
  var pullsOn = false
  var onEnd: ((ScriptedExchange) -> Void)?

  init(_ writer: any ResponseWriter) {
    self.writer = writer
  }

  func receiveBody(_ chunk: ByteBuffer) {
    content += String(buffer: chunk)
    if pullsOn { writer.requestBodyChunk() }
  }

  func receiveBodyEnd(trailers: FieldBlock?) {
    self.trailers = trailers
    hasEnded = true
    onEnd?(self)
  }

  func outputDrained() { drainedCount += 1 }

  func clientClosed(_ reason: ClientCloseReason) { closeReason = reason }
}

/// A responder that does what the test says; by default it answers `200` with the target at once.
final class ScriptedResponder: RequestResponder {
  var targets: [String] = []
  var faults: [RequestFault] = []
  /// The versions that the faulty requests came in.
  var versions: [HTTPVersion] = []
  /// The exchanges of the requests that were not answered at once.
  var exchanges: [ScriptedExchange] = []
  var answer: (RequestHead, any ResponseWriter) -> Bool = { head, writer in
    writer.answer(head.text(head.target), to: head)
    return true
  }

  func respond<Writer: ResponseWriter>(to head: RequestHead, writer: Writer) -> ScriptedExchange? {
    targets.append(head.text(head.target))
    if answer(head, writer) { return nil }
    let exchange = ScriptedExchange(writer)
    exchanges.append(exchange)
    return exchange
  }

  func refused(_ request: RefusedRequest) {
    faults.append(request.fault)
    versions.append(request.version)
  }

  func describe(_ fault: RequestFault, into lines: inout ByteBuffer) {
    lines.writeString("X-Fault: \(fault.status)\r\n")
  }
}

extension ResponseWriter {
  func head(_ status: Int, _ framing: ResponseFraming, _ lines: String = "") {
    Array(lines.utf8).withUnsafeBytes {
      start(
        status: status, storedLines: $0,
        addedLines: UnsafeRawBufferPointer(start: nil, count: 0), framing: framing)
    }
  }

  func text(_ text: String) { Array(text.utf8).withUnsafeBytes { write(bytes: $0) } }

  func answer(_ body: String, to request: RequestHead) {
    if request.method == .head {
      head(200, .bodyless(contentLength: body.utf8.count))
    } else {
      head(200, .length(body.utf8.count))
      text(body)
    }
    finish(trailers: nil)
  }
}

/// A connection without a socket: the test is the client, the transport and the clock.
final class ScriptedConnection: ConnectionTransport {
  let responder = ScriptedResponder()
  let statistics = ServerStatistics()
  let connection: HTTP1Connection<ScriptedResponder>
  private(set) var now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
  private(set) var resumes = 0
  /// How often output was taken that was there, and in how many buffers the last time.
  private(set) var bufferCounts: [Int] = []

  init(ownLines: String = "", _ change: (inout ConnectionLimits) -> Void = { _ in }) {
    var limits = ConnectionLimits()
    change(&limits)
    connection = HTTP1Connection(
      responder: responder, limits: limits, statistics: statistics, pool: OutputBufferPool(),
      eventLoop: EmbeddedEventLoop(), remoteAddress: nil, isSecure: false, now: now,
      ownLines: Array(ownLines.utf8))
    connection.transport = self
  }

  func scheduleResume() { resumes += 1 }

  /// Sends bytes to the server and returns what it answers.
  @discardableResult
  func send(_ text: String) -> String {
    connection.receive(ByteBuffer(string: text), now: now)
    return output()
  }

  /// What the server has sent since the last look, after it had the chance to go on.
  func output() -> String {
    while resumes > 0 {
      resumes = 0
      connection.resume(now: now)
    }
    return taken()
  }

  func taken() -> String {
    var text = ""
    var count = 0
    connection.takeOutput {
      text += String(buffer: $0)
      count += 1
    }
    if count > 0 { bufferCounts.append(count) }
    return text
  }

  /// Lets time pass; `unsent` of the bytes taken are still with the transport.
  @discardableResult
  func pass(_ time: TimeAmount, unsent: Int = 0) -> String {
    now = now + time
    connection.tick(now: now, unsentBytes: unsent)
    return output()
  }

  func endInput() -> String {
    connection.endInput(now: now)
    return output()
  }
}

func get(_ target: String, _ lines: String = "") -> String {
  "GET \(target) HTTP/1.1\r\nHost: a\r\n\(lines)\r\n"
}

func ok(_ body: String, _ lines: String = "") -> String {
  "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\(lines)\r\n\(body)"
}
