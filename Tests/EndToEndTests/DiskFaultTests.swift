import Foundation
import Synchronization
import TestSupport
import Testing

/// What befalls a disk in life: kills, a full or read-only file system, files and folders that are
/// taken away, system calls that fail. Requests go on with the right bytes, and hits come back by
/// themselves when the fault is gone.
@Suite(.serialized) struct DiskFaultTests {
  private static func store(_ path: String = "cache") -> String {
    """
      memory: { size: 1 MiB, largest: 64 KiB }
      disk: { path: \(path), size: 256 MiB }
    """
  }

  /// A body of its own size, so that another object's bytes show; too large for memory.
  private static func url(_ number: Int) -> (path: String, bytes: Int) {
    let bytes = 200_000 + number * 1000
    return ("/large?bytes=\(bytes)&tag=n\(number)", bytes)
  }

  private func expectWhole(_ edge: Edge, _ number: Int) throws -> CurlAnswer {
    let (path, bytes) = Self.url(number)
    let answer = try edge.get(path)
    #expect(answer.status == 200, "\(path)")
    #expect(answer.bytes.count == bytes, "\(path)")
    return answer
  }

  /// True once a new object of its own is served from the disk.
  private func hitsComeBack(_ edge: Edge, from first: Int) throws -> Bool {
    var number = first
    return try eventually(within: 60) {
      number += 1
      _ = try expectWhole(edge, number)
      return try expectWhole(edge, number).header("X-Cache") == "Hit from edge"
    }
  }

  @Test func killsUnderLoadLoseNoPurgeAndServeNoWrongByte() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port, store: Self.store())
    let reference = try Curl.get("http://127.0.0.1:\(origin.port)/large?bytes=400000").bytes
    var purged = 0
    for round in 0..<5 {
      let isOver = Atomic(false)
      let finished = DispatchSemaphore(value: 0)
      let url = edge.url
      for worker in 0..<2 {
        Thread.detachNewThread {
          var number = worker
          while !isOver.load(ordering: .relaxed) {
            // Whatever the kill leaves of an answer is of no interest here.
            _ = try? Curl.get(url + Self.url(number % 40).path)
            number += 2
          }
          finished.signal()
        }
      }
      // Each purge is acknowledged under the load; the kill follows the last one at once.
      var gone: [Int] = []
      for number in (round * 3)..<(round * 3 + 3) {
        _ = try expectWhole(edge, 100 + number)
        _ = try expectWhole(edge, 100 + number)
        if try edge.invalidate(Self.url(100 + number).path).status == 201 { gone.append(number) }
      }
      edge.killHard()
      isOver.store(true, ordering: .relaxed)
      for _ in 0..<2 { finished.wait() }
      try edge.start()
      for number in gone {
        #expect(try expectWhole(edge, 100 + number).header("X-Cache") == "Miss from edge")
        purged += 1
      }
      for number in 0..<10 {
        let answer = try expectWhole(edge, number)
        #expect(Bool(answer.bytes == reference.prefix(answer.bytes.count)), "\(number)")
      }
    }
    #expect(purged >= 10)
  }

  @Test(.enabled(if: Mount.isPossible, Comment(rawValue: Mount.needed)))
  func aFullFileSystemCostsHitsUntilThereIsRoom() throws {
    let origin = try FixtureOrigin()
    let disk = try Mount.Folder(megabytes: 6)
    let edge = try Edge(originPort: origin.port, store: Self.store(disk.path + "/cache"))
    for number in 0..<40 { _ = try expectWhole(edge, number) }
    #expect(try edge.metric("edge_store_disk_errors_total") > 0)
    // A purge on a disk without room is not acknowledged as durable, or it is durable.
    let answer = try edge.invalidate("/nothing")
    #expect(answer.status == 201 || answer.status >= 500)
    try disk.grow(megabytes: 400)
    #expect(try hitsComeBack(edge, from: 50))
    edge.killHard()
    try edge.start()
    #expect(try hitsComeBack(edge, from: 150))
    edge.killHard()
  }

  @Test func segmentsThatAreTakenAwayAreMissesAndHitsComeBack() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port, store: Self.store())
    for number in 0..<6 { _ = try expectWhole(edge, number) }
    #expect(try expectWhole(edge, 5).header("X-Cache") == "Hit from edge")
    let segments = edge.folder.appendingPathComponent("cache/segments")
    for name in try FileManager.default.contentsOfDirectory(atPath: segments.path) {
      try FileManager.default.removeItem(at: segments.appendingPathComponent(name))
    }
    for number in 0..<6 { _ = try expectWhole(edge, number) }
    #expect(try hitsComeBack(edge, from: 20))
  }

  @Test func aFolderThatVanishesIsMadeAgain() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port, store: Self.store())
    for number in 0..<3 { _ = try expectWhole(edge, number) }
    try FileManager.default.removeItem(at: edge.folder.appendingPathComponent("cache"))
    for number in 0..<6 { _ = try expectWhole(edge, number) }
    #expect(try hitsComeBack(edge, from: 20))
    // The next start finds no superblock and begins anew.
    edge.killHard()
    try edge.start()
    for number in 0..<3 { _ = try expectWhole(edge, number) }
    #expect(try hitsComeBack(edge, from: 60))
  }

  @Test(.enabled(if: Mount.isPossible || getuid() != 0, Comment(rawValue: Mount.needed)))
  func aFolderThatTurnsReadOnlyCostsHitsUntilItIsWritable() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port, store: Self.store())
    for number in 0..<3 { _ = try expectWhole(edge, number) }
    let segments = edge.folder.appendingPathComponent("cache/segments").path
    try Mount.whileReadOnly(segments) {
      for number in 10..<16 { _ = try expectWhole(edge, number) }
      #expect(try edge.metric("edge_store_disk_errors_total") > 0)
      // What was stored before is still there.
      #expect(try expectWhole(edge, 0).header("X-Cache") == "Hit from edge")
    }
    #expect(try hitsComeBack(edge, from: 20))
  }

  private static let hasFaultInjector =
    FileManager.default.isExecutableFile(atPath: "/usr/bin/fiu-run")

  @Test(.enabled(if: hasFaultInjector, "needs fiu-run and fiu-ctrl (package fiu-utils)"))
  func systemCallsThatFailCostHitsAndNoRequest() throws {
    let origin = try FixtureOrigin()
    let pipe = FileManager.default.temporaryDirectory.appendingPathComponent(
      "edge-fiu-\(UUID().uuidString)"
    ).path
    let edge = try Edge(
      originPort: origin.port, store: Self.store(),
      wrapper: ["fiu-run", "-x", "-f", pipe])
    let process = try #require(edge.process)
    func control(_ command: String) throws {
      let result = try ChildProcess.run(
        "/usr/bin/env", ["fiu-ctrl", "-f", pipe, "-c", command, "\(process.identifier)"])
      #expect(result.status == 0, "\(result.output)")
    }
    for call in ["pwrite", "pread"] {
      try control("enable_random name=posix/io/rw/\(call),probability=0.3,failinfo=5")
      for number in 0..<20 { _ = try expectWhole(edge, number % 10) }
      try control("disable name=posix/io/rw/\(call)")
    }
    try control("enable name=posix/io/sync/fdatasync,failinfo=5")
    let refused = try edge.invalidate("/nothing")
    #expect(refused.status != 201 || refused.body.contains("\"durable\":false"))
    try control("disable name=posix/io/sync/fdatasync")
    #expect(
      try eventually { try edge.invalidate("/nothing").body.contains("\"durable\":true") })
    #expect(try hitsComeBack(edge, from: 30))
    #expect(try edge.metric("edge_store_disk_errors_total") > 0)
  }
}
