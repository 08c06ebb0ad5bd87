import HTTPMessage
import NIOCore

/// The connection that a handler carries bytes for, whichever protocol it speaks. Two classes
/// behind one pointer: a switch a call, where a protocol would cost a look-up.
enum HTTPConnection<Responder: RequestResponder> {
  case http1(HTTP1Connection<Responder>)
  case http2(HTTP2Connection<Responder>)

  @inline(__always)
  func receive(_ buffer: ByteBuffer, now: NIODeadline) {
    switch self {
    case .http1(let connection): connection.receive(buffer, now: now)
    case .http2(let connection): connection.receive(buffer, now: now)
    }
  }

  @inline(__always)
  var hasOutput: Bool {
    switch self {
    case .http1(let connection): connection.hasOutput
    case .http2(let connection): connection.hasOutput
    }
  }

  @inline(__always)
  var isOutputSingle: Bool {
    switch self {
    case .http1(let connection): connection.isOutputSingle
    case .http2(let connection): connection.isOutputSingle
    }
  }

  @inline(__always)
  func takeOutput(_ send: (ByteBuffer) -> Void) {
    switch self {
    case .http1(let connection): connection.takeOutput(send)
    case .http2(let connection): connection.takeOutput(send)
    }
  }

  @inline(__always)
  var wantsRead: Bool {
    switch self {
    case .http1(let connection): connection.wantsRead
    case .http2(let connection): connection.wantsRead
    }
  }

  @inline(__always)
  var closeIntent: ConnectionCloseIntent {
    switch self {
    case .http1(let connection): connection.closeIntent
    case .http2(let connection): connection.closeIntent
    }
  }

  @inline(__always)
  var restsUntil: NIODeadline {
    switch self {
    case .http1(let connection): connection.restsUntil
    case .http2(let connection): connection.restsUntil
    }
  }

  var isCutShort: Bool {
    switch self {
    case .http1(let connection): connection.isCutShort
    case .http2(let connection): connection.isCutShort
    }
  }

  func setTransport(_ transport: (any ConnectionTransport)?) {
    switch self {
    case .http1(let connection): connection.transport = transport
    case .http2(let connection): connection.transport = transport
    }
  }

  func setTransportWritable(_ isWritable: Bool, now: NIODeadline) {
    switch self {
    case .http1(let connection): connection.setTransportWritable(isWritable, now: now)
    case .http2(let connection): connection.setTransportWritable(isWritable, now: now)
    }
  }

  func endInput(now: NIODeadline) {
    switch self {
    case .http1(let connection): connection.endInput(now: now)
    case .http2(let connection): connection.endInput(now: now)
    }
  }

  func resume(now: NIODeadline) {
    switch self {
    case .http1(let connection): connection.resume(now: now)
    case .http2(let connection): connection.resume(now: now)
    }
  }

  func tick(now: NIODeadline, unsentBytes: Int) {
    switch self {
    case .http1(let connection): connection.tick(now: now, unsentBytes: unsentBytes)
    case .http2(let connection): connection.tick(now: now, unsentBytes: unsentBytes)
    }
  }

  func beginDrain(now: NIODeadline) {
    switch self {
    case .http1(let connection): connection.beginDrain(now: now)
    case .http2(let connection): connection.beginDrain(now: now)
    }
  }

  func reject(_ fault: RequestFault, lingers: Bool) {
    switch self {
    case .http1(let connection): connection.reject(fault, lingers: lingers)
    case .http2(let connection): connection.reject(fault, lingers: lingers)
    }
  }

  func close(_ reason: ClientCloseReason) {
    switch self {
    case .http1(let connection): connection.close(reason)
    case .http2(let connection): connection.close(reason)
    }
  }
}

/// How a connection's protocol is known.
enum ProtocolChoice {
  /// By its first bytes: HTTP/2's preface (RFC 9113 section 3.4), or else HTTP/1.1. The upgrade
  /// of HTTP/1.1 to `h2c` is not supported.
  case byPreface
  /// By what ALPN agreed on, or because HTTP/2 is switched off.
  case http1
  /// By what ALPN agreed on.
  case http2
}

/// Holds back a connection's first bytes until they tell HTTP/2 from HTTP/1.1: at most 24.
struct PrefaceMatcher {
  private static let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

  enum Result { case undecided, http1, http2 }

  private var held = ByteBuffer()

  /// Takes bytes; unless undecided, `buffer` is afterwards all that has come.
  mutating func decide(_ buffer: inout ByteBuffer) -> Result {
    if held.readableBytes > 0 {
      held.writeImmutableBuffer(buffer)
      buffer = held
      held = ByteBuffer()
    }
    let count = Self.preface.utf8CodeUnitCount
    let preface = UnsafeRawBufferPointer(start: Self.preface.utf8Start, count: count)
    let matches = buffer.withUnsafeReadableBytes {
      $0.prefix(count).elementsEqual(preface.prefix($0.count))
    }
    guard matches else { return .http1 }
    guard buffer.readableBytes < count else { return .http2 }
    held = buffer.compacted()
    return .undecided
  }

  /// What is held when no more comes; nil for nothing.
  mutating func giveUp() -> ByteBuffer? {
    guard held.readableBytes > 0 else { return nil }
    defer { held = ByteBuffer() }
    return held
  }
}
