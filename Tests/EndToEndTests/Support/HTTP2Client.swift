import Foundation

/// A client that writes HTTP/2 frames byte by byte, in clear text with prior knowledge, so that it
/// can break every rule (RFC 9113 section 4).
final class HTTP2Client {
  enum Kind: UInt8 {
    case data, headers, priority, reset, settings, pushPromise, ping, goAway, windowUpdate
  }

  /// How one stream ended.
  enum Outcome: Equatable {
    /// Answered, with this first field block.
    case answered([UInt8])
    case reset
    /// The connection ended.
    case closed

    /// The first field block of the answer; nil without one.
    var head: [UInt8]? { if case .answered(let head) = self { head } else { nil } }
  }

  static let endStream: UInt8 = 0x1
  static let endHeaders: UInt8 = 0x4
  /// `:status: 200` in HPACK's static table (RFC 7541, appendix A).
  static let ok: UInt8 = 0x88

  private let socket: RawSocket
  private var unread: [UInt8] = []

  /// Connects and says hello.
  init(port: Int) throws {
    socket = try RawSocket(port: port)
    socket.send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + Self.frame(.settings, 0, 0, []))
  }

  func send(_ frames: [UInt8]...) { socket.send(frames.flatMap { $0 }) }

  static func word(_ number: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
  }

  static func frame(
    _ kind: Kind, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]
  ) -> [UInt8] {
    word(UInt32(payload.count)).dropFirst() + [kind.rawValue, flags] + word(stream) + payload
  }

  /// Field lines as they are, nothing compressed (RFC 7541 section 6.2.2); each line's name and
  /// value are parted by the first `: ` behind its first byte.
  static func block(_ lines: [String]) -> [UInt8] {
    lines.flatMap { line -> [UInt8] in
      let bytes = Array(line.utf8)
      let parting = bytes.dropFirst().firstRange(of: Array(": ".utf8))
      let name = bytes[..<(parting?.lowerBound ?? bytes.count)]
      let value = bytes[(parting?.upperBound ?? bytes.count)...]
      return [0] + text(name) + text(value)
    }
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    guard bytes.count >= 127 else { return [UInt8(bytes.count)] + bytes }
    var number: [UInt8] = [127]
    var rest = bytes.count - 127
    while rest >= 128 {
      number.append(UInt8(rest & 127) | 128)
      rest >>= 7
    }
    return number + [UInt8(rest)] + bytes
  }

  static func headers(_ stream: UInt32, _ lines: [String], ends: Bool) -> [UInt8] {
    frame(.headers, endHeaders | (ends ? endStream : 0), stream, block(lines))
  }

  /// One frame; nil at the end of the connection, or when nothing came for long.
  func nextFrame() -> (kind: UInt8, flags: UInt8, stream: UInt32, payload: [UInt8])? {
    while true {
      if unread.count >= 9 {
        let count = unread[..<3].reduce(0) { $0 << 8 | Int($1) }
        if unread.count >= 9 + count {
          let frame = (
            unread[3], unread[4], unread[5..<9].reduce(0) { $0 << 8 | UInt32($1) },
            Array(unread[9..<(9 + count)])
          )
          unread.removeFirst(9 + count)
          return frame
        }
      }
      let bytes = socket.receive()
      if bytes.isEmpty { return nil }
      unread += bytes
    }
  }

  /// Reads until a stream has come to its end, one way or the other.
  func outcome(of stream: UInt32) -> Outcome {
    var head: [UInt8]?
    while let frame = nextFrame() {
      guard frame.stream == stream else { continue }
      if frame.kind == Kind.reset.rawValue { return .reset }
      if frame.kind == Kind.headers.rawValue, head == nil { head = frame.payload }
      if frame.flags & Self.endStream != 0, frame.kind <= Kind.headers.rawValue {
        return .answered(head ?? [])
      }
    }
    return .closed
  }

  /// Reads until so many bytes of content have come, or all; how many that were.
  func receiveContent(_ count: Int) -> Int {
    var contentBytes = 0
    while contentBytes < count, let frame = nextFrame() {
      guard frame.kind == Kind.data.rawValue else { continue }
      contentBytes += frame.payload.count
      if frame.flags & Self.endStream != 0 { break }
    }
    return contentBytes
  }

  /// Lets the server send so many bytes more, on a stream or on the whole connection (0).
  func widen(_ stream: UInt32, _ bytes: Int) {
    send(Self.frame(.windowUpdate, 0, stream, Self.word(UInt32(bytes))))
  }

  /// Reads what comes until the server has answered a PING: all that it had to do before is done.
  /// Returns the bytes of content that came meanwhile.
  func settle() -> Int {
    send(Self.frame(.ping, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]))
    var contentBytes = 0
    while let frame = nextFrame() {
      if frame.kind == Kind.data.rawValue { contentBytes += frame.payload.count }
      if frame.kind == Kind.ping.rawValue { break }
    }
    return contentBytes
  }
}
