import Testing

@testable import CacheStore

@Suite struct DiskInvalidationTests {
  @Test func anAcknowledgedInvalidationSurvivesAPowerLoss() async throws {
    for seed in 0..<20 {
      var generator = DiskRandom(seed: UInt64(seed))
      let device = DiskSimulatedDevice()
      let first = try openDisk(device)
      let selectors: [InvalidationSelector] = [
        .path(host: nil, pattern: "/a/*"), .path(host: "b.example", pattern: "/x"),
      ]
      #expect(await first.recordInvalidation(sequence: 10, selectors: selectors) == nil)
      #expect(await first.recordInvalidation(sequence: 20, selectors: [.everything]) == nil)
      let last: [InvalidationSelector] = [.path(host: nil, pattern: "/c?d=*")]
      #expect(await first.recordInvalidation(sequence: 30, selectors: last) == nil)
      first.abandon()
      device.crash(tearing: &generator, isTearing: seed > 0)
      let second = try openDisk(device)
      let recovered = second.recoveredInvalidations
      #expect(recovered.floor == 20)
      #expect(recovered.sequence >= 30)
      #expect(recovered.rules.map(\.sequence) == [30])
      #expect(recovered.rules.map(\.selector) == last)
      second.shutdown()
    }
  }

  @Test func rulesSurviveManyRestartsUntilTheyAreSwept() async throws {
    let device = DiskSimulatedDevice()
    let rule: [InvalidationSelector] = [.path(host: "h", pattern: "/p*")]
    var tier = try openDisk(device)
    #expect(await tier.recordInvalidation(sequence: 5, selectors: rule) == nil)
    for round in 0..<3 {
      if round == 1 { tier.shutdown() } else { tier.abandon() }
      device.crash()
      tier = try openDisk(device)
      #expect(tier.recoveredInvalidations.rules.map(\.selector) == rule)
    }
    #expect(tier.sweep(upTo: 5) { _, _ in false })
    tier.shutdown()
    device.crash()
    tier = try openDisk(device)
    #expect(tier.recoveredInvalidations.rules.isEmpty)
    tier.shutdown()
  }

  @Test func aSweepTakesWhatMatchesEverywhere() async throws {
    let device = DiskSimulatedDevice()
    let first = try openDisk(device)
    for number in 0..<300 {
      first.put(DiskObject(key: "old\(number)", version: 1, count: 2000, sequence: 1))
    }
    #expect(
      first.spool(DiskObject(key: "oldlarge", version: 1, count: 200_000, sequence: 1)) != nil)
    first.synchronize()
    // Segments with a footer, and one that a crash left without.
    first.abandon()
    let second = try openDisk(device)
    for number in 0..<100 {
      second.put(DiskObject(key: "new\(number)", version: 1, count: 2000, sequence: 1))
    }
    second.put(DiskObject(key: "late", version: 1, count: 2000, sequence: 9))
    let takes: @Sendable (UnsafeRawBufferPointer, UInt64) -> Bool = { key, sequence in
      sequence < 9 && (key.last ?? 0) % 2 == 0 || key.count == 8
    }
    #expect(second.sweep(upTo: 9, takes))
    func expectSwept(_ tier: DiskTier) {
      for number in 0..<300 {
        #expect((tier.getChecked("old\(number)") != nil) == (number % 2 == 1))
      }
      for number in 0..<100 {
        #expect((tier.getChecked("new\(number)") != nil) == (number % 2 == 1))
      }
      #expect(tier.getChecked("oldlarge") == nil)
      #expect(tier.getChecked("late") != nil)
    }
    second.synchronize()
    expectSwept(second)
    second.abandon()
    device.crash()
    let third = try openDisk(device)
    expectSwept(third)
    third.shutdown()
  }

  @Test func whatASweepTookDoesNotArriveAfterIt() async throws {
    let tier = try openDisk(DiskSimulatedDevice())
    defer { tier.shutdown() }
    #expect(tier.sweep(upTo: 9) { _, sequence in sequence < 9 })
    tier.put(DiskObject(key: "late", version: 1, count: 100, sequence: 8))
    tier.put(DiskObject(key: "good", version: 1, count: 100, sequence: 9))
    #expect(tier.spool(DiskObject(key: "spool", version: 1, count: 70_000, sequence: 8)) != nil)
    tier.synchronize()
    #expect(tier.getChecked("late") == nil)
    #expect(tier.getChecked("spool") == nil)
    #expect(tier.getChecked("good") != nil)
  }

  /// A newer record stands in the index, and a crash comes before the journal may name it: the
  /// older one, which the sweep did not find in the index, must not be found instead.
  @Test(arguments: [InvalidationKind.hard, .soft], [false, true])
  func whatASweepMissedBehindANewerRecordDoesNotComeBack(
    _ kind: InvalidationKind, isSpool: Bool
  ) async throws {
    let device = DiskSimulatedDevice()
    let first = try openDisk(device)
    first.put(DiskObject(key: "a", version: 1, count: 900, sequence: 1))
    first.synchronize()
    first.put(DiskObject(key: "b", version: 1, count: 900, sequence: 1))
    let newer = DiskObject(key: "a", version: 2, count: 70_000, sequence: 9)
    if isSpool { #expect(first.spool(newer) != nil) } else { first.put(newer) }
    let limit = ContinuousClock.now + .seconds(120)
    while first.inbox.isPending(newer.hash), .now < limit { await Task.yield() }
    var tally = InvalidationTally()
    let isSwept = first.sweep(upTo: 5, into: &tally) { subject in
      subject.fetchSequence < 5 && subject.key.first == UInt8(ascii: "a")
        ? InvalidationMatch(kind: kind, sequence: 5) : nil
    }
    #expect(isSwept)
    first.abandon()
    device.crash()
    let second = try openDisk(device)
    #expect(second.getChecked("a")?.version != 1)
    second.shutdown()
  }

  /// A removal that a killed process wrote and never synced hid the object from the next run's
  /// sweep, which let the rule go.
  @Test func whatAKilledRunRemovedStaysGoneAfterASweepAndAPowerLoss() async throws {
    let device = DiskSimulatedDevice()
    let first = try openDisk(device)
    first.put(DiskObject(key: "a", version: 1, count: 900, sequence: 1))
    // Keeps the segment in use.
    first.put(DiskObject(key: "b", version: 1, count: 900, sequence: 9))
    first.synchronize()
    let journal = try #require(device.files { $0.contains("/journal-") }.last)
    let before = device.bytes(journal).count
    first.delete("a")
    let limit = ContinuousClock.now + .seconds(120)
    while device.bytes(journal).count == before, .now < limit { await Task.yield() }
    first.abandon()
    let second = try openDisk(device)
    #expect(second.getChecked("a") == nil)
    #expect(second.sweep(upTo: 5) { _, sequence in sequence < 5 })
    second.abandon()
    device.crash()
    let third = try openDisk(device)
    #expect(third.getChecked("a") == nil)
    third.shutdown()
  }

  @Test func aRisingFloorRemovesDeadSegments() async throws {
    let device = DiskSimulatedDevice()
    let tier = try openDisk(device)
    defer { tier.shutdown() }
    for number in 0..<200 {
      tier.put(DiskObject(key: "k\(number)", version: 1, count: 5000, sequence: 1))
    }
    tier.synchronize()
    let before = tier.statistics.segments
    #expect(await tier.recordInvalidation(sequence: 2, selectors: [.everything]) == nil)
    tier.put(DiskObject(key: "fresh", version: 1, count: 5000, sequence: 2))
    tier.synchronize()
    #expect(before > 3)
    #expect(tier.statistics.segments <= 2)
    #expect(tier.getChecked("fresh") != nil)
  }

  @Test func anInvalidationOnAFailingDeviceSaysSoAndIsWrittenLater() async throws {
    let device = DiskSimulatedDevice()
    let first = try openDisk(device)
    device.setFault { _, operation in operation == .sync || operation == .write ? 5 : nil }
    let rule: [InvalidationSelector] = [.path(host: nil, pattern: "/x")]
    #expect(await first.recordInvalidation(sequence: 3, selectors: rule) != nil)
    device.setFault(nil)
    // An attempt may still be under way from before the fault cleared; the same one may come twice.
    var failure = await first.recordInvalidation(sequence: 4, selectors: rule)
    for _ in 0..<100 where failure != nil {
      failure = await first.recordInvalidation(sequence: 4, selectors: rule)
    }
    #expect(failure == nil)
    first.abandon()
    device.crash()
    let second = try openDisk(device)
    #expect(second.recoveredInvalidations.rules.map(\.sequence) == [3, 4])
    second.shutdown()
  }

  @Test func aDamagedInvalidationLogInvalidatesEverything() async throws {
    let device = DiskSimulatedDevice()
    let first = try openDisk(device)
    for sequence in 1...5 as ClosedRange<UInt64> {
      let rule: [InvalidationSelector] = [.path(host: nil, pattern: "/x\(sequence)")]
      #expect(await first.recordInvalidation(sequence: sequence, selectors: rule) == nil)
    }
    first.abandon()
    let path = try #require(device.files { $0.contains("/invalidations-") }.last)
    var bytes = device.bytes(path)
    bytes[60] ^= 1
    device.setBytes(path, bytes)
    let second = try openDisk(device)
    let recovered = second.recoveredInvalidations
    #expect(recovered.floor == recovered.sequence && recovered.floor >= 5)
    second.shutdown()
  }

  @Test func aLongLogIsWrittenAnewAndSaysTheSame() async throws {
    let device = DiskSimulatedDevice()
    let first = try openDisk(device)
    let pattern = "/" + String(repeating: "a", count: 4000)
    for sequence in 1...400 as ClosedRange<UInt64> {
      let failure = await first.recordInvalidation(
        sequence: sequence, selectors: [.path(host: nil, pattern: pattern + "\(sequence)")])
      #expect(failure == nil)
    }
    #expect(first.sweep(upTo: 390) { _, _ in false })
    let before = device.files { $0.contains("/invalidations-") }
    first.snapshot()
    first.abandon()
    device.crash()
    #expect(device.files { $0.contains("/invalidations-") } != before)
    let second = try openDisk(device)
    #expect(second.recoveredInvalidations.rules.map(\.sequence) == Array(391...400))
    second.shutdown()
  }
}
