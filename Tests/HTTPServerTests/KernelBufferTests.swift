import Glibc
import HTTPMessage
import HTTPServer
import NIOCore
import NIOPosix
import Testing

/// Answers everything with eight mebibytes.
private final class LargeResponder: RequestResponder {
  static let count = 8 << 20
  private let chunk = ByteBuffer(repeating: 0x62, count: 64 << 10)

  func respond<Writer: ResponseWriter>(to head: RequestHead, writer: Writer) -> NoExchange? {
    writer.head(200, .length(Self.count))
    for _ in 0..<(Self.count / chunk.readableBytes) { writer.write(chunk) }
    writer.finish(trailers: nil)
    return nil
  }

  func refused(_ request: RefusedRequest) {}
  func describe(_ fault: RequestFault, into lines: inout ByteBuffer) {}
}

private final class NoExchange: RequestExchange {
  func receiveBody(_ chunk: ByteBuffer) {}
  func receiveBodyEnd(trailers: FieldBlock?) {}
  func outputDrained() {}
  func clientClosed(_ reason: ClientCloseReason) {}
}

/// What the kernel holds for a client that reads nothing.
@Suite(.timeLimit(.minutes(5)))
struct KernelBufferTests {
  @Test func theKernelHoldsLittleForAClientThatReadsNothing() async throws {
    var limits = ConnectionLimits()
    // However slow the machine is, the client is not cut off for reading nothing.
    limits.sendTimeout = .hours(1)
    limits.unsentBytes = 64 << 10
    let bounded = try await queuedBytes(limits)
    limits.unsentBytes = nil
    let unbounded = try await queuedBytes(limits)
    // A few packets are on their way besides what is unsent.
    #expect(bounded < 1 << 20)
    #expect(unbounded > bounded)
  }

  /// What the kernel holds of a large response once it takes no more; all of it must come then.
  private func queuedBytes(_ limits: ConnectionLimits) async throws -> Int {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let server = try await HTTPServer<LargeResponder>.start(
      ServerConfiguration(listeners: [.init(host: "127.0.0.1", port: 0)], limits: limits),
      on: group
    ) { _, _ in LargeResponder() }
    let port = try #require(server.boundAddresses.first?.port)
    let client = try #require(Self.connect(port: port))
    defer { close(client) }
    let request = Array("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".utf8)
    #expect(send(client, request, request.count, 0) == request.count)
    let limit = ContinuousClock.now + .seconds(120)
    var queued = 0
    // The same several times over: the kernel takes no more.
    var repeats = 0
    while repeats < 50, .now < limit {
      let now = Self.sendQueueBytes(of: port)
      repeats = now == queued && now > 0 ? repeats + 1 : 0
      queued = now
      try await Task.sleep(for: .milliseconds(2))
    }
    #expect(Self.readToEnd(client) > LargeResponder.count)
    await server.drain(limit: .milliseconds(100))
    try await group.shutdownGracefully()
    return queued
  }

  /// A connection to the port of 127.0.0.1 with the least receive buffer there is.
  private static func connect(port: Int) -> CInt? {
    let client = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    guard client >= 0 else { return nil }
    var least: CInt = 4096
    setsockopt(client, SOL_SOCKET, SO_RCVBUF, &least, socklen_t(MemoryLayout<CInt>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    return connected == 0 ? client : nil
  }

  private static func readToEnd(_ client: CInt) -> Int {
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    var total = 0
    while true {
      let count = read(client, &bytes, bytes.count)
      guard count > 0 else { return total }
      total += count
    }
  }

  /// The send queues of the connections accepted on a port, as /proc/net/tcp tells them: written
  /// and not acknowledged.
  private static func sendQueueBytes(of port: Int) -> Int {
    guard let file = fopen("/proc/net/tcp", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 512)
    var total = 0
    let wanted = ":" + String(UInt32(port) | 0x10000, radix: 16, uppercase: true).dropFirst()
    while fgets(&line, CInt(line.count), file) != nil {
      // Number, local and remote address, state (01: established), send and receive queue.
      let bytes = line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      let text = String(decoding: bytes, as: UTF8.self)
      let parts = text.split(separator: " ")
      guard parts.count > 4, parts[1].hasSuffix(wanted), parts[3] == "01" else { continue }
      total += Int(parts[4].prefix { $0 != ":" }, radix: 16) ?? 0
    }
    return total
  }
}
