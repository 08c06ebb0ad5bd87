import Glibc
import NIOCore
import Testing

@testable import CacheStore

/// A store on several disks.
@Suite struct DiskSetTests {
  private let array = DiskArray(["a", "b", "c", "keys"])
  private let paths = (0..<60).map { url("/\($0)") }

  /// A set with all objects on disk, and what it is told by.
  private func filled(
    _ names: [String] = ["a", "b"], witness: String? = witnessPath
  ) throws -> MemoryStore {
    let memory = MemoryStore(try openSet(array, names, witness: witness))
    for path in paths { memory.spill(path, tags: ["t"]) }
    memory.store.disk?.synchronize()
    return memory
  }

  /// As after a kill and a loss of power, with an empty memory.
  private func reopened(
    _ memory: MemoryStore, _ names: [String] = ["a", "b"], missing: Set<String> = [],
    witness: String? = witnessPath
  ) throws -> MemoryStore {
    memory.store.disk?.abandon()
    for device in array.devices.values { device.crash() }
    array.setMissing(missing)
    return MemoryStore(try openSet(array, names, witness: witness))
  }

  private func found(_ memory: MemoryStore) -> Set<String> {
    Set(paths.filter { memory.find($0) != nil })
  }

  private func owned(_ memory: MemoryStore, by disk: Int) -> Set<String> {
    Set(paths.filter { memory.disk(of: $0) == disk })
  }

  @Test func objectsAreSpreadAndFoundAgain() throws {
    let first = try filled(["a", "b", "c"])
    for disk in 0..<3 {
      let mine = owned(first, by: disk)
      #expect(mine.count > 5)
      #expect(first.store.disk?.disks[disk].tier?.statistics.objects == mine.count)
    }
    #expect(first.store.statistics.disk?.objects == 60)
    let second = try reopened(first, ["a", "b", "c"])
    defer { second.store.disk?.abandon() }
    #expect(found(second) == Set(paths))
    #expect(second.store.statistics.diskPaths.map(\.path) == ["/a/store", "/b/store", "/c/store"])
  }

  @Test func aMissingDiskCostsItsOwnObjectsAndGivesUpWhatItHadWhenItIsBack() async throws {
    let first = try filled()
    let onB = owned(first, by: 1)
    let without = try reopened(first, missing: ["b"])
    #expect(without.store.disk?.tiers.count == 1)
    #expect(found(without) == Set(paths).subtracting(onB))
    #expect(without.store.statistics.diskPaths.map { $0.statistics != nil } == [true, false])
    #expect(without.store.statistics.disk?.isDegraded == true)
    // Its objects are fetched and kept in memory, no more.
    let path = try #require(onB.first)
    #expect(without.insert(path) && without.holds(path))
    #expect(without.store.beginSpool(for: without.hash(path), expectedBytes: nil) == nil)
    let receipt = await without.store.invalidate([.tag(TagHash("t"))])
    #expect(receipt.isDurable)
    let back = try reopened(without)
    #expect(found(back).isEmpty)
    back.spill(path)
    back.store.disk?.synchronize()
    let again = try reopened(back)
    defer { again.store.disk?.abandon() }
    #expect(found(again) == [path])
  }

  @Test func aDiskThatWasAwayIsFoundOutWhenTheOthersAreMissing() async throws {
    let first = try filled()
    let without = try reopened(first, missing: ["b"])
    let withoutReceipt = await without.store.invalidate([.everything])
    #expect(withoutReceipt.isDurable)
    let alone = try reopened(without, missing: ["a"])
    defer { alone.store.disk?.abandon() }
    #expect(found(alone).isEmpty)
  }

  @Test func whatBelongsToAMissingDiskDoesNotKeepOthersFromTheirs() throws {
    array.setMissing(["b"])
    let memory = MemoryStore(try openSet(array, ["a", "b"]))
    defer { memory.store.disk?.abandon() }
    for path in paths {
      memory.insert(path)
      memory.lookup(path)
    }
    let onA = owned(memory, by: 0)
    memory.store.runMaintenance(nowSeconds: 1001)
    memory.store.disk?.synchronize()
    #expect(memory.store.disk?.tiers[0].statistics.objects == onA.count)
    // Idle ones leave memory, those that would be lost stay.
    memory.store.runMaintenance(nowSeconds: 5000)
    #expect(Set(paths.filter { memory.holds($0) }) == Set(paths).subtracting(onA))
  }

  @Test func snapshotsAndArchivesAreOfAllDisks() async throws {
    let first = try filled()
    let set = try #require(first.store.disk)
    let kept = try await set.keepSnapshot().get()
    #expect(kept.objectCount == 60)
    #expect(try set.keptSnapshots().get() == [kept])
    let taken = try #require(owned(first, by: 1).first)
    first.store.remove(first.hash(taken))
    _ = await first.store.invalidate([.url(host: nil, target: "/7", ignoresQuery: true)])
    set.synchronize()
    set.abandon()
    let restored = try DiskSet.restore(
      kept.name, configurations: ["a", "b"].map { smallDisk("/\($0)/store") },
      witnessPath: witnessPath, device: array, logger: quietLogger)
    #expect(restored.objectCount == 58 && restored.invalidatedCount == 2)
    #expect(restored.untouchedPaths.isEmpty)
    let second = MemoryStore(try openSet(array, ["a", "b"]))
    let expected = Set(paths).subtracting([taken, url("/7")])
    #expect(found(second) == expected)
    second.store.disk?.abandon()
    let again = try openSet(array, ["a", "b"])
    var bytes: [UInt8] = []
    let report = try await again.exportObjects(on: DiskTestLoop.shared) { bytes += $0 }
    #expect(report.objects == 58)
    again.abandon()
    let other = MemoryStore(try openSet(array, ["c"], witness: nil))
    defer { other.store.disk?.abandon() }
    var archive = ArchiveImport(
      into: try #require(other.store.disk), on: DiskTestLoop.shared)
    var rest = bytes[...]
    let taking = try await archive.run { count in
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }
    #expect(taking.objects == 58)
    #expect(found(other) == expected)
  }

  @Test func aListingGoesOnFromDiskToDisk() async throws {
    let first = try filled()
    let second = try reopened(first)
    defer { second.store.disk?.abandon() }
    var cursor: ObjectCursor? = .start
    var listed: [String] = []
    while let next = cursor {
      let text = try #require(ObjectCursor("\(next)"))
      #expect(text == next)
      let page = await second.store.objects(prefix: Array("http".utf8), after: text, limit: 7)
      listed += page.objects.map(\.url)
      cursor = page.next
    }
    #expect(listed.count == 60 && Set(listed) == Set(paths))
    let count = await second.store.countMatches([.tag(TagHash("t"))], sampleLimit: 5)
    #expect(count.disk == 60 && count.samples.count == 5)
  }

  @Test func aRemovalWhileADiskIsAwayHolds() throws {
    let first = try filled()
    let path = try #require(owned(first, by: 1).first)
    let without = try reopened(first, missing: ["b"])
    without.store.remove(without.hash(path))
    let back = try reopened(without)
    defer { back.store.disk?.abandon() }
    #expect(back.find(path) == nil)
  }

  @Test func oneDiskThatLostTheLastInvalidationGetsItFromTheOther() async throws {
    let first = try filled()
    let number = array["a"].monitor.withLock { $0.durableNames.count }
    #expect(number > 0)
    let copy = array["a"].durableCopy()
    let firstReceipt = await first.store.invalidate([.tag(TagHash("t"))])
    #expect(firstReceipt.isDurable)
    first.store.disk?.abandon()
    // Disk a as it was a moment ago, as if it had lied about a sync.
    for path in array["a"].files({ _ in true }) { try array["a"].unlink(path) }
    for path in copy.files({ _ in true }) { array["a"].add(path, copy.bytes(path)) }
    let second = MemoryStore(try openSet(array, ["a", "b"]))
    defer { second.store.disk?.abandon() }
    #expect(found(second).isEmpty)
  }

  @Test func anInvalidationThatADiskCannotLogIsAcknowledgedWithoutIt() async throws {
    let first = try filled()
    let onB = owned(first, by: 1)
    array["b"].setFault { _, operation in
      [.write, .create, .sync].contains(operation) ? EIO : nil
    }
    let receipt = await first.store.invalidate([.tag(TagHash("t"))])
    #expect(receipt.isDurable && receipt.failure == nil)
    #expect(first.store.statistics.diskPaths.map(\.isOut) == [false, true])
    #expect(onB.allSatisfy { first.find($0) == nil })
    array["b"].setFault(nil)
    // Whichever of them is there.
    let alone = try reopened(first, missing: ["a"])
    defer { alone.store.disk?.abandon() }
    #expect(found(alone).isEmpty)
  }

  @Test func aDiskThatLogsAgainIsTakenBackWithAllItHas() async throws {
    let first = try filled()
    array["b"].setFault { _, operation in
      [.write, .create, .sync].contains(operation) ? EIO : nil
    }
    let firstReceipt = await first.store.invalidate([.host("other.example")])
    #expect(firstReceipt.isDurable)
    array["b"].setFault(nil)
    // A write that was under way may fail the first attempts.
    for _ in 0..<1000 where first.store.statistics.diskPaths[1].isOut {
      first.store.disk?.maintain()
    }
    #expect(first.store.statistics.diskPaths.map(\.isOut) == [false, false])
    first.store.disk?.synchronize()
    let second = try reopened(first)
    defer { second.store.disk?.abandon() }
    #expect(found(second) == Set(paths))
  }

  @Test func withoutARecordBesideTheKeysNothingIsAcknowledgedWithoutADisk() async throws {
    let first = try filled(witness: nil)
    defer { first.store.disk?.abandon() }
    array["b"].setFault { _, operation in
      [.write, .create, .sync].contains(operation) ? EIO : nil
    }
    let receipt = await first.store.invalidate([.tag(TagHash("t"))])
    #expect(!receipt.isDurable)
    #expect(receipt.failure?.contains("/b/store") == true)
  }

  @Test func nothingIsAcknowledgedWhenNoDiskCanLogIt() async throws {
    let first = try filled()
    defer { first.store.disk?.abandon() }
    for name in ["a", "b"] {
      array[name].setFault { _, operation in
        [.write, .create, .sync].contains(operation) ? EIO : nil
      }
    }
    let receipt = await first.store.invalidate([.tag(TagHash("t"))])
    #expect(!receipt.isDurable)
  }

  @Test func whatWentToAnotherDiskDoesNotComeBack() throws {
    let first = try filled(["a"])
    // b joins and takes its share; a's copies of that must not be found again.
    let both = try reopened(first, ["a", "b"])
    let moved = owned(both, by: 1)
    #expect(moved.count > 10)
    #expect(found(both) == Set(paths).subtracting(moved))
    let alone = try reopened(both, ["a"])
    defer { alone.store.disk?.abandon() }
    #expect(found(alone) == Set(paths).subtracting(moved))
  }

  @Test func aPathThatIsTakenOutAndPutBackGivesUpWhatItHeld() async throws {
    let first = try filled()
    let onA = owned(first, by: 0)
    let alone = try reopened(first, ["a"])
    let aloneReceipt = await alone.store.invalidate([.host("nowhere.example")])
    #expect(aloneReceipt.isDurable)
    let both = try reopened(alone)
    defer { both.store.disk?.abandon() }
    #expect(found(both) == onA)
  }

  @Test func pointingBackAtAnEarlierFolderBringsNothingBack() async throws {
    let first = try filled(["a"])
    let other = try reopened(first, ["b"])
    let otherReceipt = await other.store.invalidate([.tag(TagHash("t"))])
    #expect(otherReceipt.isDurable)
    let back = try reopened(other, ["a"])
    defer { back.store.disk?.abandon() }
    #expect(found(back).isEmpty)
  }

  @Test func twoStoresAndCopiesStopTheStart() throws {
    let first = try filled(["a"], witness: nil)
    first.store.disk?.abandon()
    let second = MemoryStore(try openSet(array, ["b"], witness: nil))
    second.store.disk?.abandon()
    do {
      _ = try openSet(array, ["a", "b"], witness: nil)
      Issue.record("two stores became one")
    } catch let error as StoreError {
      #expect("\(error)".contains("/b/store: it holds another store than /a/store; remove its"))
    }
    for path in array["a"].files({ _ in true }) {
      array["c"].add("/c" + path.dropFirst(2), array["a"].bytes(path))
    }
    do {
      _ = try openSet(array, ["a", "c"], witness: nil)
      Issue.record("a copy is no disk of its own")
    } catch let error as StoreError {
      #expect("\(error)".contains("/c/store: it is a copy of /a/store"))
    }
  }

  @Test func oneStoreTwiceIsInUse() throws {
    let first = try filled()
    defer { first.store.disk?.abandon() }
    #expect(throws: StoreError.self) { try openSet(array, ["b", "c"]) }
    #expect(throws: StoreError.self) { try openSet(array, ["c", "c"]) }
  }

  @Test func allDisksMissingIsAnError() throws {
    array.setMissing(["a", "b"])
    #expect(throws: StoreError.self) { try openSet(array, ["a", "b"]) }
    array.setMissing(["keys"])
    #expect(throws: StoreError.self) { try openSet(array, ["a", "b"]) }
  }

  /// Whatever fails first at a start, nothing that was invalidated is there at the next.
  @Test(arguments: [["a"], ["b"], ["keys"], ["a", "b"]])
  func aStartThatFailsAnywhereRevivesNothing(_ failing: [String]) async throws {
    var number = 1
    var isThrough = false
    while !isThrough {
      let array = DiskArray(["a", "b", "keys"])
      let first = MemoryStore(try openSet(array, ["a", "b"]))
      for path in paths.prefix(20) { first.spill(path, tags: ["t"]) }
      first.store.disk?.synchronize()
      first.store.disk?.abandon()
      // b was away while something was invalidated; its return fails at some place.
      array.setMissing(["b"])
      let alone = MemoryStore(try openSet(array, ["a", "b"]))
      let aloneReceipt = await alone.store.invalidate([.tag(TagHash("t"))])
      #expect(aloneReceipt.isDurable)
      alone.store.disk?.abandon()
      array.setMissing([])
      let failed = number
      for name in failing { array[name].setFault { count, _ in count == failed ? EIO : nil } }
      if let broken = try? openSet(array, ["a", "b"]) { broken.abandon() }
      isThrough = failing.allSatisfy { array[$0].operations < failed }
      for device in array.devices.values {
        device.setFault(nil)
        device.crash()
      }
      let again = MemoryStore(try openSet(array, ["a", "b"]))
      #expect(paths.allSatisfy { again.find($0) == nil }, "operation \(number)")
      again.store.disk?.abandon()
      number += 1
    }
    #expect(number > 5)
  }

  /// A start that is cut short anywhere costs nothing that was there.
  @Test func aStartThatIsCutShortGivesUpNothing() async throws {
    var number = 1
    var isThrough = false
    while !isThrough {
      let array = DiskArray(["a", "b", "c", "keys"])
      let first = MemoryStore(try openSet(array, ["a", "b"]))
      for path in paths.prefix(20) { first.spill(path) }
      first.store.disk?.synchronize()
      first.store.disk?.abandon()
      // c joins; from one operation on nothing reaches any device any more.
      let failed = number
      let operations = Monitor(0)
      for device in array.devices.values {
        device.setFault { _, _ in
          operations.withLock { count in
            count += 1
            return count >= failed ? EIO : nil
          }
        }
      }
      if let broken = try? openSet(array, ["a", "b", "c"]) { broken.abandon() }
      isThrough = operations.withLock { $0 } < failed
      for device in array.devices.values {
        device.setFault(nil)
        device.crash()
      }
      let again = MemoryStore(try openSet(array, ["a", "b", "c"]))
      let kept = paths.prefix(20).filter { again.find($0) != nil }
      let expected = paths.prefix(20).filter { again.disk(of: $0) != 2 }
      if !isThrough { #expect(kept == expected, "operation \(number)") }
      again.store.disk?.abandon()
      number += 1
    }
    #expect(number > 5)
  }
}
