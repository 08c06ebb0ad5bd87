import CNghttp2
import HTTPMessage
import HTTPServer
import NIOCore
import NIOEmbedded

/// One HTTP/2 frame as it stands on the wire (RFC 9113 section 4.1).
struct HTTP2Frame: Equatable {
  enum Kind: UInt8 {
    case data, headers, priority, reset, settings, pushPromise, ping, goAway, windowUpdate
    case continuation
    case priorityUpdate = 0x10
    case unknown = 0xFA
  }

  static let endStream: UInt8 = 0x1
  static let acknowledged: UInt8 = 0x1
  static let endHeaders: UInt8 = 0x4
  static let padded: UInt8 = 0x8

  var kind: UInt8
  var flags: UInt8 = 0
  var stream: UInt32 = 0
  var payload: [UInt8] = []

  init(_ kind: Kind, flags: UInt8 = 0, stream: UInt32 = 0, payload: [UInt8] = []) {
    self.kind = kind.rawValue
    self.flags = flags
    self.stream = stream
    self.payload = payload
  }

  var bytes: [UInt8] {
    let count = payload.count
    return [UInt8(count >> 16 & 0xFF), UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF), kind, flags]
      + Self.word(stream) + payload
  }

  func isA(_ kind: Kind) -> Bool { self.kind == kind.rawValue }

  /// The 32-bit number at `offset` of the payload.
  func word(at offset: Int) -> UInt32 {
    payload[offset..<(offset + 4)].reduce(0) { $0 << 8 | UInt32($1) }
  }

  static func word(_ number: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
  }
}

/// What came on one stream.
struct HTTP2Answer {
  var status: Int?
  var fields: [String] = []
  var informational: [[String]] = []
  var trailers: [String]?
  var body: [UInt8] = []
  var hasEnded = false
  var resetCode: UInt32?
  var dataFrames = 0

  var text: String { String(decoding: body, as: UTF8.self) }
}

/// An HTTP/2 connection without a socket: the test is the client, frame by frame, the transport and
/// the clock.
final class HTTP2Peer: ConnectionTransport {
  let responder = ScriptedResponder()
  let statistics = ServerStatistics()
  let pool: HTTP2Pool
  let connection: HTTP2Connection<ScriptedResponder>
  private(set) var now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
  private var resumes = 0
  private var received: [UInt8] = []
  private var inflater: OpaquePointer?
  /// Every frame that came, in order.
  private(set) var frames: [HTTP2Frame] = []
  private(set) var answers: [UInt32: HTTP2Answer] = [:]
  /// Sizes of the buffers that the output came in.
  private(set) var bufferSizes: [Int] = []

  init(
    isOpen: Bool = true, settings: [UInt16: UInt32] = [:], isSecure: Bool = false,
    ownLines: String = "", _ change: (inout ConnectionLimits) -> Void = { _ in }
  ) {
    var limits = ConnectionLimits()
    change(&limits)
    pool = HTTP2Pool(limits: limits)
    connection = HTTP2Connection(
      responder: responder, limits: limits, statistics: statistics, buffers: OutputBufferPool(),
      pool: pool, eventLoop: EmbeddedEventLoop(), remoteAddress: nil, isSecure: isSecure,
      now: now, ownLines: Array(ownLines.utf8))
    nghttp2_hd_inflate_new(&inflater)
    connection.transport = self
    if isOpen { open(settings) }
  }

  deinit { nghttp2_hd_inflate_del(inflater) }

  func scheduleResume() { resumes += 1 }

  // MARK: Sending

  static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  func open(_ settings: [UInt16: UInt32] = [:]) {
    var payload: [UInt8] = []
    for (id, value) in settings {
      payload += [UInt8(id >> 8), UInt8(id & 0xFF)] + HTTP2Frame.word(value)
    }
    send(bytes: Self.preface + HTTP2Frame(.settings, payload: payload).bytes)
    send(HTTP2Frame(.settings, flags: HTTP2Frame.acknowledged))
  }

  func send(bytes: [UInt8]) {
    connection.receive(ByteBuffer(bytes: bytes), now: now)
    look()
  }

  func send(_ frames: HTTP2Frame...) { send(frames: frames) }

  func send(frames: [HTTP2Frame]) { send(bytes: frames.flatMap(\.bytes)) }

  /// Literal fields without indexing, nothing compressed (RFC 7541 section 6.2.2).
  static func block(_ fields: [(String, String)]) -> [UInt8] {
    fields.flatMap { [0] + literal($0.0) + literal($0.1) }
  }

  /// Fields packed with Huffman codes (RFC 7541 section 5.2), by an encoder without memory.
  static func packedBlock(_ fields: [(String, String)]) -> [UInt8] {
    var deflater: OpaquePointer?
    nghttp2_hd_deflate_new(&deflater, 0)
    defer { nghttp2_hd_deflate_del(deflater) }
    return fields.flatMap { name, value -> [UInt8] in
      var (name, value) = (Array(name.utf8), Array(value.utf8))
      var block = [UInt8](repeating: 0, count: name.count + value.count + 64)
      let count = name.withUnsafeMutableBufferPointer { name in
        value.withUnsafeMutableBufferPointer { value in
          var field = nghttp2_nv(
            name: name.baseAddress, value: value.baseAddress, namelen: name.count,
            valuelen: value.count, flags: UInt8(NGHTTP2_NV_FLAG_NO_INDEX.rawValue))
          return nghttp2_hd_deflate_hd(deflater, &block, block.count, &field, 1)
        }
      }
      return Array(block.prefix(max(count, 0)))
    }
  }

  private static func literal(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    guard bytes.count >= 127 else { return [UInt8(bytes.count)] + bytes }
    var result: [UInt8] = [127]
    var rest = bytes.count - 127
    while rest >= 128 {
      result.append(UInt8(rest & 127) | 128)
      rest >>= 7
    }
    return result + [UInt8(rest)] + bytes
  }

  static func request(
    _ path: String, method: String = "GET", _ more: [(String, String)] = []
  ) -> [(String, String)] {
    [(":method", method), (":scheme", "http"), (":path", path), (":authority", "a")] + more
  }

  func headers(_ stream: UInt32, _ fields: [(String, String)], ends: Bool = true) {
    send(Self.headers(stream, fields, ends: ends))
  }

  static func headers(
    _ stream: UInt32, _ fields: [(String, String)], ends: Bool = true
  ) -> HTTP2Frame {
    HTTP2Frame(
      .headers, flags: HTTP2Frame.endHeaders | (ends ? HTTP2Frame.endStream : 0), stream: stream,
      payload: block(fields))
  }

  func get(_ stream: UInt32, _ path: String = "/") { headers(stream, Self.request(path)) }

  func post(_ stream: UInt32, _ more: [(String, String)] = []) {
    headers(stream, Self.request("/", method: "POST", more), ends: false)
  }

  func data(_ stream: UInt32, _ content: [UInt8], ends: Bool = false) {
    var rest = content[...]
    repeat {
      let piece = rest.prefix(16384)
      rest = rest.dropFirst(16384)
      send(
        HTTP2Frame(
          .data, flags: ends && rest.isEmpty ? HTTP2Frame.endStream : 0, stream: stream,
          payload: Array(piece)))
    } while !rest.isEmpty
  }

  func data(_ stream: UInt32, _ text: String, ends: Bool = false) {
    data(stream, Array(text.utf8), ends: ends)
  }

  func reset(_ stream: UInt32, _ code: UInt32 = 8) {
    send(HTTP2Frame(.reset, stream: stream, payload: HTTP2Frame.word(code)))
  }

  func widen(_ stream: UInt32, _ bytes: UInt32) {
    send(HTTP2Frame(.windowUpdate, stream: stream, payload: HTTP2Frame.word(bytes)))
  }

  // MARK: Time and transport

  /// Lets time pass; `unsent` of the bytes taken are still with the transport.
  func pass(_ time: TimeAmount, unsent: Int = 0) {
    now = now + time
    connection.tick(now: now, unsentBytes: unsent)
    look()
  }

  func setWritable(_ isWritable: Bool) {
    connection.setTransportWritable(isWritable, now: now)
    look()
  }

  func drain() {
    connection.beginDrain(now: now)
    look()
  }

  func endInput() {
    connection.endInput(now: now)
    look()
  }

  /// Reads what the server has sent, after it had the chance to go on.
  func look() {
    var goesOn = true
    while goesOn {
      while resumes > 0 {
        resumes = 0
        connection.resume(now: now)
      }
      goesOn =
        connection.takeOutput {
          bufferSizes.append($0.readableBytes)
          received += $0.readableBytesView
        } > 0
    }
    readFrames()
  }

  // MARK: What came

  /// The answer on a stream so far.
  func answer(_ stream: UInt32) -> HTTP2Answer { answers[stream] ?? HTTP2Answer() }

  func frames(_ kind: HTTP2Frame.Kind) -> [HTTP2Frame] { frames.filter { $0.isA(kind) } }

  /// The error code of the last GOAWAY.
  var goAwayCode: UInt32? { frames(.goAway).last?.word(at: 4) }

  private func readFrames() {
    var offset = 0
    while received.count - offset >= 9 {
      let count = received[offset..<(offset + 3)].reduce(0) { $0 << 8 | Int($1) }
      guard received.count - offset >= 9 + count else { break }
      var frame = HTTP2Frame(.unknown)
      frame.kind = received[offset + 3]
      frame.flags = received[offset + 4]
      frame.stream = received[(offset + 5)..<(offset + 9)].reduce(0) { $0 << 8 | UInt32($1) }
      frame.payload = Array(received[(offset + 9)..<(offset + 9 + count)])
      offset += 9 + count
      frames.append(frame)
      note(frame)
    }
    received.removeFirst(offset)
  }

  private func note(_ frame: HTTP2Frame) {
    var answer = answer(frame.stream)
    let ends = frame.flags & HTTP2Frame.endStream != 0
    if frame.isA(.headers) {
      let fields = inflate(frame.payload)
      let status = fields.first.flatMap {
        $0.hasPrefix(":status: ") ? Int($0.dropFirst(9)) : nil
      }
      if let status, status < 200 {
        answer.informational.append(fields)
      } else if let status {
        answer.status = status
        answer.fields = Array(fields.dropFirst())
      } else {
        answer.trailers = fields
      }
      answer.hasEnded = ends
    } else if frame.isA(.data) {
      answer.body += frame.payload
      answer.dataFrames += 1
      answer.hasEnded = ends
    } else if frame.isA(.reset) {
      answer.resetCode = frame.word(at: 0)
    }
    if frame.stream > 0 { answers[frame.stream] = answer }
  }

  private func inflate(_ block: [UInt8]) -> [String] {
    var fields: [String] = []
    var rest = block[...]
    while true {
      var field = nghttp2_nv()
      var flags: Int32 = 0
      let count = rest.withUnsafeBufferPointer {
        nghttp2_hd_inflate_hd2(inflater, &field, &flags, $0.baseAddress, $0.count, 1)
      }
      guard count >= 0 else { return fields + ["unreadable"] }
      rest = rest.dropFirst(count)
      if flags & Int32(NGHTTP2_HD_INFLATE_EMIT.rawValue) != 0 {
        let name = UnsafeBufferPointer(start: field.name, count: field.namelen)
        let value = UnsafeBufferPointer(start: field.value, count: field.valuelen)
        fields.append(
          "\(String(decoding: name, as: UTF8.self)): \(String(decoding: value, as: UTF8.self))")
      }
      if flags & Int32(NGHTTP2_HD_INFLATE_FINAL.rawValue) != 0 {
        nghttp2_hd_inflate_end_headers(inflater)
        return fields
      }
      if rest.isEmpty { return fields }
    }
  }
}
