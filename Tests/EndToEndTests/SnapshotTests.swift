import Foundation
import TestSupport
import Testing

/// `edge snapshot` and `/v1/snapshots` on the real binary.
@Suite struct SnapshotTests {
  private static let store = """
      memory: { size: 1 MiB, largest: 64 KiB }
      disk: { path: cache, size: 256 MiB, snapshots: { every: 1 hour, keep: 2 days } }
    """

  private func path(_ name: String) -> String { "/large?bytes=300000&tag=\(name)" }

  /// The same for edges on different ports.
  private static let host = "seed.test"

  private func fill(_ edge: Edge, _ names: [String], host: String? = nil) throws {
    for name in names {
      #expect(
        try eventually {
          let answer =
            try host.map { try edge.get(path(name), "-H", "Host: \($0)") } ?? edge.get(path(name))
          return answer.header("X-Cache") == "Hit from edge"
        })
    }
  }

  private func names(_ edge: Edge) throws -> [String] {
    let list = try edge.command("snapshot", "list", "--json")
    #expect(list.status == 0, "\(list.output)")
    let fields = try JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [String: Any]
    return (fields?["snapshots"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
  }

  @Test func aSnapshotIsMadeListedAndBroughtBackWithoutWhatWasPurged() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port, store: Self.store)
    try fill(edge, ["a", "b", "c"])
    let made = try edge.command("snapshot", "create")
    #expect(made.status == 0, "\(made.output)")
    #expect(made.output.contains("(3 objects)"), "\(made.output)")
    let answer = try edge.admin("/v1/snapshots")
    #expect(answer.status == 200)
    let name = try #require(try names(edge).last)
    #expect(answer.body.contains(name))
    #expect(
      try edge.admin("/v1/snapshots", "-X", "POST", "-d", "{}").status == 415)

    try fill(edge, ["d"])
    #expect(try edge.invalidate(path("b")).status == 201)
    let early = try edge.command("snapshot", "restore", name)
    #expect(early.status == 69)
    #expect(early.output.contains("stop it first"), "\(early.output)")
    edge.killHard()

    let restored = try edge.command("snapshot", "restore", name)
    #expect(restored.status == 0, "\(restored.output)")
    #expect(restored.output.contains("2 objects"), "\(restored.output)")
    // On a stopped store, too.
    let another = try edge.command("snapshot", "create")
    #expect(another.output.contains("(2 objects)"), "\(another.output)")
    #expect(try names(edge).count >= 2)
    origin.stop()
    try edge.start()
    #expect(try eventually { try edge.metric("edge_store_disk_objects") == 2 })
    #expect(try edge.get(path("a")).header("X-Cache") == "Hit from edge")
    #expect(try edge.get(path("c")).bytes.count == 300_000)
    // Purged, and stored after the snapshot: the origin is gone, so neither can be had.
    #expect(try edge.get(path("b")).status == 502)
    #expect(try edge.get(path("d")).status == 502)
  }

  @Test func anExportSeedsAnotherEdge() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port, store: Self.store)
    try fill(edge, ["a", "b", "c"], host: Self.host)
    #expect(try edge.invalidate(path("b")).status == 201)
    let file = edge.folder.appendingPathComponent("seed").path
    let early = try edge.command("snapshot", "export", file)
    #expect(early.status != 0)
    #expect(early.output.contains("running"), "\(early.output)")
    edge.stop()
    let exported = try edge.command("snapshot", "export", file)
    #expect(exported.status == 0, "\(exported.output)")
    #expect(exported.output.contains("exported 2 objects"), "\(exported.output)")
    let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
    #expect(mode == 0o600)

    let other = try Edge(originPort: origin.port, store: Self.store)
    other.stop()
    let imported = try other.command("snapshot", "import", file)
    #expect(imported.status == 0, "\(imported.output)")
    #expect(imported.output.contains("imported 2 objects"), "\(imported.output)")
    // Once more, they are there already.
    let again = try other.command("snapshot", "import", file)
    #expect(again.output.contains("imported 0 objects"), "\(again.output)")
    origin.stop()
    try other.start()
    #expect(try eventually { try other.metric("edge_store_disk_objects") == 2 })
    for name in ["a", "c"] {
      let answer = try other.get(path(name), "-H", "Host: \(Self.host)")
      #expect(answer.header("X-Cache") == "Hit from edge")
      #expect(answer.bytes.count == 300_000)
    }
    #expect(try other.get(path("b"), "-H", "Host: \(Self.host)").status == 502)
    other.stop()

    // Cut short, it is refused with the reason, and what came before the cut is kept.
    let cut = edge.folder.appendingPathComponent("cut").path
    let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    try bytes.prefix(bytes.count - 1000).write(to: URL(fileURLWithPath: cut))
    let third = try Edge(originPort: other.originPort, store: Self.store)
    third.stop()
    let broken = try third.command("snapshot", "import", cut)
    #expect(broken.status == 1)
    #expect(broken.output.contains("edge snapshot import:"), "\(broken.output)")
  }

  @Test func whatCannotBeDoneIsSaid() throws {
    let origin = try ScriptedOrigin.constant("x")
    let edge = try Edge(originPort: origin.port)
    let without = try edge.command("snapshot", "create")
    #expect(without.status == 78)
    #expect(without.output.contains("store.disk"))
    #expect(
      try edge.admin(
        "/v1/snapshots", "-X", "POST", "-H", "Content-Type: application/json", "-d", "{}"
      ).status == 409)
    let disk = try Edge(originPort: origin.port, store: Self.store)
    disk.stop()
    let unknown = try disk.command("snapshot", "restore", "2020-01-01T00-00-00Z")
    #expect(unknown.status == 1)
    #expect(unknown.output.contains("snapshot list"))
  }
}
