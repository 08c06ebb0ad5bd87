import HTTPMessage
import NIOCore
import NIOEmbedded
import Testing

@testable import HTTPServer

/// What a connection holds of bytes that nobody reads.
struct HTTP2MemoryTests {
  /// The bytes after which the channel of a client that begins so takes no more; nil where the
  /// listener's own mark stands.
  private func channelMark(
    _ limits: ConnectionLimits, _ opening: [UInt8]
  ) throws -> ChannelOptions.Types.WriteBufferWaterMark? {
    let channel = EmbeddedChannel()
    let state = LoopState(
      eventLoop: channel.embeddedEventLoop, responder: ScriptedResponder(), limits: limits,
      statistics: ServerStatistics(), gate: ConnectionGate(limit: 10))
    try channel.pipeline.syncOperations.addHandler(
      ConnectionHandler(loop: state, isSecure: false, place: ConnectionPlace()))
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    try channel.writeInbound(ByteBuffer(bytes: opening))
    let option = channel.options.last {
      $0.option is ChannelOptions.Types.WriteBufferWaterMarkOption
    }
    _ = try channel.finish()
    return option?.value as? ChannelOptions.Types.WriteBufferWaterMark
  }

  @Test("A client that opens its windows and reads nothing has 128 KiB waiting for its socket")
  func whatWaitsForTheSocketIsBounded() throws {
    var limits = ConnectionLimits()
    let mark = try #require(
      try channelMark(limits, HTTP2Peer.preface + HTTP2Frame(.settings).bytes))
    #expect(try channelMark(limits, Array(get("/").utf8)) == nil)

    let peer = HTTP2Peer(settings: [4: 10 << 20])
    peer.widen(0, 10 << 20)
    peer.responder.answer = { _, _ in false }
    for index in 0..<5 { peer.get(UInt32(index * 2 + 1)) }
    for exchange in peer.responder.exchanges {
      exchange.writer.head(200, .streamed)
      exchange.writer.text(String(repeating: "x", count: 60_000))
    }
    peer.connection.resume(now: peer.now)
    // What a channel is handed when it is full but for one byte.
    let handedOver = peer.connection.takeOutput { _ in }
    #expect(handedOver > limits.http2.outputBytes / 2)
    #expect(mark.high + handedOver <= limits.http2.outputBytes + HTTP2Wire.frameHeaderCount)

    // The sizes that bound a connection are a mebibyte together.
    let sum =
      limits.http2.connectionWindowBytes + limits.http2.bufferedBytes + limits.http2.outputBytes
      + limits.http2.sessionBytes
    #expect(sum == 1 << 20)
    limits.http2.outputBytes = 1
    let least = try #require(try channelMark(limits, HTTP2Peer.preface))
    #expect(least.low == 1 && least.high == 1)
  }

  @Test("And it stays below a mebibyte, with content that nobody takes and heads that wait")
  func aConnectionStaysBelowAMebibyte() {
    let peer = HTTP2Peer(settings: [4: 10 << 20])
    peer.widen(0, 10 << 20)
    peer.responder.answer = { _, _ in false }
    let lines = (0..<20).map { "X-Field-\($0): \(String(repeating: "v", count: 40))\r\n" }.joined()
    var largest = 0
    func measure() {
      largest = max(
        largest, peer.connection.bufferedByteCount + peer.connection.sessionByteCount)
    }
    peer.setWritable(false)
    for index in 0..<100 where peer.connection.closeIntent == .none {
      let stream = UInt32(index * 2 + 1)
      peer.post(stream, [("x", String(repeating: "y", count: 4000))])
      if index < 3 { peer.data(stream, [UInt8](repeating: 0x61, count: 60_000)) }
      measure()
    }
    for exchange in peer.responder.exchanges {
      exchange.writer.head(200, .streamed, lines)
      exchange.writer.text(String(repeating: "x", count: 10_000))
      measure()
    }
    for _ in 0..<190 {
      peer.send(HTTP2Frame(.ping, payload: [UInt8](repeating: 1, count: 8)))
      measure()
    }
    #expect(largest > 500 << 10 && largest <= 1 << 20, "\(largest) bytes")
  }
}
