import Testing

@testable import CacheStore

/// To which disk an object belongs.
@Suite struct DiskPartitionsTests {
  private func owners(_ disks: [(name: String, size: Int)]) -> [String] {
    let partitions = DiskPartitions(disks)
    return (0..<DiskPartitions.count).map { partition in
      disks[partitions.owner(of: KeyHash(high: 0, low: UInt64(partition) << 24))].name
    }
  }

  private func share(_ name: String, _ owners: [String]) -> Double {
    Double(owners.count { $0 == name }) / Double(owners.count)
  }

  @Test(arguments: [
    [("/a", 100), ("/b", 100)], [("/a", 200), ("/b", 1000)], [("/a", 1), ("/b", 2), ("/c", 5)],
    [("/mnt/1/edge", 300 << 30), ("/mnt/2/edge", 300 << 30), ("/mnt/3/edge", 1 << 40)],
  ])
  func eachDiskOwnsItsSizesShare(_ disks: [(name: String, size: Int)]) {
    let owners = owners(disks)
    let sum = Double(disks.reduce(0) { $0 + $1.size })
    for disk in disks {
      let expected = Double(disk.size) / sum
      // Four standard deviations of as many draws.
      let tolerance = 4 * (expected * (1 - expected) / Double(DiskPartitions.count)).squareRoot()
      #expect(abs(share(disk.name, owners) - expected) < tolerance, "\(disk.name)")
    }
  }

  @Test func whereObjectsGoDoesNotFollowFromTheOrder() {
    let one = owners([("/a", 10), ("/b", 20), ("/c", 30)])
    #expect(one == owners([("/c", 30), ("/a", 10), ("/b", 20)]))
  }

  @Test func aDiskThatIsAddedTakesOnlyItsShare() {
    let before = owners([("/a", 10), ("/b", 20)])
    let after = owners([("/a", 10), ("/b", 20), ("/c", 30)])
    let moved = zip(before, after).filter { $0 != $1 }
    #expect(moved.allSatisfy { $0.1 == "/c" })
    #expect(abs(Double(moved.count) / Double(before.count) - 0.5) < 0.02)
  }

  @Test func aDiskThatGrowsOnlyGains() {
    let before = owners([("/a", 10), ("/b", 20)])
    let after = owners([("/a", 30), ("/b", 20)])
    #expect(zip(before, after).allSatisfy { $0 == $1 || $1 == "/a" })
  }

  @Test func oneDiskOwnsAllAndNeedsNoTable() {
    let partitions = DiskPartitions([("/a", 1)])
    #expect(partitions.bitmap(of: 0) == nil)
    #expect(partitions.owner(of: KeyHash(high: 1, low: .max)) == 0)
  }

  @Test func everyPartitionIsInOneBitmapThatItsIndexEntryIsFoundBy() throws {
    let partitions = DiskPartitions([("/a", 3), ("/b", 2), ("/c", 2)])
    let bitmaps = try (0..<3).map { try #require(partitions.bitmap(of: $0)) }
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<2000 {
      let hash = KeyHash(high: generator.next(), low: generator.next())
      let entry = IndexEntry(
        fingerprint: DiskIndex.fingerprint(hash),
        place: RecordPlace(slot: 1, block: 1, blockCount: 1))
      let having = (0..<3).filter { DiskPartitions.has(entry.fingerprint, in: bitmaps[$0]) }
      #expect(having == [partitions.owner(of: hash)])
    }
  }
}
