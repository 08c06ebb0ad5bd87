import EdgeConfig
import Foundation
import Testing

/// The paths of the disk tier.
@Suite struct DiskOptionTests {
  private func disk(_ lines: String, keys: String = "  keys: /k\n") -> String {
    minimal + "store:\n" + keys + "  disk:\n" + lines
  }

  @Test func severalPathsArriveWithTheirSizes() throws {
    let file = try load(
      disk(
        """
            paths: [{ path: /mnt/a/edge, size: 200 GiB }, { path: b }]
            size: 1 TiB

        """))
    let found = try #require(file.store.disk)
    #expect(found.paths.map(\.path) == ["/mnt/a/edge", "/etc/edge/b"])
    #expect(found.paths.map(\.sizeBytes) == [200 << 30, 1 << 40])
    #expect(found.largestBytes == 5 << 30)
    #expect(file.store.keysDirectory == "/k")
    let again = try load(file.effectiveConfiguration)
    #expect(again.store == file.store)
  }

  @Test func aListOfOneIsAsOnePath() throws {
    let file = try load(disk("    paths: [{ path: /a/edge/, size: 256 MiB }]\n", keys: ""))
    #expect(file.store.keysDirectory == "/a/edge.keys")
    #expect(file.store.disk?.largestBytes == 256 << 20)
  }

  @Test(arguments: [
    ("    path: /a\n    paths: [{ path: /b }]\n", "edge.conf:8:12: 'path' and 'paths' exclude"),
    ("    size: 1 GiB\n", "missing option 'path' (such as path: var/cache)"),
    ("    paths: []\n", "'paths'"),
    ("    paths: [{ path: /a }, { size: 1 GiB }]\n", "missing option 'path'"),
    (
      "    paths:\n      - path: /a\n      - path: /b\n      - path: /a/./\n",
      "edge.conf:10:15: 'path' /a is the folder already named at line 8"
    ),
    (
      "    paths:\n      - path: /a\n      - path: /a/b\n",
      "edge.conf:9:15: 'path' /a/b and that at line 8 lie in one another"
    ),
    (
      "    paths:\n      - path: /k/a\n      - path: /b\n",
      "edge.conf:5:9: 'keys' /k and the path at line 8 lie in one another"
    ),
    (
      "    paths:\n      - path: /\n      - path: /b\n",
      "'path' /b and that at line 8 lie in one another"
    ),
    (
      "    paths: [{ path: /a, size: 1 GiB }, { path: /b, size: 2 GiB }]\n    largest: 3 GiB\n",
      "'largest' is 3 GiB, above 'size' of 2 GiB"
    ),
  ])
  func mistakesAreNamed(_ lines: String, _ fault: String) {
    let found = faults(disk(lines))
    #expect(found.contains { $0.contains(fault) }, "\(found)")
  }

  @Test func severalPathsNeedKeysElsewhere() {
    let found = faults(disk("    paths: [{ path: /a }, { path: /b }]\n", keys: ""))
    #expect(found.count == 1)
    #expect(found.first?.hasPrefix("edge.conf:6:12: 'paths' names several folders, so") == true)
    #expect(found.first?.contains("(such as keys: /var/lib/edge/keys)") == true, "\(found)")
  }

  @Test func aPathThatIsALinkToAnotherIsFoundOut() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "paths-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent("real"), withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createSymbolicLink(
      at: folder.appendingPathComponent("link"),
      withDestinationURL: folder.appendingPathComponent("real"))
    let found = faults(
      disk(
        "    paths:\n      - path: \(folder.path)/real/edge\n"
          + "      - path: \(folder.path)/link/edge\n"))
    #expect(found.contains { $0.contains("is the folder already named at line 8") }, "\(found)")
  }
}
