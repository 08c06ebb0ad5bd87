import NIOCore

/// The sizes of a trace's objects by path, and the bytes that bodies are cut from.
struct TraceCatalogue: Sendable {
  /// The pattern that every body repeats.
  static let patternBytes = 64 * 1024

  private let sizeByPath: [String: Int]
  let pattern: ByteBuffer

  init(_ trace: Trace) {
    sizeByPath = Dictionary(
      uniqueKeysWithValues: trace.objects.map { ($0.path, $0.sizeBytes) })
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    let bytes = (0..<Self.patternBytes).map { _ -> UInt8 in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 33)
    }
    pattern = ByteBuffer(bytes: bytes)
  }

  /// The body size of the object at `path`; nil when the trace has no such object.
  func sizeBytes(of path: some StringProtocol) -> Int? {
    sizeByPath[String(path)]
  }
}

/// One connection to the trace's origin: GET and HEAD, pipelining, no request bodies.
///
/// Confined to its channel's event loop. A request head is limited to 64 KiB.
final class OriginConnection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  static let headLimitBytes = 64 * 1024

  private let catalogue: TraceCatalogue
  private var input = ByteBuffer()
  private var lines: [Substring] = []
  private var headBytes = 0

  init(_ catalogue: TraceCatalogue) {
    self.catalogue = catalogue
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var piece = Self.unwrapInboundIn(data)
    input.writeBuffer(&piece)
    while let line = nextLine() {
      headBytes += line.utf8.count + 2
      if !line.isEmpty {
        lines.append(line)
      } else if !lines.isEmpty {
        answer(context)
        lines.removeAll(keepingCapacity: true)
        headBytes = 0
      }
      if headBytes > Self.headLimitBytes { return context.close(promise: nil) }
    }
    input.discardReadBytes()
    if input.readableBytes > Self.headLimitBytes { context.close(promise: nil) }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    context.flush()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  // MARK: Answers

  private func answer(_ context: ChannelHandlerContext) {
    let parts = lines[0].split(separator: " ")
    guard parts.count == 3, parts[0] == "GET" || parts[0] == "HEAD" else {
      let refusal = "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\nContent-Length: 0\r\n"
      write(refusal + "Connection: close\r\n\r\n", context)
      context.flush()
      return context.close(promise: nil)
    }
    guard let size = catalogue.sizeBytes(of: parts[1]) else {
      return write("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", context)
    }
    let fields = "Cache-Control: max-age=86400\r\nETag: \"\(size)\"\r\n"
    if let condition = value(of: "if-none-match"), condition == "\"\(size)\"" {
      return write("HTTP/1.1 304 Not Modified\r\n\(fields)\r\n", context)
    }
    let type = "Content-Type: application/octet-stream\r\n"
    write("HTTP/1.1 200 OK\r\n\(type)\(fields)Content-Length: \(size)\r\n\r\n", context)
    if parts[0] == "GET" { writeBody(size, context) }
  }

  private func write(_ head: String, _ context: ChannelHandlerContext) {
    context.write(Self.wrapOutboundOut(ByteBuffer(string: head)), promise: nil)
  }

  private func writeBody(_ sizeBytes: Int, _ context: ChannelHandlerContext) {
    var remaining = sizeBytes
    while remaining > 0 {
      let count = min(remaining, TraceCatalogue.patternBytes)
      if let piece = catalogue.pattern.getSlice(at: 0, length: count) {
        context.write(Self.wrapOutboundOut(piece), promise: nil)
      }
      remaining -= count
    }
  }

  private func value(of name: String) -> Substring? {
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      if line[..<colon].lowercased() == name {
        return line[line.index(after: colon)...].drop(while: { $0 == " " })
      }
    }
    return nil
  }

  private func nextLine() -> Substring? {
    let view = input.readableBytesView
    guard let end = view.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
    let line = view[view.startIndex..<end]
    input.moveReaderIndex(to: end + 1)
    return Substring(
      decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line,
      as: UTF8.self)
  }
}
