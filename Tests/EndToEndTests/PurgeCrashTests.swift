import Foundation
import Synchronization
import Testing

/// The process is killed at random moments under load; what was purged before stays purged.
@Suite struct PurgeCrashTests {
  private static let kills = 50
  private static let paths = (0..<24).map { "/\($0 % 3)/\($0)" }

  /// Per path: what the origin has, and below what nobody may be served any more.
  private final class Versions: Sendable {
    let current = Mutex([String: Int]())
    let floors = Mutex([String: Int]())
    let isKilled = Atomic<Bool>(false)
    let acknowledged = Atomic<Int>(0)

    func bump(_ path: String) -> Int {
      current.withLock { current in
        current[path, default: 1] += 1
        return current[path] ?? 1
      }
    }

    func raise(_ path: String, to version: Int) {
      floors.withLock { $0[path] = max($0[path] ?? 0, version) }
    }
  }

  private func origin(_ versions: Versions) throws -> ScriptedOrigin {
    try ScriptedOrigin { request, connection in
      let path = String(request.split(separator: " ").dropFirst().first ?? "")
      let body = "\(versions.current.withLock { $0[path] ?? 1 })"
      connection.send(
        "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\nCache-Control: max-age=3600\r\n"
          + "Cache-Tag: group\(path.dropFirst().first ?? "0")\r\n\r\n\(body)")
      return true
    }
  }

  @Test func aPurgeThatWasAcknowledgedHoldsAfterTheKill() throws {
    let versions = Versions()
    let origin = try origin(versions)
    defer { origin.stop() }
    let edge = try Edge(
      originPort: origin.port, route: "    tags: [Cache-Tag]",
      store: "  memory: { size: 64 MiB, idle: 1 s }\n  disk: { path: cache, size: 256 MiB }")
    for round in 0..<Self.kills {
      versions.isKilled.store(false, ordering: .sequentiallyConsistent)
      let group = DispatchGroup()
      let (port, adminPort) = (edge.port, edge.adminPort)
      for number in 0..<3 {
        group.enter()
        Thread.detachNewThread {
          if number == 0 { Self.purge(adminPort, versions) } else { Self.load(port, versions) }
          group.leave()
        }
      }
      usleep(UInt32.random(in: 20_000..<250_000))
      edge.killHard()
      versions.isKilled.store(true, ordering: .sequentiallyConsistent)
      group.wait()
      try edge.start()
      let client = PlainClient(port: edge.port)
      for path in Self.paths {
        let answer = try client.send(
          "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(edge.port)\r\n\r\n", method: "GET")
        let floor = versions.floors.withLock { $0[path] ?? 0 }
        #expect(
          (Int(answer.body) ?? -1) >= floor,
          "kill \(round): \(path) has \(answer.body), purged up to \(floor)")
      }
    }
    #expect(versions.acknowledged.load(ordering: .relaxed) > Self.kills)
  }

  /// Changes something at the origin, purges it, and notes that the edge has acknowledged that.
  private static func purge(_ port: Int, _ versions: Versions) {
    let admin = PlainClient(port: port)
    let login = Data("admin:\(Edge.password)".utf8).base64EncodedString()
    let head = "Host: 127.0.0.1:\(port)\r\nAuthorization: Basic \(login)\r\n"
    while !versions.isKilled.load(ordering: .sequentiallyConsistent) {
      let group = Int.random(in: 0..<3)
      let members = paths.filter { $0.hasPrefix("/\(group)/") }
      let path = members.randomElement() ?? "/"
      let (changed, request) =
        switch Int.random(in: 0..<4) {
        case 0: (members, post("/v1/invalidations", "{\"tags\": [\"group\(group)\"]}", head))
        case 1: (members, post("/v1/invalidations", "{\"paths\": [\"/\(group)/*\"]}", head))
        case 2: (paths, post("/v1/invalidations", "{\"paths\": [\"/*\"]}", head))
        default: ([path], "PURGE \(path) HTTP/1.1\r\n\(head)\r\n")
        }
      let versionsNow = changed.map { ($0, versions.bump($0)) }
      guard let answer = try? admin.send(request, method: "POST"), answer.isWhole,
        200...201 ~= answer.status, answer.body.contains("\"durable\":true")
      else { continue }
      for (path, version) in versionsNow { versions.raise(path, to: version) }
      versions.acknowledged.wrappingAdd(1, ordering: .relaxed)
    }
  }

  private static func post(_ path: String, _ body: String, _ head: String) -> String {
    "POST \(path) HTTP/1.1\r\n\(head)Content-Type: application/json\r\n"
      + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  private static func load(_ port: Int, _ versions: Versions) {
    let client = PlainClient(port: port)
    while !versions.isKilled.load(ordering: .sequentiallyConsistent) {
      let path = paths.randomElement() ?? "/"
      _ = try? client.send(
        "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\r\n", method: "GET")
    }
  }
}
