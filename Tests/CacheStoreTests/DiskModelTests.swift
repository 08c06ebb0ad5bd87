import Testing

@testable import CacheStore

/// Random runs against a model: what a tier gives back must be bytes that were stored, of a version
/// that may still be there, and nothing that an acknowledged removal or invalidation took.
@Suite struct DiskModelTests {
  @Test(arguments: Array(1...4) as [UInt64])
  func aRandomRunGivesNoWrongBytesAndBringsNothingBack(_ seed: UInt64) async throws {
    var model = try DiskModel(seed: seed)
    for step in 0..<4000 {
      try await model.step()
      if model.hasFailed {
        Issue.record("seed \(seed), step \(step)")
        break
      }
    }
    model.tier.abandon()
    #expect(model.hits > 200, "seed \(seed)")
  }
}

private struct DiskModel {
  struct Rule {
    let sequence: UInt64
    /// First byte of the keys it takes; nil for all.
    let group: UInt8?

    func takes(_ object: DiskObject) -> Bool {
      object.sequence < sequence && (group == nil || object.key.utf8.first == group)
    }

    var selector: InvalidationSelector {
      guard let group else { return .everything }
      return .path(host: nil, pattern: "/\(UnicodeScalar(group))*")
    }
  }

  let device = DiskSimulatedDevice()
  let configuration = smallDisk(sizeBytes: 1 << 20)
  var tier: DiskTier
  var generator: DiskRandom
  /// Versions that a lookup may find, and those that it may find after a crash.
  var live: [String: Set<Int>] = [:]
  var afterCrash: [String: Set<Int>] = [:]
  var acknowledged: [Rule] = []
  /// Rules not swept: the store checks loads against these.
  var pending: [Rule] = []
  var sequence: UInt64 = 1
  var version = 0
  var hits = 0
  var hasFailed = false

  init(seed: UInt64) throws {
    generator = DiskRandom(seed: seed)
    tier = try openDisk(device, configuration)
  }

  mutating func step() async throws {
    let key = "\("abcd".randomElement(using: &generator) ?? "a")\(generator.next(below: 30))"
    switch generator.next(below: 200) {
    case 0..<80: look(key)
    case 80..<140: put(key, generator.next(below: 12_000))
    case 140..<150: putLarge(key, 70_000 + generator.next(below: 80_000))
    case 150..<160:
      tier.delete(key)
      live[key] = []
      look(key)
    case 160..<182: synchronize()
    case 182..<184: tier.snapshot()
    case 184..<185: if generator.next(below: 3) == 0 { await invalidate(nil) }
    case 185..<187: await invalidate(key.utf8.first)
    case 187..<189: sweep()
    case 189..<190: try restart(isClean: true)
    case 190..<199: look(key)
    default: try restart(isClean: false)
    }
  }

  private mutating func look(_ key: String) {
    guard let found = tier.getChecked(key) else { return }
    // The store's part: an object that a pending rule takes is a miss.
    if pending.contains(where: { $0.takes(found) }) { return }
    let isAllowed = live[key, default: []].contains(found.version)
    let isTaken = acknowledged.contains { $0.takes(found) }
    #expect(isAllowed, "\(key) version \(found.version)")
    #expect(!isTaken, "\(key) version \(found.version) came back")
    if !isAllowed || isTaken { hasFailed = true }
    hits += 1
  }

  private mutating func put(_ key: String, _ count: Int) {
    version += 1
    note(key, tier.put(DiskObject(key: key, version: version, count: count, sequence: sequence)))
  }

  private mutating func putLarge(_ key: String, _ count: Int) {
    version += 1
    let object = DiskObject(key: key, version: version, count: count, sequence: sequence)
    note(key, tier.spool(object, pieceBytes: 30_000) != nil)
  }

  private mutating func note(_ key: String, _ isTaken: Bool) {
    guard isTaken else { return }
    live[key, default: []].insert(version)
    afterCrash[key, default: []].insert(version)
  }

  private mutating func synchronize() {
    tier.synchronize()
    afterCrash = live
  }

  private mutating func invalidate(_ group: UInt8?) async {
    sequence += 1
    let rule = Rule(sequence: sequence, group: group)
    let failure = await tier.recordInvalidation(sequence: sequence, selectors: [rule.selector])
    #expect(failure == nil)
    acknowledged.append(rule)
    pending.append(rule)
  }

  private mutating func sweep() {
    let rules = pending
    let isSwept = tier.sweep(upTo: sequence) { key, fetchSequence in
      rules.contains { rule in
        fetchSequence < rule.sequence && (rule.group == nil || key.first == rule.group)
      }
    }
    #expect(isSwept)
    pending = []
  }

  private mutating func restart(isClean: Bool) throws {
    if isClean {
      tier.shutdown()
    } else {
      if generator.next(below: 2) == 0 { tier.inbox.monitor.update { $0.wantsSync = true } }
      tier.abandon()
      live = afterCrash
      switch generator.next(below: 3) {
      case 0: device.crash(tearing: &generator, isTearing: true)
      case 1: device.crash()
      default: break
      }
    }
    afterCrash = live
    tier = try openDisk(device, configuration)
    let recovered = tier.recoveredInvalidations
    #expect(recovered.sequence >= sequence)
    #expect(tier.statistics.recovery == .complete)
    sequence = recovered.sequence
    // What the log brings back is all there is to check against.
    pending = acknowledged.filter { rule in
      rule.group == nil
        ? rule.sequence <= recovered.floor
        : recovered.rules.contains { $0.sequence == rule.sequence && $0.selector == rule.selector }
    }
    if !isClean { hasFailed = hasFailed || tier.statistics.recovery != .complete }
  }
}
