import Foundation
import HTTPMessage
import NIOCore
import Synchronization
import Testing

@testable import OriginClient

/// Pools, limits in time, servers, back-pressure and ends.
struct TransportTests {
  static let ok: @Sendable (ScriptedConnection) -> Void = { connection in
    while connection.readHead() != nil {
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    }
  }

  static let silent: @Sendable (ScriptedConnection) -> Void = { $0.waitForClose() }

  @Test func connectionsAreUsedAgain() async throws {
    try await withOrigin(script: Self.ok) { edge, server in
      for _ in 0..<20 { try await #expect(edge.get().body == "ok") }
      #expect(server.connections == 1)
      let statistics = edge.transport.statistics[0]
      #expect(statistics.fetches == 20)
      #expect(statistics.responses == 20)
      #expect(statistics.connectionsOpened == 1)
      #expect(statistics.active == 0)
    }
  }

  @Test func connectionIsNotUsedAgainWhenTheOriginSaysClose() async throws {
    try await withOrigin { connection in
      _ = connection.readHead()
      connection.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
      connection.waitForClose()
    } _: { edge, server in
      for _ in 0..<3 { try await #expect(edge.get().body == "ok") }
      #expect(server.connections == 3)
    }
  }

  @Test func bytesOnAnIdleConnectionNeverAnswerTheNextRequest() async throws {
    let isAnswered = DispatchSemaphore(value: 0)
    let isDropped = DispatchSemaphore(value: 0)
    try await withOrigin { connection in
      guard connection.readHead() != nil else { return }
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
      guard connection.number == 0 else { return connection.waitForClose() }
      isAnswered.wait()
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
      connection.waitForClose()
      isDropped.signal()
    } _: { edge, server in
      try await #expect(edge.get().body == "ok")
      isAnswered.signal()
      await wait(for: isDropped)
      try await #expect(edge.get().body == "ok")
      #expect(server.connections == 2)
      #expect(edge.transport.statistics[0].idleConnectionsDropped == 1)
    }
  }

  @Test func poolBoundsWhatRunsAtOnce() async throws {
    let running = Mutex((now: 0, most: 0))
    let arrivals = DispatchSemaphore(value: 0)
    let mayAnswer = DispatchSemaphore(value: 0)
    try await withOrigin(loops: 2, set: { $0.origins[0].pool = 2 }) { connection in
      while connection.readHead() != nil {
        running.withLock {
          $0.now += 1
          $0.most = max($0.most, $0.now)
        }
        arrivals.signal()
        mayAnswer.wait()
        running.withLock { $0.now -= 1 }
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
      }
    } _: { edge, _ in
      var recorders: [Recorder] = []
      for index in 0..<5 { recorders.append(try await edge.start(loop: index % 2)) }
      await wait(for: arrivals)
      await wait(for: arrivals)
      for _ in 0..<5 { mayAnswer.signal() }
      for recorder in recorders { try await #expect(recorder.finished().body == "ok") }
      #expect(running.withLock { $0.most } == 2)
      #expect(edge.transport.statistics[0].queued == 0)
    }
  }

  @Test func fullQueueRefusesAtOnce() async throws {
    try await withOrigin(
      set: {
        $0.origins[0].pool = 1
        $0.origins[0].queueLimit = 1
      }, script: Self.silent
    ) { edge, _ in
      let first = try await edge.start()
      let second = try await edge.start()
      let failure = try await edge.start().finished().failure
      #expect(failure?.kind == .queueFull)
      #expect(failure?.mayRetry == true)
      let statistics = edge.transport.statistics[0]
      #expect(statistics.failures(.queueFull) == 1)
      #expect(statistics.queued == 1)
      #expect(statistics.active == 1)
      try await first.loop.submit {
        first.fetch?.cancel()
        second.fetch?.cancel()
      }.get()
    }
  }

  @Test func waitingForThePoolTimesOut() async throws {
    try await withOrigin(
      set: {
        $0.origins[0].pool = 1
        $0.origins[0].timeouts.queue = .milliseconds(50)
      }, script: Self.silent
    ) { edge, _ in
      let first = try await edge.start()
      let failure = try await edge.start().finished().failure
      #expect(failure?.kind == .queueTimeout)
      #expect(failure?.mayRetry == true)
      #expect(edge.transport.statistics[0].queued == 0)
      #expect(edge.transport.statistics[0].active == 1)
      try await first.loop.submit { first.fetch?.cancel() }.get()
    }
  }

  @Test func cancelledFetchGivesItsPlaceToTheNext() async throws {
    try await withOrigin(set: { $0.origins[0].pool = 1 }) { connection in
      guard let head = connection.readHead() else { return }
      if head.hasPrefix("GET /slow") { return connection.waitForClose() }
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
      connection.waitForClose()
    } _: { edge, _ in
      let slow = try await edge.start("GET", "/slow")
      let abandoned = try await edge.start("GET", "/abandoned")
      let next = try await edge.start("GET", "/next")
      try await slow.loop.submit {
        abandoned.fetch?.cancel()
        slow.fetch?.cancel()
      }.get()
      try await #expect(next.finished().body == "ok")
      #expect(slow.outcome.failure == nil)
      #expect(slow.outcome.headCount == 0)
      #expect(abandoned.outcome.headCount == 0)
    }
  }

  @Test func nothingComesAfterCancel() async throws {
    let size = 1_000_000
    try await withOrigin { connection in
      _ = connection.readHead()
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
      connection.write([UInt8](repeating: 1, count: size))
      connection.waitForClose()
    } _: { edge, _ in
      let recorder = try await edge.start { $0.grants = false }
      try await recorder.received(1)
      let count = try await recorder.loop.submit {
        recorder.fetch?.cancel()
        return recorder.outcome.byteCount
      }.get()
      // A fetch behind it on the same thread and loop: what was on its way has come by then.
      let other = try await edge.start { $0.grants = false }
      try await other.received(1)
      try await other.loop.submit {
        other.fetch?.cancel()
        #expect(recorder.outcome.byteCount == count)
      }.get()
    }
  }

  @Test func originIsHeldBackUntilMoreIsGranted() async throws {
    let size = 64_000_000
    let sent = Atomic<Int>(0)
    let piece = [UInt8](repeating: 7, count: 100_000)
    try await withOrigin(set: { $0.origins[0].timeouts.idle = .milliseconds(60) }) { connection in
      _ = connection.readHead()
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
      for _ in 0..<(size / piece.count) {
        guard connection.write(piece) else { return }
        sent.add(piece.count, ordering: .relaxed)
      }
    } _: { edge, _ in
      let recorder = try await edge.start { $0.grants = false }
      try await recorder.received(65536)
      // Longer than the idle limit, which must not run while the consumer holds back.
      let other = try await edge.start("GET", "/slow") { $0.grants = false }
      try await other.received(65536)
      try await recorder.loop.scheduleTask(in: .milliseconds(200)) {}.futureResult.get()
      let held = try await recorder.loop.submit { recorder.outcome.byteCount }.get()
      #expect(held <= 2 * 65536)
      #expect(sent.load(ordering: .relaxed) < 2 * size / 2)
      try await recorder.loop.submit { recorder.fetch?.grant(1_000_000) }.get()
      try await recorder.received(1_000_000)
      let more = try await recorder.loop.submit { recorder.outcome.byteCount }.get()
      #expect(more <= 1_000_000 + 3 * 65536)
      try await recorder.loop.submit {
        recorder.grants = true
        recorder.fetch?.grant(1_000_000)
        other.fetch?.cancel()
      }.get()
      let outcome = try await recorder.finished()
      #expect(outcome.failure == nil)
      #expect(outcome.byteCount == size)
    }
  }

  @Test func refusedPortFailsAndMayBeRetried() async throws {
    try await withEdge(ports: [try ScriptedServer.refusingPort()]) { edge in
      let failure = try await edge.get().failure
      #expect(failure?.kind == .refused)
      #expect(failure?.mayRetry == true)
      #expect(failure?.status == 502)
      #expect(edge.transport.statistics[0].failures(.refused) == 1)
    }
  }

  @Test func refusingServerIsSkipped() async throws {
    let server = try ScriptedServer(Self.ok)
    defer { server.stop() }
    try await withEdge(ports: [try ScriptedServer.refusingPort(), server.port]) { edge in
      for _ in 0..<10 { try await #expect(edge.get().body == "ok") }
      // Tried once, then left alone: taking turns would have tried it five times. A machine so
      // slow that the penalty ends on the way may try it again.
      #expect(1..<5 ~= edge.transport.statistics[0].failovers)
    }
  }

  @Test func uploadGoesToTheNextServerWhenOneRefuses() async throws {
    let server = try ScriptedServer { connection in
      _ = connection.readHead()
      let body = connection.read(4)
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\(body)")
    }
    defer { server.stop() }
    try await withEdge(ports: [try ScriptedServer.refusingPort(), server.port]) { edge in
      let outcome = try await edge.start("POST", framing: .length(4)) { $0.pieces = ["abcd"] }
        .finished()
      #expect(outcome.body == "abcd")
    }
  }

  @Test func unresolvedHostFails() async throws {
    try await withEdge(
      ports: [1],
      set: { $0.origins[0].servers = [.init(.http, host: "no-such-host.invalid", port: 80)] }
    ) { edge in
      let failure = try await edge.get().failure
      #expect(failure?.kind == .unresolved)
      #expect(failure?.mayRetry == true)
    }
  }

  @Test func addressCheckKeepsAConnectionFromBeingMade() async throws {
    try await withOrigin(
      set: { $0.mayConnect = { address in address.ipAddress != "127.0.0.1" } }, script: Self.ok
    ) { edge, server in
      try await #expect(edge.get().failure?.kind == .unreachable)
      #expect(server.connections == 0)
    }
  }

  @Test func plaintextServerIsATLSFailure() async throws {
    try await withOrigin(
      set: { configuration in configuration.origins[0].servers[0].scheme = .https },
      script: { connection in
        connection.write("HTTP/1.1 400 Bad\r\n\r\n")
        connection.waitForClose()
      }
    ) { edge, _ in
      let failure = try await edge.get().failure
      #expect(failure?.kind == .tls)
      #expect(failure?.mayRetry == true)
    }
  }

  @Test func silentOriginRunsIntoTheFirstByteLimit() async throws {
    try await withOrigin(
      set: { $0.origins[0].timeouts.firstByte = .milliseconds(50) }, script: Self.silent
    ) { edge, _ in
      let failure = try await edge.get().failure
      #expect(failure?.kind == .firstByteTimeout)
      #expect(failure?.mayRetry == false)
      #expect(failure?.status == 504)
    }
  }

  @Test func stallingOriginRunsIntoTheIdleLimit() async throws {
    try await withOrigin(set: { $0.origins[0].timeouts.idle = .milliseconds(50) }) { connection in
      _ = connection.readHead()
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok")
      connection.waitForClose()
    } _: { edge, _ in
      let outcome = try await edge.get()
      #expect(outcome.failure?.kind == .idleTimeout)
      #expect(outcome.body == "ok")
    }
  }

  @Test func waitingForTheClientsContentIsNotTheOriginsTime() async throws {
    try await withOrigin(set: { $0.origins[0].timeouts.firstByte = .milliseconds(50) }) {
      connection in
      _ = connection.readHead()
      _ = connection.read(2)
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    } _: { edge, _ in
      let recorder = try await edge.start("POST", framing: .length(2))
      recorder.loop.scheduleTask(in: .milliseconds(150)) {
        recorder.fetch?.sendBody(ByteBuffer(string: "ab"))
      }
      try await #expect(recorder.finished().body == "ok")
    }
  }

  @Test func postIsNotRepeatedOverAnotherConnection() async throws {
    let requests = Atomic<Int>(0)
    try await withOrigin { connection in
      guard connection.readHead() != nil else { return }
      requests.add(1, ordering: .relaxed)
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
      // The second request on the connection is read, and not answered.
      guard connection.readHead() != nil else { return }
      requests.add(1, ordering: .relaxed)
    } _: { edge, server in
      try await #expect(edge.get().body == "ok")
      let failure = try await edge.start("POST", framing: .length(0)).finished().failure
      #expect(failure?.kind == .reset)
      #expect(failure?.mayRetry == false)
      #expect(requests.load(ordering: .relaxed) == 2)
      // A GET is.
      try await #expect(edge.get().body == "ok")
      try await #expect(edge.get().body == "ok")
    }
  }

  @Test func thousandFetchesComplete() async throws {
    try await withOrigin(loops: 2, script: Self.ok) { edge, server in
      var recorders: [Recorder] = []
      for index in 0..<1000 {
        recorders.append(try await edge.start("GET", "/\(index)", loop: index % 2))
      }
      for recorder in recorders { try await #expect(recorder.finished().body == "ok") }
      #expect(server.connections <= 100)
      #expect(edge.transport.statistics[0].responses == 1000)
      #expect(edge.transport.statistics[0].active == 0)
    }
  }

  @Test func shutdownFailsWhatRunsAndWhatWaits() async throws {
    try await withOrigin(set: { $0.origins[0].pool = 1 }, script: Self.silent) { edge, _ in
      let running = try await edge.start()
      let waiting = try await edge.start()
      edge.transport.shutdown()
      try await #expect(running.finished().failure?.kind == .shutdown)
      try await #expect(waiting.finished().failure?.kind == .shutdown)
      try await #expect(edge.get().failure?.kind == .shutdown)
      #expect(edge.transport.statistics[0].active == 0)
      #expect(edge.transport.statistics[0].queued == 0)
    }
  }

  @Test func badConfigurationIsRefused() throws {
    let loop = NoLoops.none
    #expect(throws: ConfigurationFault.serverCount(origin: "a")) {
      try CurlTransport(
        configuration: Configuration(origins: [.init(name: "a", servers: [])]), eventLoops: loop)
    }
    for host in ["", "a/b", "a@b", "a b", "a?b"] {
      #expect(throws: ConfigurationFault.badServer(origin: "a", host: host)) {
        try CurlTransport(
          configuration: Configuration(
            origins: [.init(name: "a", servers: [.init(.http, host: host, port: 1)])]),
          eventLoops: loop)
      }
    }
  }

  @Test func pythonsServerIsUnderstood() async throws {
    let (process, output) = try spawn([
      "python3", "-u", "-m", "http.server", "--bind", "127.0.0.1", "0",
    ])
    defer {
      kill(process, SIGKILL)
      waitpid(process, nil, 0)
      close(output)
    }
    // "Serving HTTP on 127.0.0.1 port 12345 (http://...) ..."
    let line = await withCheckedContinuation { continuation in
      Thread {
        var buffer = [UInt8](repeating: 0, count: 1000)
        let count = read(output, &buffer, buffer.count)
        continuation.resume(returning: String(decoding: buffer[..<max(0, count)], as: UTF8.self))
      }.start()
    }
    let words = line.split(separator: " ")
    let position = try #require(words.firstIndex(of: "port"))
    let port = try #require(Int(words[position + 1]))
    try await withEdge(ports: [port]) { edge in
      let outcome = try await edge.get()
      #expect(outcome.status == 200)
      #expect(outcome.body.contains("Directory listing"))
      try await #expect(edge.get("/no/such/file").status == 404)
    }
  }
}

enum NoLoops { static var none: [any EventLoop] { [] } }

/// Starts a program; its identifier, and the end of a pipe that carries its standard output.
private func spawn(_ arguments: [String]) throws -> (process: pid_t, output: Int32) {
  var ends: [Int32] = [0, 0]
  guard pipe(&ends) == 0 else { throw ScriptError(errno: errno) }
  defer { close(ends[1]) }
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
  var vector = arguments.map { strdup($0) } + [nil]
  defer { for argument in vector { free(argument) } }
  var process = pid_t()
  let result = posix_spawnp(&process, arguments[0], &actions, nil, &vector, environ)
  guard result == 0 else { throw ScriptError(errno: result) }
  return (process, ends[0])
}

/// Waits on a thread of its own: the tests' threads are few.
private func wait(for semaphore: DispatchSemaphore) async {
  await withCheckedContinuation { continuation in
    Thread {
      semaphore.wait()
      continuation.resume()
    }.start()
  }
}
