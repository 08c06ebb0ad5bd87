import Foundation
import TestSupport
import Testing

/// Memory and disk through restarts and kills.
@Suite struct TiersTests {
  private static let store = """
      memory: { size: 1 MiB, largest: 256 KiB }
      disk: { path: cache, size: 256 MiB }
    """

  private func path(_ number: Int) -> String { "/large?bytes=20000&tag=\(number)" }

  /// Stores until two more syncs of the journal have ended: the second one began after all that
  /// was stored before the call.
  private func waitForJournal(_ edge: Edge) throws {
    let before = try edge.metric("edge_store_disk_journal_syncs_total")
    var number = 0
    #expect(
      try eventually {
        number += 1
        _ = try edge.get("/large?bytes=2000000&tag=journal\(number)")
        return try edge.metric("edge_store_disk_journal_syncs_total") >= before + 2
      })
  }

  @Test func whatLeavesMemoryIsFoundOnDiskAndAgainAfterAKill() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port, store: Self.store)
    let count = 150  // 3 MB through 1 MiB of memory
    for _ in 0..<2 {
      for number in 0..<count { #expect(try edge.get(path(number)).status == 200) }
    }
    #expect(try eventually { try edge.metric("edge_store_disk_objects") >= 50 })
    try waitForJournal(edge)
    edge.killHard()
    origin.stop()
    try edge.start()
    #expect(try eventually { try edge.metric("edge_store_disk_objects") >= 50 })
    var hits = 0
    for number in 0..<count {
      let answer = try edge.get(path(number))
      if answer.status == 200 {
        hits += 1
        #expect(answer.header("X-Cache") == "Hit from edge")
        #expect(answer.bytes.count == 20000)
      } else {
        #expect(answer.status == 502)
      }
    }
    #expect(hits >= 50)
  }

  @Test func anObjectTooLargeForMemoryStreamsThroughDiskAndIsServedFromIt() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port, store: Self.store)
    let url = "/large?bytes=30000000"
    let first = try edge.get(url)
    #expect(first.header("X-Cache") == "Miss from edge")
    let second = try edge.get(url)
    #expect(second.header("X-Cache") == "Hit from edge")
    #expect(second.bytes.count == 30_000_000)
    #expect(Bool(second.bytes == first.bytes))
    let part = try edge.get(url, "-r", "29999990-")
    #expect(part.status == 206)
    #expect(part.bytes == first.bytes.suffix(10))
    #expect(try origin.hits("/large") == 1)
    try waitForJournal(edge)
    edge.killHard()
    origin.stop()
    try edge.start()
    #expect(try eventually { try edge.get(url, "-r", "0-9").status == 206 })
    #expect(Bool(try edge.get(url).bytes == first.bytes))
  }

  @Test func aPurgeHoldsAfterAKill() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port, store: Self.store)
    for url in ["/large?bytes=3000000&tag=a", "/large?bytes=3000000&tag=b"] {
      _ = try edge.get(url)
      #expect(try edge.get(url).header("X-Cache") == "Hit from edge")
    }
    try waitForJournal(edge)
    #expect(try edge.invalidate("/large?bytes=3000000&tag=a").status == 201)
    edge.killHard()
    try edge.start()
    #expect(try eventually { try edge.metric("edge_store_disk_objects") >= 1 })
    #expect(try edge.get("/large?bytes=3000000&tag=b").header("X-Cache") == "Hit from edge")
    #expect(try edge.get("/large?bytes=3000000&tag=a").header("X-Cache") == "Miss from edge")
  }

  @Test func aStoreDirectoryThatCannotBeUsedStopsTheStartWithItsPath() throws {
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(originPort: origin.port, store: Self.store)
    let second = try ChildProcess.run(
      Edge.binary, ["serve", "--config", edge.configurationPath],
      environment: ["EDGE_ADMIN_PASSWORD": Edge.password])
    #expect(second.status == 69)
    #expect(second.output.contains("cache"))
  }

  @Test func aDiskThatIsTakenAwayCostsHitsAndNoRequest() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port, store: Self.store)
    let url = "/large?bytes=3000000"
    _ = try edge.get(url)
    let cache = edge.folder.appendingPathComponent("cache")
    for name in try FileManager.default.contentsOfDirectory(atPath: cache.path) {
      try? FileManager.default.removeItem(at: cache.appendingPathComponent(name))
    }
    for number in 0..<5 {
      let answer = try edge.get("/large?bytes=3000000&tag=\(number)")
      #expect(answer.status == 200)
      #expect(answer.bytes.count == 3_000_000)
    }
    #expect(try edge.get(url).status == 200)
  }

  @Test func whatLiesOnDiskIsSealedAndOutlivesARotationOfKeys() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port, store: Self.store)
    let url = "/large?bytes=3000000&tag=a-very-rare-word"
    let first = try edge.get(url)
    try waitForJournal(edge)
    func keys(_ command: String) throws -> String {
      let result = try ChildProcess.run(
        Edge.binary, ["keys", command, "--config", edge.configurationPath],
        environment: ["EDGE_ADMIN_PASSWORD": Edge.password])
      #expect(result.status == 0, "\(result.output)")
      return result.output
    }
    #expect(try keys("list").split(separator: "\n").count == 1)
    #expect(try keys("rotate").hasPrefix("new key "))
    #expect(try eventually { try edge.metric("edge_store_keys") == 2 })
    #expect(try keys("list").split(separator: "\n").filter { $0.hasSuffix("current") }.count == 1)
    let later = try edge.get("/large?bytes=3000000&tag=another-rare-word")
    try waitForJournal(edge)
    edge.killHard()
    origin.stop()
    let cache = edge.folder.appendingPathComponent("cache")
    let files = try FileManager.default.subpathsOfDirectory(atPath: cache.path)
    for file in files.map({ cache.appendingPathComponent($0) }) {
      let bytes = (try? Data(contentsOf: file)) ?? Data()
      for word in ["a-very-rare-word", "another-rare-word"] {
        #expect(bytes.range(of: Data(word.utf8)) == nil, "\(file.path)")
      }
      #expect(bytes.range(of: first.bytes.prefix(64)) == nil, "\(file.path)")
    }
    try edge.start()
    #expect(try eventually { try edge.get(url, "-r", "0-9").status == 206 })
    #expect(Bool(try edge.get(url).bytes == first.bytes))
    #expect(
      Bool(try edge.get("/large?bytes=3000000&tag=another-rare-word").bytes == later.bytes))
    #expect(try edge.metric("edge_store_disk_lost_key_total") == 0)
  }

  @Test func keysOpenToOthersStopTheStartWithTheirPathAndTheRemedy() throws {
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(originPort: origin.port, store: Self.store)
    edge.killHard()
    let keys = edge.folder.appendingPathComponent("cache.keys").path
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: keys)
    let second = try ChildProcess.run(
      Edge.binary, ["serve", "--config", edge.configurationPath],
      environment: ["EDGE_ADMIN_PASSWORD": Edge.password])
    #expect(second.status == 69)
    #expect(second.output.contains("chmod 700 \(keys)"))
  }
}
