import Foundation
import Synchronization
import Testing

/// Fills and purges at the same time: whatever a request that begins after a purge's answer gets
/// was fetched after the purge.
@Suite struct PurgeRaceTests {
  /// What the origin has now, and below what nobody may be served any more.
  private final class Versions: Sendable {
    let current = Atomic<Int>(1)
    let floor = Atomic<Int>(0)
    let stale = Atomic<Int>(0)
    let hits = Atomic<Int>(0)
    let answers = Atomic<Int>(0)
    let isOver = Atomic<Bool>(false)
  }

  private static let purges = 2000
  private static let paths = ["/a", "/b?q=1", "/c/d"]

  private func origin(_ versions: Versions) throws -> ScriptedOrigin {
    try ScriptedOrigin { request, connection in
      // Some answers are read before a purge and sent after it.
      let body = "\(versions.current.load(ordering: .sequentiallyConsistent))"
      if Int.random(in: 0..<4) == 0 { usleep(UInt32.random(in: 0..<2000)) }
      connection.send(
        "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\nCache-Control: max-age=3600\r\n"
          + "Cache-Tag: race\r\n\r\n\(body)")
      return true
    }
  }

  @Test func aFillThatBeganBeforeAPurgeIsNeverAHitAfterIt() throws {
    let versions = Versions()
    let origin = try origin(versions)
    defer { origin.stop() }
    let edge = try Edge(originPort: origin.port, route: "    tags: [Cache-Tag]")
    let clients = DispatchGroup()
    let port = edge.port
    for number in 0..<4 {
      clients.enter()
      Thread.detachNewThread {
        Self.ask(port, versions, number)
        clients.leave()
      }
    }
    let admin = PlainClient(port: edge.adminPort)
    for round in 0..<Self.purges {
      let version = versions.current.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue
      let answer = try Self.purge(round, edge, admin)
      guard 200...201 ~= answer.status else {
        Issue.record("purge \(round): \(answer.status) \(answer.body)")
        break
      }
      versions.floor.store(version, ordering: .sequentiallyConsistent)
    }
    versions.isOver.store(true, ordering: .sequentiallyConsistent)
    clients.wait()
    #expect(versions.stale.load(ordering: .relaxed) == 0)
    #expect(versions.hits.load(ordering: .relaxed) > 0, "nothing was ever a hit")
    #expect(versions.answers.load(ordering: .relaxed) > Self.purges / 2)
  }

  /// One of every kind of purge that takes all the paths.
  private static func purge(
    _ round: Int, _ edge: Edge, _ admin: PlainClient
  ) throws -> HTTPAnswer {
    let login = Data("admin:\(Edge.password)".utf8).base64EncodedString()
    let head = "Host: 127.0.0.1:\(edge.adminPort)\r\nAuthorization: Basic \(login)\r\n"
    func post(_ path: String, _ body: String) throws -> HTTPAnswer {
      try admin.send(
        "POST \(path) HTTP/1.1\r\n\(head)Content-Type: application/json\r\n"
          + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)", method: "POST")
    }
    switch round % 6 {
    case 0: return try post("/v1/invalidations", #"{"paths": ["/*"]}"#)
    case 1: return try post("/v1/invalidations", #"{"globs": ["/{a,b,c}*"]}"#)
    case 2: return try post("/v1/purge/race", "")
    case 3: return try post("/v1/invalidations", #"{"tags": ["race"], "soft": true}"#)
    case 4: return try post("/v1/invalidations", #"{"routes": ["/*"]}"#)
    default:
      var answer = HTTPAnswer()
      for path in paths {
        answer = try admin.send("PURGE \(path) HTTP/1.1\r\n\(head)\r\n", method: "PURGE")
      }
      return answer
    }
  }

  private static func ask(_ port: Int, _ versions: Versions, _ number: Int) {
    let client = PlainClient(port: port)
    var turn = number
    while !versions.isOver.load(ordering: .sequentiallyConsistent) {
      turn += 1
      let floor = versions.floor.load(ordering: .sequentiallyConsistent)
      guard
        let answer = try? client.send(
          "GET \(paths[turn % paths.count]) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\r\n",
          method: "GET"), let version = Int(answer.body)
      else { continue }
      versions.answers.wrappingAdd(1, ordering: .relaxed)
      if version < floor { versions.stale.wrappingAdd(1, ordering: .relaxed) }
      if answer.head.value("X-Cache")?.hasPrefix("Hit") == true {
        versions.hits.wrappingAdd(1, ordering: .relaxed)
      }
    }
  }
}
