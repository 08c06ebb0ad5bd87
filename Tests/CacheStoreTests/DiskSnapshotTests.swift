import Glibc
import Synchronization
import Testing

@testable import CacheStore

/// Kept snapshots: what they bring back, and what they must not.
@Suite struct DiskSnapshotTests {
  /// A wall clock that a test moves.
  private final class TestClock: Sendable {
    let seconds = Mutex<Int64>(1_780_000_000)
    func move(_ count: Int64) { seconds.withLock { $0 += count } }
    var read: @Sendable () -> Int64 { { [self] in seconds.withLock { $0 } } }
  }

  private let device = DiskSimulatedDevice()

  private func store(_ disk: DiskTier) -> MemoryStore {
    let recovered = disk.recoveredInvalidations
    func rules(_ kind: InvalidationKind) -> [InvalidationLog.RecoveredRule] {
      recovered.rules.filter { $0.kind == kind }.map { ($0.sequence, $0.selector) }
    }
    return MemoryStore(
      disk: disk,
      log: InvalidationLog(
        sequence: recovered.sequence, floor: recovered.floor, rules: rules(.hard),
        softFloor: recovered.softFloor, softRules: rules(.soft)))
  }

  /// A store with `count` objects on disk, `/a/0` and so on.
  private func filled(_ count: Int) throws -> (disk: DiskTier, store: MemoryStore) {
    let disk = try openDisk(device)
    let store = store(disk)
    for number in 0..<count { put(number, in: store, disk) }
    disk.synchronize()
    return (disk, store)
  }

  private func path(_ number: Int) -> String { url("/\(number % 2 == 0 ? "a" : "b")/\(number)") }

  private func put(_ number: Int, in store: MemoryStore, _ disk: DiskTier, bytes: Int = 500) {
    let object = store.object(path(number), bytes: bytes, tags: ["t\(number % 3)"])
    _ = store.store.insert(object)
    _ = store.store.spill(object, leftAt: store.store.invalidations.moment)
  }

  private func keep(_ disk: DiskTier) async throws -> KeptSnapshot {
    try await disk.keepSnapshot().get()
  }

  private func restore(_ snapshot: KeptSnapshot) throws -> RestoredSnapshot {
    try DiskTier.restore(
      snapshot.name, configuration: smallDisk(), device: device, logger: quietLogger)
  }

  /// The numbers of the objects that a restarted store finds, with the bytes of their bodies.
  private func found(_ count: Int) throws -> [Int: Int] {
    let disk = try openDisk(device)
    defer { disk.abandon() }
    #expect(disk.statistics.recovery == .complete)
    let store = store(disk)
    var found: [Int: Int] = [:]
    for number in 0..<count {
      if let object = store.find(path(number)) { found[number] = object.wholeBody()?.count }
    }
    return found
  }

  @Test func whatWasThereIsThereAgainAndWhatCameLaterIsGone() async throws {
    let (disk, store) = try filled(20)
    let snapshot = try await keep(disk)
    #expect(snapshot.objectCount == 20)
    for number in 0..<10 { put(number, in: store, disk, bytes: 900) }
    for number in 20..<30 { put(number, in: store, disk) }
    disk.synchronize()
    disk.shutdown()
    let restored = try restore(snapshot)
    #expect(restored.objectCount == 20)
    #expect(restored.invalidatedCount == 0)
    #expect(try found(30) == Dictionary(uniqueKeysWithValues: (0..<20).map { ($0, 500) }))
    // And again after the next start.
    #expect(try found(30).count == 20)
  }

  @Test func whatWasInvalidatedSinceStaysAway() async throws {
    let (disk, store) = try filled(30)
    let snapshot = try await keep(disk)
    _ = await store.store.invalidate([.path(host: nil, pattern: "/a/1*")])
    _ = await store.store.invalidate([.tag(TagHash("t2"))])
    // Worked off, and forgotten by everything but the history.
    store.store.runMaintenance(nowSeconds: 1000)
    disk.synchronize()
    disk.shutdown()
    let again = try openDisk(device)
    let later = self.store(again)
    #expect(again.recoveredInvalidations.rules.isEmpty)
    // One that is still pending at the restore.
    _ = await later.store.invalidate(
      [.url(host: nil, target: "/b/1", ignoresQuery: false)])
    again.abandon()
    let restored = try restore(snapshot)
    let left = Set(try found(30).keys)
    let expected = (0..<30).filter { number in
      !(number % 2 == 0 && "\(number)".hasPrefix("1")) && number % 3 != 2 && number != 1
    }
    #expect(left == Set(expected))
    #expect(restored.invalidatedCount == 30 - expected.count)
  }

  @Test func aFloorAndASoftFloorHoldAfterARestore() async throws {
    let (disk, store) = try filled(10)
    let first = try await keep(disk)
    _ = await store.store.invalidate([.everything])
    for number in 0..<4 { put(number, in: store, disk) }
    disk.synchronize()
    let second = try await keep(disk)
    _ = await store.store.invalidate([.everything], kind: .soft)
    disk.shutdown()
    #expect(try restore(first).objectCount == 0)
    #expect(try found(10).isEmpty)
    _ = second
  }

  @Test func softInvalidationsMarkWhatARestoreBringsBack() async throws {
    let (disk, store) = try filled(6)
    let snapshot = try await keep(disk)
    _ = await store.store.invalidate([.path(host: nil, pattern: "/a/*")], kind: .soft)
    store.store.runMaintenance(nowSeconds: 1000)
    disk.shutdown()
    #expect(try restore(snapshot).objectCount == 6)
    let again = try openDisk(device)
    defer { again.abandon() }
    let later = self.store(again)
    for number in 0..<6 {
      #expect(later.find(path(number))?.isMarkedStale == (number % 2 == 0), "\(number)")
    }
  }

  @Test(arguments: [true, false])
  func aRemovalOfOneObjectHoldsAfterACrashAndARestore(_ isClean: Bool) async throws {
    let (disk, store) = try filled(10)
    let snapshot = try await keep(disk)
    store.store.remove(store.hash(path(3)))
    // This one is not on disk any more when it is removed.
    disk.remove(store.hash(path(4)))
    store.store.remove(store.hash(path(4)))
    disk.synchronize()
    if isClean { disk.shutdown() } else { disk.abandon() }
    if !isClean { device.crash() }
    #expect(try restore(snapshot).objectCount == 8)
    #expect(Set(try found(10).keys) == Set(0..<10).subtracting([3, 4]))
  }

  @Test func whatWasReclaimedIsAMiss() async throws {
    let configuration = smallDisk(sizeBytes: 2 << 20)
    let disk = try openDisk(device, configuration)
    for number in 0..<100 { disk.put(DiskObject(key: "k\(number)", version: 1, count: 4000)) }
    disk.synchronize()
    let snapshot = try await keep(disk)
    for number in 0..<300 { disk.put(DiskObject(key: "n\(number)", version: 1, count: 4000)) }
    disk.synchronize()
    #expect(disk.statistics.reclaimedSegments > 0)
    disk.shutdown()
    let restored = try DiskTier.restore(
      snapshot.name, configuration: configuration, device: device, logger: quietLogger)
    #expect(restored.reclaimedCount > 0)
    #expect(restored.objectCount + restored.reclaimedCount == 100)
    let again = try openDisk(device, configuration)
    defer { again.abandon() }
    let found = (0..<100).count { again.getChecked("k\($0)") != nil }
    #expect(found == restored.objectCount)
    #expect(again.getChecked("n299") == nil)
  }

  @Test func aRestoreThatFailsAnywhereLeavesTheStoreWhole() async throws {
    let (disk, store) = try filled(12)
    let snapshot = try await keep(disk)
    _ = await store.store.invalidate([.path(host: nil, pattern: "/a/*")])
    store.store.runMaintenance(nowSeconds: 1000)
    for number in 12..<16 { put(number, in: store, disk) }
    disk.synchronize()
    disk.shutdown()
    var failing = 1
    var isReached = true
    var whole = 0
    while isReached {
      let copy = device.copy()
      let reached = Monitor(false)
      copy.setFault { operation, _ in
        guard operation == failing else { return nil }
        reached.withLock { $0 = true }
        return EIO
      }
      var restored: RestoredSnapshot?
      do {
        restored = try DiskTier.restore(
          snapshot.name, configuration: smallDisk(), device: copy, logger: quietLogger)
      } catch {
        // It says so; what matters is what is left.
      }
      copy.setFault(nil)
      copy.crash()
      let again = try openDisk(copy)
      let later = self.store(again)
      for number in stride(from: 0, to: 12, by: 2) {
        #expect(later.find(path(number)) == nil, "\(number), operation \(failing)")
      }
      if let restored {
        // A segment that could not be read to compare it is given up.
        let found = (0..<16).count { later.find(path($0)) != nil }
        #expect(found == restored.objectCount, "operation \(failing)")
        #expect(later.find(path(13)) == nil, "operation \(failing)")
        whole += restored.objectCount == 6 ? 1 : 0
      }
      again.abandon()
      isReached = reached.withLock { $0 }
      failing += 1
    }
    #expect(failing > 20)
    #expect(whole > 0)
  }

  @Test func snapshotsAreKeptOnTimeAndForTheirTime() async throws {
    let clock = TestClock()
    var configuration = smallDisk()
    configuration.keptSnapshotInterval = .seconds(600)
    configuration.keptSnapshotLifetime = .seconds(2000)
    configuration.clock = clock.read
    let disk = try openDisk(device, configuration)
    func names() throws -> [String] { try disk.keptSnapshots().get().map(\.name) }
    disk.snapshot()
    #expect(try names() == ["2026-05-28T20-26-40Z"])
    clock.move(599)
    disk.snapshot()
    #expect(try names().count == 1)
    clock.move(1)
    disk.snapshot()
    #expect(try names().count == 2)
    _ = try await keep(disk)
    #expect(try names().last == "2026-05-28T20-36-40Z.2")
    clock.move(1401)
    disk.snapshot()
    #expect(
      try names() == ["2026-05-28T20-36-40Z", "2026-05-28T20-36-40Z.2", "2026-05-28T21-00-01Z"])
    disk.shutdown()
  }

  @Test func aDamagedOrForeignSnapshotIsRefused() async throws {
    let (disk, _) = try filled(5)
    let snapshot = try await keep(disk)
    disk.shutdown()
    #expect(throws: SnapshotFailure.unknown(name: "../superblock")) {
      try DiskTier.restore(
        "../superblock", configuration: smallDisk(), device: device, logger: quietLogger)
    }
    let file = device.files { $0.contains("/snapshots/") }[0]
    let bytes = device.bytes(file)
    var refused = 0
    for place in stride(from: 0, to: bytes.count, by: 11) where place < 56 || place >= 64 {
      let copy = device.copy()
      var damaged = bytes
      damaged[place] ^= 4
      copy.setBytes(file, damaged)
      do {
        // What stands between the tables means nothing.
        let restored = try DiskTier.restore(
          snapshot.name, configuration: smallDisk(), device: copy, logger: quietLogger)
        #expect(restored.objectCount == 5, "byte \(place)")
      } catch {
        #expect(error == .damaged(name: snapshot.name), "byte \(place)")
        refused += 1
      }
    }
    #expect(refused > 20)
    let other = DiskSimulatedDevice()
    try openDisk(other).shutdown()
    other.add(file, bytes)
    #expect(throws: SnapshotFailure.foreign(name: snapshot.name)) {
      try DiskTier.restore(
        snapshot.name, configuration: smallDisk(), device: other, logger: quietLogger)
    }
  }

  @Test func theHistoryIsForgottenWithTheLastSnapshotThatNeedsIt() {
    var state = InvalidationState()
    let step = SnapshotKeeper.disorder
    for number in 1...5 as ClosedRange<UInt64> {
      state.add(sequence: number * step, selectors: [.host("h\(number)")])
    }
    state.markSwept(through: 3 * step)
    #expect(state.history.map(\.sequence) == [step, 2 * step, 3 * step])
    #expect(state.rules.map(\.sequence) == [4 * step, 5 * step])
    state.forgetHistory(through: 2 * step)
    #expect(state.history.map(\.sequence) == [3 * step])
    #expect(state.historyFloor == 2 * step)
    // The log says the same.
    var copy = InvalidationState()
    for entry in state.entries { entry.apply(to: &copy) }
    #expect(copy == state)
    // A log from before there was a history forgets all that it has forgotten.
    var old: [UInt8] = []
    for word in [3, 9, 5, 7] as [UInt64] { old.append(littleEndian: word) }
    #expect(
      old.withUnsafeBytes { InvalidationEntry.decode($0) }
        == .startOver(sequence: 9, floor: 5, softFloor: 7, historyFloor: 9))
  }

  @Test func aHistoryThatGrowsTooLongForgetsItsOldest() {
    var state = InvalidationState()
    let text = String(repeating: "x", count: 2000)
    for number in 1...4000 as ClosedRange<UInt64> {
      state.add(sequence: number, selectors: [.host(text)])
      state.markSwept(through: number)
    }
    #expect(state.historyBytes <= InvalidationState.mostHistoryBytes)
    #expect(state.historyFloor > 0)
    #expect(state.history.first?.sequence == state.historyFloor + 1)
    #expect(state.history.last?.sequence == 4000)
    // Whatever it has forgotten counts as matching where it is needed.
    let judge = RestoreJudge(
      state: state, rulesFrom: 0, hasher: KeyHasher(seed: 0), removals: [RemovalSketch()])
    let key = Array("http://a/b".utf8)
    key.withUnsafeBytes { key in
      let old = InvalidationSubject(
        key: key, fetchSequence: state.historyFloor - 1, tags: .none, attributes: nil)
      let new = InvalidationSubject(
        key: key, fetchSequence: state.historyFloor, tags: .none, attributes: nil)
      #expect(judge.match(old)?.kind == .hard)
      #expect(judge.match(new) == nil)
    }
  }
}

/// The journal's sync policies do what they say.
@Suite struct DiskSyncPolicyTests {
  private func tier(_ device: DiskSimulatedDevice, _ policy: DiskTier.SyncPolicy) throws -> DiskTier
  {
    var configuration = smallDisk()
    configuration.sync = policy
    return try openDisk(device, configuration)
  }

  /// Waits for a condition that the tier's threads bring about.
  private func until(_ condition: () -> Bool) -> Bool {
    for _ in 0..<6000 {
      if condition() { return true }
      usleep(10_000)
    }
    return condition()
  }

  private func isFoundAfterPowerLoss(_ device: DiskSimulatedDevice) throws -> Bool {
    let copy = device.durableCopy()
    let again = try openDisk(copy)
    defer { again.abandon() }
    return again.getChecked("k") != nil
  }

  @Test(arguments: [DiskTier.SyncPolicy.always, .everySecond])
  func whatWasStoredBecomesDurableByItself(_ policy: DiskTier.SyncPolicy) throws {
    let device = DiskSimulatedDevice()
    let tier = try tier(device, policy)
    defer { tier.abandon() }
    tier.put(DiskObject(key: "k", version: 1, count: 900))
    #expect(until { (try? isFoundAfterPowerLoss(device)) == true })
  }

  @Test func alwaysSyncsEachWriteAndNeverSyncsNone() throws {
    for (policy, isSynced) in [(DiskTier.SyncPolicy.always, true), (.never, false)] {
      let device = DiskSimulatedDevice()
      let tier = try tier(device, policy)
      // A second that ends in between makes no difference to either.
      for number in 0..<5 {
        device.clearSyncs()
        tier.put(DiskObject(key: "k\(number)", version: 1, count: 900))
        #expect(until { tier.statistics.writtenObjects == UInt64(number + 1) })
        if isSynced {
          #expect(until { device.syncs.contains { $0.hasSuffix(".segment") } })
          #expect(until { device.syncs.contains { $0.contains("/journal-") } })
        }
      }
      if !isSynced { #expect(device.syncs.isEmpty) }
      tier.abandon()
    }
  }

  @Test func anInvalidationIsSyncedWhateverThePolicy() async throws {
    for policy in [DiskTier.SyncPolicy.always, .everySecond, .never] {
      let device = DiskSimulatedDevice()
      let tier = try tier(device, policy)
      let failure = await tier.recordInvalidation(
        sequence: 1 << 50, selectors: [.host("a.example")])
      #expect(failure == nil)
      let copy = device.durableCopy()
      let again = try openDisk(copy)
      #expect(again.recoveredInvalidations.rules.map(\.selector) == [.host("a.example")])
      again.abandon()
      tier.abandon()
    }
  }

  @Test func aJournalThatFailsIsSaidAtOnceAndThenOnceAMinute() {
    let lines = CollectedLines()
    var report = FailureReport(logger: lines.logger, path: "/store/journal-")
    let start = MonotonicTime.now
    let error = DeviceError(operation: "write", path: "/store/journal-1.log", code: EIO)
    for second in 0..<150 { report.note(error, at: start.advanced(by: .seconds(second))) }
    #expect(lines.all.count == 3)
    #expect(lines.all[0].contains("Input/output error"))
    #expect(lines.all[1].contains("60"))
    report.noteSuccess()
    report.noteSuccess()
    #expect(lines.all.count == 4)
    #expect(lines.all[3].contains("150"))
  }

  @Test func aFailingJournalIsLogged() async throws {
    let lines = CollectedLines()
    let device = DiskSimulatedDevice()
    let tier = try DiskTier(configuration: smallDisk(), device: device, logger: lines.logger)
    tier.waitUntilLoaded()
    device.setFault { _, operation in operation == .write || operation == .create ? EIO : nil }
    let failure = await tier.recordInvalidation(sequence: 1 << 50, selectors: [.host("a")])
    #expect(failure != nil)
    device.setFault(nil)
    #expect(lines.all.contains { $0.contains("invalidations-") && $0.contains("error") })
    tier.abandon()
  }
}
