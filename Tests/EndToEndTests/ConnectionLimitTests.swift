import Foundation
import TestSupport
import Testing

/// Many, slow and greedy clients, on the running edge with two event loops.
@Suite struct ConnectionLimitTests {
  private static func request(_ path: String = "/a") -> String {
    "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n"
  }

  @Test func aConnectionTooManyIsToldSo() throws {
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(originPort: origin.port, more: "limits: { connections: 2 }")
    var open: [RawSocket] = []
    // The readiness check went to the admin listener: both places are free.
    for _ in 0..<2 {
      let client = try RawSocket(port: edge.port)
      client.send(Self.request())
      #expect(client.receive(until: "\r\n\r\nx").hasPrefix("HTTP/1.1 200 "))
      open.append(client)
    }
    let answer = try RawSocket(port: edge.port).receiveAll()
    #expect(answer.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
    #expect(answer.contains("\r\nRetry-After: 5\r\n"))
    #expect(answer.contains("\r\nConnection: close\r\n"))
    #expect(answer.contains("too many connections"))
    #expect(answer.contains("\r\nCache-Status: edge; detail=client-limit\r\n"))
    #expect(try edge.metric("edge_connections_refused_total") == 1)
    open.removeLast()
    #expect(
      try eventually {
        let client = try RawSocket(port: edge.port)
        client.send(Self.request())
        return client.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200 ")
      })
  }

  @Test func anAddressHasSoManyConnectionsOnAllLoopsTogether() throws {
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(
      originPort: origin.port, more: "limits: { per_address: { connections: 5 } }", threads: 4)
    var answers: [String] = []
    var open: [RawSocket] = []
    for _ in 0..<20 {
      let client = try RawSocket(port: edge.port)
      client.send(Self.request())
      answers.append(client.receive(until: "\r\n\r\n"))
      open.append(client)
    }
    #expect(answers.filter { $0.hasPrefix("HTTP/1.1 200 ") }.count == 5)
    let refused = answers.filter { $0.hasPrefix("HTTP/1.1 429 Too Many Requests\r\n") }
    #expect(refused.count == 15)
    #expect(refused.allSatisfy { $0.contains("\r\nRetry-After: 5\r\n") })
  }

  @Test func anAddressHasSoManyRequestsOnAllConnectionsTogether() throws {
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(
      originPort: origin.port,
      more: "limits: { per_address: { requests: 1, burst: 10 } }")
    var statuses: [String] = []
    for _ in 0..<40 {
      let client = try RawSocket(port: edge.port)
      for _ in 0..<10 {
        client.send(Self.request())
        let head = client.receive(until: "\r\n\r\n")
        statuses.append(String(head.dropFirst(9).prefix(3)))
        if head.contains("429") {
          // The refusal ends the connection.
          #expect(head.contains("\r\nRetry-After: "))
          #expect(head.contains("\r\nCache-Status: edge; detail=client-limit\r\n"))
          break
        }
      }
    }
    // The burst, and one more for each second that this took.
    #expect(statuses.prefix(10).allSatisfy { $0 == "200" })
    #expect(statuses.filter { $0 == "429" }.count > 20)
    #expect(statuses.allSatisfy { $0 == "200" || $0 == "429" })
    #expect(try edge.metric("edge_client_faults_total") > 20)
    // HTTP/2 draws on the same number.
    let other = try Curl.get(edge.url + "/a", ["--http2-prior-knowledge"])
    #expect(other.status == 429 || other.status == 200)
  }

  @Test func anExemptAddressIsNotLimited() throws {
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(
      originPort: origin.port,
      more: """
        limits:
          per_address: { connections: 1, requests: 1, burst: 1, exempt: [127.0.0.0/8] }
        """)
    var open: [RawSocket] = []
    for _ in 0..<5 {
      let client = try RawSocket(port: edge.port)
      for _ in 0..<4 {
        client.send(Self.request())
        #expect(client.receive(until: "\r\n\r\nx").contains("HTTP/1.1 200 "))
      }
      open.append(client)
    }
  }

  @Test func clientsByTheDropAreCutWhileOthersAreServed() throws {
    let origin = try ScriptedOrigin { request, connection in
      // A request with content is answered when all of it has come: never, here.
      if request.hasPrefix("POST") { _ = connection.receiveAll() }
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
      return true
    }
    let edge = try Edge(
      originPort: origin.port,
      more: "limits: { header_timeout: 1 s, body_rate: 1 KiB, rate_window: 1 s }")
    let head = try RawSocket(port: edge.port)
    head.send("GET / HTTP/1.1\r\n")
    let body = try RawSocket(port: edge.port)
    body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
    let drip = Thread {
      for number in 0..<600 where !Thread.current.isCancelled {
        head.send("X-\(number): y\r\n")
        body.send("z")
        usleep(50_000)
      }
    }
    drip.start()
    #expect(try edge.get("/a").status == 200)
    #expect(head.receiveAll().hasPrefix("HTTP/1.1 408 "))
    #expect(body.receiveAll().hasPrefix("HTTP/1.1 408 "))
    drip.cancel()
    #expect(try edge.get("/a").status == 200)
    #expect(try edge.metric("edge_client_faults_total") == 2)
  }

  /// The release build's figure is in Benchmarks/RESULTS.md; here fewer connections have to do, and
  /// the bound leaves room for what the allocator keeps.
  @Test(arguments: ["after a hit", "within a head"])
  func anIdleConnectionHoldsLittleMemory(_ state: String) throws {
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(
      originPort: origin.port, more: "limits: { header_timeout: 5 minutes }", threads: 1)
    let process = try #require(edge.process)
    var open: [RawSocket] = []
    func connect(_ count: Int) throws {
      for _ in 0..<count {
        let client = try RawSocket(port: edge.port)
        if state == "after a hit" {
          client.send(Self.request())
          #expect(client.receive(until: "\r\n\r\nx").contains(" 200 OK\r\n"))
        } else {
          client.send("GET /a HTTP/1.1\r\nHost: a\r\nX: ")
        }
        open.append(client)
      }
    }
    try raiseDescriptorLimit(to: 8000)
    try connect(100)
    let before = try residentBytes(process.identifier)
    try connect(1000)
    #expect(try eventually { try edge.metric("edge_connections_open") == 1100 })
    let each = (try residentBytes(process.identifier) - before) / 1000
    #expect(each < 8 << 10, "\(each) bytes a connection")
  }

  private func residentBytes(_ process: Int32) throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
    return try #require(line.split(separator: " ").dropFirst().first.flatMap { Int($0) }) << 10
  }

  private func raiseDescriptorLimit(to count: UInt) throws {
    var limit = rlimit()
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    getrlimit(resource, &limit)
    guard limit.rlim_cur < count else { return }
    limit.rlim_cur = min(limit.rlim_max, count)
    setrlimit(resource, &limit)
    try #require(limit.rlim_cur >= count, "too few file descriptors")
  }
}
