import EdgeSecurity
import HTTPMessage
import NIOCore
import NIOPosix
import Testing

@testable import HTTPServer

/// Limits a client address, without sockets: the table, the bucket, the answers.
@Suite struct ClientLimitTests {
  private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

  private func address(_ text: String) throws -> NetworkAddress {
    try #require(NetworkAddress(text))
  }

  private func entry(_ answer: ClientTable.Answer) throws -> ClientEntry {
    guard case .admitted(let entry?) = answer else {
      throw RequestFault.tooManyConnectionsOfAddress
    }
    return entry
  }

  private func isTooMany(_ answer: ClientTable.Answer) -> Bool {
    if case .tooMany = answer { true } else { false }
  }

  @Test func anAddressHasItsConnectionsAndGetsThemBack() throws {
    let table = ClientTable(ClientLimits(connections: 2))
    let client = try address("192.0.2.7")
    let first = try entry(table.admit(client, now: Self.start))
    _ = try entry(table.admit(client, now: Self.start))
    #expect(isTooMany(table.admit(client, now: Self.start)))
    _ = try entry(table.admit(try address("192.0.2.8"), now: Self.start))
    table.giveBack(first, now: Self.start)
    _ = try entry(table.admit(client, now: Self.start))
    #expect(isTooMany(table.admit(client, now: Self.start)))
  }

  @Test func anIPv6ClientIsItsNetwork() throws {
    let table = ClientTable(ClientLimits(connections: 1))
    _ = try entry(table.admit(try address("2001:db8:1:2::1"), now: Self.start))
    #expect(isTooMany(table.admit(try address("2001:db8:1:2:ffff::9"), now: Self.start)))
    _ = try entry(table.admit(try address("2001:db8:1:3::1"), now: Self.start))
    // The same IPv4 client through either kind of socket.
    _ = try entry(table.admit(try address("192.0.2.7"), now: Self.start))
    #expect(isTooMany(table.admit(try address("::ffff:192.0.2.7"), now: Self.start)))
  }

  @Test func anExemptAddressHasNoLimit() throws {
    let limits = ClientLimits(connections: 1, exempt: try AddressList(parsing: ["192.0.2.0/24"]))
    let table = ClientTable(limits)
    for _ in 0..<10 {
      guard case .admitted(nil) = table.admit(try address("192.0.2.7"), now: Self.start) else {
        return #expect(Bool(false), "limited")
      }
    }
    #expect(table.addressCount == 0)
  }

  @Test func requestsComeBackAtTheirRate() throws {
    let table = ClientTable(ClientLimits(requestsPerSecond: 10, burst: 5))
    let client = try entry(table.admit(try address("192.0.2.7"), now: Self.start))
    for _ in 0..<5 { #expect(client.takeRequest(now: Self.start) == nil) }
    #expect(client.takeRequest(now: Self.start) == 1)
    #expect(client.takeRequest(now: Self.start + .milliseconds(99)) == 1)
    #expect(client.takeRequest(now: Self.start + .milliseconds(100)) == nil)
    #expect(client.takeRequest(now: Self.start + .milliseconds(100)) == 1)
    // In the long run, neither more nor fewer than the rate.
    var count = 0
    for step in 1...1000 {
      let now = Self.start + .milliseconds(Int64(100 + 10 * step))
      if client.takeRequest(now: now) == nil { count += 1 }
    }
    #expect(count == 100)
    // After a pause the burst, not all that was missed.
    let later = Self.start + .hours(1)
    for _ in 0..<5 { #expect(client.takeRequest(now: later) == nil) }
    #expect(client.takeRequest(now: later) != nil)
  }

  @Test func theWaitIsTold() throws {
    let table = ClientTable(ClientLimits(requestsPerSecond: 1, burst: 1))
    let client = try entry(table.admit(try address("192.0.2.7"), now: Self.start))
    #expect(client.takeRequest(now: Self.start) == nil)
    #expect(client.takeRequest(now: Self.start) == 1)
    #expect(client.takeRequest(now: Self.start + .milliseconds(1)) == 1)
  }

  @Test func closingDoesNotFillTheBucket() throws {
    let table = ClientTable(ClientLimits(requestsPerSecond: 1, burst: 2))
    let client = try address("192.0.2.7")
    let first = try entry(table.admit(client, now: Self.start))
    #expect(first.takeRequest(now: Self.start) == nil)
    #expect(first.takeRequest(now: Self.start) == nil)
    table.giveBack(first, now: Self.start)
    let second = try entry(table.admit(client, now: Self.start))
    #expect(second.takeRequest(now: Self.start) != nil)
    table.giveBack(second, now: Self.start + .seconds(5))
    #expect(table.addressCount == 0)
  }

  @Test func theTableIsBounded() throws {
    var limits = ClientLimits(connections: 1, requestsPerSecond: 1)
    limits.addresses = 64
    let table = ClientTable(limits)
    var kept: [ClientEntry] = []
    for number in 0..<5000 {
      let client = try address("10.0.\(number / 256).\(number % 256)")
      if case .admitted(let entry?) = table.admit(client, now: Self.start) { kept.append(entry) }
    }
    #expect(table.addressCount <= 64)
    #expect(kept.count <= 64)
    #expect(table.unlimitedCount == 5000 - kept.count)
    // What has ended makes room.
    for entry in kept { table.giveBack(entry, now: Self.start) }
    guard
      case .admitted(.some) = table.admit(
        try address("192.0.2.7"), now: Self.start + .seconds(2))
    else { return #expect(Bool(false), "no room") }
  }

  @Test func theLimitHoldsOnAllThreadsTogether() async throws {
    let table = ClientTable(ClientLimits(connections: 100, requestsPerSecond: 1, burst: 1000))
    let client = try address("192.0.2.7")
    let counts = await withTaskGroup(of: (Int, Int).self) { group in
      for _ in 0..<8 {
        group.addTask {
          var admitted = 0
          var requests = 0
          for _ in 0..<1000 {
            guard case .admitted(let entry?) = table.admit(client, now: Self.start) else {
              continue
            }
            admitted += 1
            for _ in 0..<100 where entry.takeRequest(now: Self.start) == nil { requests += 1 }
          }
          return (admitted, requests)
        }
      }
      return await group.reduce((0, 0)) { ($0.0 + $1.0, $0.1 + $1.1) }
    }
    #expect(counts.0 == 100)
    #expect(counts.1 == 1000)
  }

  @Test func aRequestBeyondTheLimitIsAnswered429AndTheConnectionStays() throws {
    let table = ClientTable(ClientLimits(requestsPerSecond: 1, burst: 3))
    let client = ScriptedConnection()
    client.connection.client = try entry(table.admit(try address("192.0.2.7"), now: .now()))
    let text = client.send(String(repeating: get("/"), count: 50))
    let answers = text.components(separatedBy: "HTTP/1.1 ").dropFirst()
    #expect(answers.count == 50)
    #expect(answers.prefix(3).allSatisfy { $0.hasPrefix("200 OK") })
    let refused = answers.filter { $0.hasPrefix("429 Too Many Requests\r\n") }
    // A second's stall of this machine lets one more through.
    #expect(refused.count > 30)
    #expect(refused.allSatisfy { $0.contains("\r\nRetry-After: 1\r\n") })
    #expect(client.connection.closeIntent == .none)
    #expect(client.statistics.faults[.tooManyRequests] == refused.count)
    #expect(client.responder.targets.count == 50 - refused.count)
    #expect(client.responder.faults.count == refused.count)
  }

  @Test func theContentOfARefusedRequestIsNoRequest() throws {
    let table = ClientTable(ClientLimits(requestsPerSecond: 1, burst: 1))
    let client = ScriptedConnection()
    client.connection.client = try entry(table.admit(try address("192.0.2.7"), now: .now()))
    client.send(get("/"))
    var answer = ""
    for _ in 0..<20 {
      answer += client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(get("/x").utf8.count)\r\n\r\n"
          + get("/x"))
    }
    #expect(answer.contains("HTTP/1.1 429 "))
    #expect(!client.responder.targets.contains("/x"))
    #expect(!answer.contains("HTTP/1.1 400 "))
  }

  @Test func headIsRefusedWithoutContent() throws {
    let table = ClientTable(ClientLimits(requestsPerSecond: 1, burst: 1))
    let client = ScriptedConnection()
    client.connection.client = try entry(table.admit(try address("192.0.2.7"), now: .now()))
    let text = client.send(
      String(repeating: "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", count: 20))
    #expect(text.contains("HTTP/1.1 429 "))
    #expect(!text.contains("{"))
  }

  @Test func theSameHoldsForStreamsOfHTTP2() throws {
    let table = ClientTable(ClientLimits(requestsPerSecond: 1, burst: 3))
    let peer = HTTP2Peer()
    peer.connection.client = try entry(table.admit(try address("192.0.2.7"), now: .now()))
    for number in 0..<50 { peer.get(UInt32(2 * number + 1), "/") }
    let statuses = (0..<50).map { peer.answers[UInt32(2 * $0 + 1)]?.status }
    #expect(statuses.prefix(3) == [200, 200, 200])
    #expect(statuses.filter { $0 == 429 }.count > 30)
    #expect(peer.answers[99]?.fields.contains("retry-after: 1") == true)
    #expect(!peer.frames.contains { $0.isA(.goAway) })
  }
}

/// Clients that send or take bytes by the drop.
@Suite struct RateTests {
  @Test func aRateIsJudgedOverItsWindowOnly() {
    var meter = RateMeter()
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    func check(_ isWaiting: Bool = true) -> Bool {
      now = now + .seconds(1)
      return meter.isTooSlow(
        isWaiting: isWaiting, bytesPerSecond: 100, window: .seconds(10), now: now)
    }
    // Nothing for nine seconds, then all of it: within the window.
    for _ in 0..<10 { #expect(!check()) }
    meter.add(1000)
    #expect(!check())
    // One byte less.
    for _ in 0..<9 { #expect(!check()) }
    meter.add(999)
    #expect(check())
    // Time in which nobody waits does not count.
    for _ in 0..<100 { #expect(!check(false)) }
    for _ in 0..<10 { #expect(!check()) }
    #expect(check())
  }

  private func upload(
    _ head: String = "Content-Length: 100000\r\n"
  ) throws -> (ScriptedConnection, ScriptedExchange) {
    let client = ScriptedConnection {
      $0.contentBytesPerSecond = 100
      $0.rateWindow = .seconds(10)
      $0.bodyTimeout = .seconds(5)
    }
    client.responder.answer = { _, writer in
      writer.requestBodyChunk()
      return false
    }
    client.send("POST / HTTP/1.1\r\nHost: a\r\n\(head)\r\n")
    let exchange = try #require(client.responder.exchanges.first)
    exchange.pullsOn = true
    return (client, exchange)
  }

  @Test func aBodyByTheDropIsAnswered408() throws {
    let (client, exchange) = try upload()
    var answer = ""
    for _ in 0..<20 where exchange.closeReason == nil {
      client.send("x")
      answer += client.pass(.seconds(1))
    }
    #expect(exchange.closeReason == .timedOut)
    #expect(exchange.content.utf8.count < 15)
    #expect(answer.hasPrefix("HTTP/1.1 408 "))
    #expect(answer.contains("request content received too slowly"))
    #expect(client.statistics.faults == [.bodyTooSlow: 1])
  }

  @Test func chunksOfOneByteAreNoFasterForTheirFraming() throws {
    let (client, exchange) = try upload("Transfer-Encoding: chunked\r\n")
    for _ in 0..<20 where exchange.closeReason == nil {
      client.send("1\r\nx\r\n")
      client.pass(.seconds(1))
    }
    #expect(exchange.closeReason == .timedOut)
  }

  @Test func aBodyAtTheRateIsTaken() throws {
    let (client, exchange) = try upload()
    for _ in 0..<100 {
      client.send(String(repeating: "x", count: 101))
      client.pass(.seconds(1))
    }
    #expect(exchange.closeReason == nil)
  }

  @Test func aSlowOriginIsNotTheClientsFault() throws {
    let (client, exchange) = try upload()
    exchange.pullsOn = false
    client.send("x")
    for _ in 0..<100 { client.pass(.seconds(1)) }
    #expect(exchange.closeReason == nil)
  }

  @Test func aReaderByTheDropIsCutOff() throws {
    let client = ScriptedConnection {
      $0.sendBytesPerSecond = 100
      $0.rateWindow = .seconds(10)
      $0.sendTimeout = .seconds(5)
    }
    client.responder.answer = { _, _ in false }
    client.send(get("/"))
    let exchange = try #require(client.responder.exchanges.first)
    exchange.writer.head(200, .length(5000))
    exchange.writer.text(String(repeating: "x", count: 5000))
    _ = client.output()
    var seconds = 0
    while exchange.closeReason == nil, seconds < 30 {
      seconds += 1
      client.pass(.seconds(1), unsent: 4000 - seconds)
    }
    #expect(exchange.closeReason == .timedOut)
    // What the kernel took at once counts for the first window.
    #expect(seconds < 25)
    #expect(client.connection.closeIntent == .reset)
    #expect(client.statistics.slowReaders.value == 1)
    #expect(client.statistics.sendTimeouts.value == 0)
  }

  @Test func aReaderAtTheRateIsServed() throws {
    let client = ScriptedConnection {
      $0.sendBytesPerSecond = 100
      $0.rateWindow = .seconds(10)
    }
    client.responder.answer = { _, _ in false }
    client.send(get("/"))
    let exchange = try #require(client.responder.exchanges.first)
    exchange.writer.head(200, .length(50_000))
    exchange.writer.text(String(repeating: "x", count: 50_000))
    _ = client.output()
    for second in 1...100 { client.pass(.seconds(1), unsent: 40_000 - 101 * second) }
    #expect(exchange.closeReason == nil)
  }

  @Test func aStreamsBodyByTheDropIsCutOff() throws {
    let peer = HTTP2Peer {
      $0.contentBytesPerSecond = 100
      $0.rateWindow = .seconds(10)
      $0.bodyTimeout = .seconds(5)
    }
    peer.responder.answer = { _, writer in
      writer.requestBodyChunk()
      return false
    }
    peer.post(1)
    let exchange = try #require(peer.responder.exchanges.first)
    exchange.pullsOn = true
    for _ in 0..<20 where exchange.closeReason == nil {
      peer.send(HTTP2Frame(.data, stream: 1, payload: [0x78]))
      peer.pass(.seconds(1))
    }
    #expect(exchange.closeReason == .timedOut)
    #expect(peer.answers[1]?.status == 408)
    #expect(peer.statistics.faults == [.bodyTooSlow: 1])
  }
}
