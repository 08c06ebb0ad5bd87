import Testing

@testable import CacheStore

/// What the disks of a store make of each other at a start: a table of what they say and what
/// becomes of them.
@Suite struct DiskAgreementTests {
  private typealias Claim = DiskAgreement.Claim
  private static let gap = DiskAgreement.sequenceGap

  /// A record of disk `identifier`.
  private func record(
    _ identifier: UInt64, _ all: Set<UInt64>, _ tokens: [UInt64]
  ) -> DiskMembers {
    DiskMembers(identifier: identifier, hashSeed: 7, all: all, tokens: tokens)
  }

  private func claim(
    _ members: DiskMembers?, seed: UInt64 = 7, sequence: UInt64 = 100,
    rules: [(UInt64, String)] = [], history: [(UInt64, String)] = [], historyFloor: UInt64 = 0,
    floor: UInt64 = 0, isLogDamaged: Bool = false, epoch: UInt64 = 1
  ) -> Claim {
    var state = InvalidationState()
    state.startOver(
      sequence: sequence, floor: floor, softFloor: 0, historyFloor: historyFloor)
    for (number, host) in history {
      state.addToHistory(InvalidationState.Rule(sequence: number, selectors: [.host(host)]))
    }
    for (number, host) in rules { state.add(sequence: number, selectors: [.host(host)]) }
    return Claim(
      hashSeed: seed, epoch: epoch, members: members, state: state, isLogDamaged: isLogDamaged)
  }

  private func agree(
    _ claims: [Claim], witness: DiskMembers? = nil
  ) throws -> DiskAgreement {
    var drawn: UInt64 = 1000
    return try DiskAgreement(claims, witness: witness) {
      drawn += 1
      return drawn
    }
  }

  private func causes(
    _ claims: [Claim], witness: DiskMembers? = nil
  ) throws -> [DiskAgreement.Cause?] {
    try agree(claims, witness: witness).verdicts.map(\.cause)
  }

  // MARK: - Who took part

  @Test func disksThatWereInUseTogetherKeepAll() throws {
    let both: Set<UInt64> = [1, 2]
    let claims = [claim(record(1, both, [5])), claim(record(2, both, [5]))]
    #expect(try causes(claims) == [nil, nil])
    #expect(try causes(claims, witness: record(0, both, [5])) == [nil, nil])
    #expect(try causes([claims[1]], witness: record(0, both, [5])) == [nil])
  }

  @Test func oneThatWasAwayGivesUpWhoeverSaysSo() throws {
    let both = record(1, [1, 2], [5])
    // The other disk says it, or the record beside the keys.
    #expect(try causes([claim(both), claim(record(2, [2], [6, 5]))]) == [.wasAway, nil])
    #expect(try causes([claim(both)], witness: record(0, [2], [6, 5])) == [.wasAway])
    #expect(try causes([claim(both)], witness: record(0, [1], [6, 5])) == [nil])
  }

  @Test func disksThatWereInUseApartAllGiveUp() throws {
    let claims = [claim(record(1, [1], [6, 5])), claim(record(2, [2], [7, 5]))]
    #expect(try causes(claims) == [.wasApart, .wasApart])
    let later = try agree(claims).members([1, 2], draw: { 9 })
    #expect(later.tokens.first == 9 && later.all == [1, 2])
    #expect(claims.allSatisfy { later.follows($0.members ?? later) })
  }

  @Test func aStartThatWasCutShortCostsNothing() throws {
    // Disk 1 was told of 1, 2 and 3 already; nothing was served before the others were.
    let three: Set<UInt64> = [1, 2, 3]
    let claims = [
      claim(record(1, three, [6, 5])), claim(record(2, [1, 2], [5])),
      claim(record(3, three, [6, 5])),
    ]
    #expect(try causes(claims, witness: record(0, [1, 2], [5])) == [nil, nil, nil])
    // And the same set again draws no new token.
    #expect(try agree(claims).members(three, draw: { 9 }).tokens == [6, 5])
  }

  @Test func aStoreOfAnEarlierVersionHasNoRecord() throws {
    #expect(try causes([claim(nil)]) == [nil])
    #expect(try causes([claim(nil), Claim()]) == [nil, nil])
    // Once there are records, one without was elsewhere.
    #expect(try causes([claim(nil), claim(record(2, [2], [5]))]) == [.wasAway, nil])
    #expect(try causes([claim(nil)], witness: record(0, [2], [5])) == [.wasAway])
    #expect(try causes([claim(nil), claim(nil)]) == [.wasApart, .wasApart])
  }

  @Test func whatIsNoStoreYetGivesUpNothing() throws {
    let agreement = try agree([Claim(), Claim()])
    #expect(agreement.verdicts.allSatisfy { $0.isNew && $0.cause == nil })
    #expect(agreement.verdicts.allSatisfy { $0.state == InvalidationState() })
    #expect(Set(agreement.verdicts.map(\.identifier)).count == 2)
    // The seed is the store's, also when all its disks are new.
    #expect(try agree([Claim(), claim(record(2, [2], [5]))]).hashSeed == 7)
    #expect(try agree([Claim()], witness: record(0, [2], [5])).hashSeed == 7)
  }

  @Test func twoStoresAreNotMadeOne() throws {
    #expect(throws: DiskAgreement.Fault.otherStore(1, than: 0)) {
      try agree([claim(record(1, [1], [5])), claim(record(2, [2], [6]), seed: 8)])
    }
    #expect(throws: DiskAgreement.Fault.copy(2, of: 0)) {
      try agree([claim(record(1, [1], [5])), Claim(), claim(record(1, [1], [5]))])
    }
  }

  // MARK: - Logs

  @Test func oneThatLacksTheLastInvalidationsGetsThem() throws {
    let both: Set<UInt64> = [1, 2]
    let agreement = try agree([
      claim(record(1, both, [5]), sequence: 100, rules: [(90, "a"), (100, "b")]),
      claim(
        record(2, both, [5]), sequence: 130, rules: [(130, "d")],
        history: [(90, "a"), (100, "b"), (120, "c")]),
    ])
    #expect(agreement.verdicts.map(\.cause) == [nil, nil])
    #expect(agreement.verdicts.map(\.lackedCount) == [2, 0])
    #expect(agreement.verdicts[0].state.rules.map(\.sequence) == [90, 100, 120, 130])
    #expect(agreement.verdicts[1].state.rules.map(\.sequence) == [130])
    #expect(agreement.verdicts.allSatisfy { $0.state.sequence == 130 + Self.gap })
  }

  @Test func oneThatLacksWhatIsForgottenGivesUp() throws {
    let both: Set<UInt64> = [1, 2]
    let claims = [
      claim(record(1, both, [5]), sequence: 100),
      claim(record(2, both, [5]), sequence: 130, historyFloor: 101),
    ]
    let agreement = try agree(claims)
    #expect(agreement.verdicts.map(\.cause) == [.lacksInvalidations, nil])
    #expect(agreement.verdicts[0].state.historyFloor == 130 + Self.gap)
    #expect(agreement.verdicts[0].state.floor == 0, "the floor would take the others' objects")
    let edge = [claims[0], claim(record(2, both, [5]), sequence: 130, historyFloor: 100)]
    #expect(try causes(edge) == [nil, nil])
  }

  @Test func floorsHoldOnAllDisks() throws {
    let both: Set<UInt64> = [1, 2]
    let agreement = try agree([
      claim(record(1, both, [5]), sequence: 100, rules: [(90, "a")]),
      claim(record(2, both, [5]), sequence: 130, floor: 130), Claim(),
    ])
    #expect(agreement.verdicts.allSatisfy { $0.state.floor == 130 })
    #expect(agreement.verdicts[0].state.rules.isEmpty)
  }

  @Test func oneWhoseLogIsDamagedGivesUpIfAnotherIsWhole() throws {
    let both: Set<UInt64> = [1, 2]
    let agreement = try agree([
      claim(record(1, both, [5]), isLogDamaged: true),
      claim(record(2, both, [5]), sequence: 130),
    ])
    #expect(agreement.verdicts.map(\.cause) == [.logDamaged, nil])
    #expect(agreement.verdicts.allSatisfy { $0.state.floor == 0 })
    // One that was away is no help: it knows less.
    let away = try agree([
      claim(record(1, [1], [6, 5]), isLogDamaged: true), claim(record(2, both, [5])),
    ])
    #expect(away.verdicts.map(\.cause) == [nil, .wasAway])
    #expect(away.verdicts[0].isLogLost)
    #expect(away.verdicts.allSatisfy { $0.state.floor == $0.state.sequence })
  }

  @Test func aLogThatIsLostInvalidatesWhateverNumberWasUsed() throws {
    // After forty starts numbers are far above what an unreadable log says.
    let agreement = try agree([
      claim(record(1, [1], [5]), sequence: 0, isLogDamaged: true, epoch: 40)
    ])
    #expect(agreement.verdicts[0].isLogLost)
    #expect(agreement.verdicts[0].state.floor > 40 * Self.gap + 60_000 * InvalidationLog.step)
    let old = try agree([claim(nil, sequence: 0, isLogDamaged: true, epoch: .max / 4)])
    #expect(old.verdicts[0].state.floor > .max / 4)
  }

  // MARK: - The record

  @Test func aRecordIsReadAsItWasWritten() {
    let members = record(3, [1, 3, .max], [9, 8, 7])
    #expect(DiskMembers(members.encoded()) == members)
    var bytes = members.encoded()
    for place in bytes.indices {
      bytes[place] ^= 1
      #expect(DiskMembers(bytes) == nil, "byte \(place)")
      bytes[place] ^= 1
    }
    #expect(DiskMembers([]) == nil)
    #expect(DiskMembers(Array(bytes.dropLast())) == nil)
  }
}
