import Foundation
import TestSupport
import Testing

/// Several paths of the disk tier, through the binary.
@Suite struct DiskPathTests {
  private static let store = """
      memory: { size: 1 MiB, largest: 256 KiB }
      keys: keys
      disk: { paths: [{ path: a/cache, size: 256 MiB }, { path: b/cache, size: 256 MiB }] }
    """

  /// Larger than memory takes: each goes straight to the disk that it belongs to.
  private func path(_ number: Int) -> String { "/large?bytes=300000&tag=\(number)" }
  private let count = 16

  private func started(_ origin: FixtureOrigin) throws -> Edge {
    // The folders above them have to be there.
    let edge = try Edge(originPort: origin.port, store: "  disk: off")
    edge.stop()
    for name in ["a", "b"] {
      try FileManager.default.createDirectory(
        at: edge.folder.appendingPathComponent(name), withIntermediateDirectories: true)
    }
    try edge.reconfigure(store: Self.store)
    try edge.start()
    return edge
  }

  private func hits(_ edge: Edge, _ numbers: some Sequence<Int>) throws -> Set<Int> {
    var hits: Set<Int> = []
    for number in numbers {
      let answer = try edge.get(path(number), "-r", "0-9")
      if answer.header("X-Cache") == "Hit from edge" { hits.insert(number) }
    }
    return hits
  }

  private func waitForIndex(_ edge: Edge) {
    #expect(
      eventually {
        guard let status = try? edge.admin("/v1/status").body else { return false }
        return status.contains("complete") && !status.contains("loading")
      })
  }

  private func waitForJournal(_ edge: Edge) throws {
    let before = try edge.metrics("edge_store_disk_journal_syncs_total")
    var number = 0
    #expect(
      try eventually {
        number += 1
        _ = try edge.get("/large?bytes=300000&tag=journal\(number)")
        let now = try edge.metrics("edge_store_disk_journal_syncs_total")
        return before.allSatisfy { label, count in (now[label] ?? 0) >= count + 2 }
      })
  }

  @Test func aMissingPathCostsItsObjectsAndBringsNothingBack() throws {
    let origin = try FixtureOrigin()
    let edge = try started(origin)
    let all = 0..<count
    for number in all { #expect(try edge.get(path(number)).status == 200) }
    #expect(try hits(edge, all) == Set(all))
    try waitForJournal(edge)
    let objects = try edge.metrics("edge_store_disk_objects")
    #expect(objects.count == 2 && objects.values.allSatisfy { $0 >= 1 })
    edge.killHard()
    try edge.move("b", to: "b.away")
    try edge.start()
    waitForIndex(edge)
    let onA = try hits(edge, all)
    #expect(!onA.isEmpty && onA.count < count)
    #expect(try edge.metrics("edge_store_disk_absent").values.sorted() == [0, 1])
    let status = try edge.admin("/v1/status").body
    #expect(status.contains("\"present\":false") && status.contains("/b/cache"))
    #expect(!FileManager.default.fileExists(atPath: edge.folder.path + "/b"))
    // Everything is purged; that is acknowledged without the path that is missing.
    let answer = try edge.invalidate("/large*")
    #expect(answer.status == 201 && answer.body.contains("\"durable\":true"))
    edge.killHard()
    try edge.move("b.away", to: "b")
    try edge.move("a", to: "a.away")
    try edge.start()
    waitForIndex(edge)
    #expect(try hits(edge, all).isEmpty)
    edge.killHard()
    try edge.move("a.away", to: "a")
    try edge.start()
    waitForIndex(edge)
    #expect(try hits(edge, onA).isEmpty)
  }

  @Test func bothPathsAreWholeAfterAKill() throws {
    let origin = try FixtureOrigin()
    let edge = try started(origin)
    let all = 0..<count
    for number in all { #expect(try edge.get(path(number)).status == 200) }
    try waitForJournal(edge)
    #expect(try edge.invalidate(path(3)).status == 201)
    edge.killHard()
    try edge.start()
    waitForIndex(edge)
    #expect(try hits(edge, all) == Set(all).subtracting([3]))
  }

  @Test func snapshotsAndArchivesAreOfAllPaths() throws {
    let origin = try FixtureOrigin()
    let edge = try started(origin)
    for number in 0..<count { #expect(try edge.get(path(number)).status == 200) }
    try waitForJournal(edge)
    let taken = try edge.admin(
      "/v1/snapshots", "-X", "POST", "-H", "Content-Type: application/json", "-d", "{}")
    #expect(taken.status == 201)
    #expect(try edge.admin("/v1/objects?prefix=http&limit=1000").body.contains("tag=7"))
    #expect(try edge.invalidate(path(5)).status == 201)
    edge.stop()
    let listed = try edge.command("snapshot", "list")
    #expect(listed.output.split(separator: "\n").count == 1)
    let restored = try edge.command("snapshot", "restore", "latest")
    #expect(restored.status == 0, "\(restored.output)")
    let file = edge.folder.path + "/seed"
    let exported = try edge.command("snapshot", "export", file)
    #expect(exported.status == 0, "\(exported.output)")
    for name in ["a/cache", "b/cache", "keys"] {
      try FileManager.default.removeItem(at: edge.folder.appendingPathComponent(name))
    }
    let imported = try edge.command("snapshot", "import", file)
    #expect(imported.status == 0, "\(imported.output)")
    #expect(try edge.command("keys", "list").output.contains("current"))
    try edge.start()
    waitForIndex(edge)
    #expect(try hits(edge, 0..<count) == Set(0..<count).subtracting([5]))
  }

  @Test func oneProcessAtATimeAndOneStoreOnly() throws {
    let origin = try FixtureOrigin()
    let edge = try started(origin)
    let second = try ChildProcess.run(
      Edge.binary, ["serve", "--config", edge.configurationPath],
      environment: ["EDGE_ADMIN_PASSWORD": Edge.password])
    #expect(second.status == 69)
    #expect(second.output.contains("in use by another process"))
    edge.stop()
    // b becomes a copy of a.
    try FileManager.default.removeItem(at: edge.folder.appendingPathComponent("b/cache"))
    try FileManager.default.copyItem(
      at: edge.folder.appendingPathComponent("a/cache"),
      to: edge.folder.appendingPathComponent("b/cache"))
    let copied = try edge.command("serve")
    #expect(copied.status == 69)
    #expect(copied.output.contains("is a copy of"), "\(copied.output)")
  }
}
