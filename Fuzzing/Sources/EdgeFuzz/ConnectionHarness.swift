import HTTPMessage
import HTTPServer
import NIOCore
import NIOEmbedded

/// Whole connections: the fuzzer is the client, a responder that does a bit of everything answers.
enum ConnectionHarness {
  private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
  nonisolated(unsafe) private static let eventLoop = EmbeddedEventLoop()
  private static let preface =
    Bytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]

  private static func limits() -> ConnectionLimits {
    var limits = ConnectionLimits()
    limits.head = HeadLimits(headSizeBytes: 2048, fieldCount: 16)
    limits.requestBodyBytes = 1 << 16
    return limits
  }

  private static func pieces(_ bytes: Bytes) -> [Bytes] {
    var cuts = Cuts(bytes)
    var start = 0
    return (cuts.places(bytes.count) + [bytes.count]).map { cut in
      defer { start = cut }
      return Bytes(bytes[start..<cut])
    }
  }

  static func http1(_ bytes: Bytes) {
    let responder = BusyResponder()
    let transport = Transport()
    let connection = HTTP1Connection(
      responder: responder, limits: limits(), statistics: ServerStatistics(),
      pool: OutputBufferPool(), eventLoop: eventLoop, remoteAddress: nil, isSecure: false,
      now: start)
    connection.transport = transport
    var output = 0
    func look() {
      while transport.owesResume {
        transport.owesResume = false
        connection.resume(now: start)
      }
      output += connection.takeOutput { _ in }
    }
    for piece in pieces(bytes) where !piece.isEmpty {
      connection.receive(ByteBuffer(bytes: piece), now: start)
      look()
    }
    connection.tick(now: start + .hours(1), unsentBytes: 0)
    look()
    connection.endInput(now: start + .hours(1))
    look()
    // Answers cost a client at least as much as it costs to ask for them: 16 bytes a request.
    require(responder.requestCount <= bytes.count / 16 + 1, "more requests than bytes make")
    require(responder.refusalCount <= 1, "went on behind a fault")
    connection.close(.disconnected)
    require(responder.openExchangeCount == 0, "an exchange was never told of its end")
  }

  static func http2(_ bytes: Bytes) {
    let responder = BusyResponder()
    let transport = Transport()
    let limits = limits()
    let connection = HTTP2Connection(
      responder: responder, limits: limits, statistics: ServerStatistics(),
      buffers: OutputBufferPool(), pool: HTTP2Pool(limits: limits), eventLoop: eventLoop,
      remoteAddress: nil, isSecure: false, now: start, ownLines: [])
    connection.transport = transport
    func look() {
      var goesOn = true
      while goesOn {
        while transport.owesResume {
          transport.owesResume = false
          connection.resume(now: start)
        }
        goesOn = connection.takeOutput { _ in } > 0
      }
    }
    for piece in [preface] + pieces(bytes) where !piece.isEmpty {
      connection.receive(ByteBuffer(bytes: piece), now: start)
      // At most 1 MiB a connection, whatever comes.
      let held = connection.bufferedByteCount + connection.sessionByteCount
      require(held <= 1 << 20, "\(held) bytes are held for one connection")
      look()
    }
    connection.tick(now: start + .hours(1), unsentBytes: 0)
    look()
    connection.endInput(now: start + .hours(1))
    look()
    connection.close(.disconnected)
    require(responder.openExchangeCount == 0, "an exchange was never told of its end")
  }
}

private final class Transport: ConnectionTransport {
  var owesResume = false
  func scheduleResume() { owesResume = true }
}

/// Answers at once, later, streamed, with trailers or not at all, as path and method say.
private final class BusyResponder: RequestResponder {
  var requestCount = 0
  var refusalCount = 0
  var openExchangeCount = 0

  func respond<Writer: ResponseWriter>(to head: RequestHead, writer: Writer) -> BusyExchange? {
    requestCount += 1
    let target = head.text(head.target)
    if head.framing == .none || target.hasPrefix("/now") {
      Self.answer(writer, isHead: head.method == .head, isStreamed: target.hasSuffix("s"))
      return nil
    }
    openExchangeCount += 1
    let exchange = BusyExchange(writer, self, waits: target.hasPrefix("/wait"))
    if !exchange.waits { writer.requestBodyChunk() }
    return exchange
  }

  func refused(_ request: RefusedRequest) { refusalCount += 1 }
  func describe(_ fault: RequestFault, into lines: inout ByteBuffer) {
    lines.writeStaticString("X-Fault: 1\r\n")
  }

  static func answer<Writer: ResponseWriter>(_ writer: Writer, isHead: Bool, isStreamed: Bool) {
    let none = UnsafeRawBufferPointer(start: nil, count: 0)
    if isHead {
      writer.start(
        status: 200, storedLines: none, addedLines: none, framing: .bodyless(contentLength: 5))
    } else if isStreamed {
      writer.writeInformational(status: 103, fields: FieldBlock())
      writer.start(status: 200, storedLines: none, addedLines: none, framing: .streamed)
      writer.write(ByteBuffer(repeating: 0x61, count: 3000))
    } else {
      writer.start(status: 200, storedLines: none, addedLines: none, framing: .length(5))
      writer.write(ByteBuffer(string: "hello"))
    }
    var trailers = FieldBlock()
    trailers.append("X-Sum", "1")
    writer.finish(trailers: isStreamed ? trailers : nil)
  }
}

private final class BusyExchange: RequestExchange {
  private let writer: any ResponseWriter
  private let responder: BusyResponder
  let waits: Bool
  private var hasEnded = false

  init(_ writer: any ResponseWriter, _ responder: BusyResponder, waits: Bool) {
    self.writer = writer
    self.responder = responder
    self.waits = waits
  }

  func receiveBody(_ chunk: ByteBuffer) {
    require(chunk.readableBytes > 0, "an empty piece of content")
    writer.requestBodyChunk()
  }

  func receiveBodyEnd(trailers: FieldBlock?) {
    end()
    BusyResponder.answer(writer, isHead: false, isStreamed: trailers != nil)
  }

  func outputDrained() {}

  func clientClosed(_ reason: ClientCloseReason) { end() }

  private func end() {
    require(!hasEnded, "an exchange was told twice of its end")
    hasEnded = true
    responder.openExchangeCount -= 1
  }
}
