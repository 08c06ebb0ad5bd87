import Testing

@testable import CacheStore

/// Random runs against a model: what a tier gives back must be bytes that were stored, of a version
/// that may still be there, and nothing that an acknowledged removal or invalidation took.
@Suite struct DiskModelTests {
  @Test(arguments: Simulation.seeds(upTo: 12))
  func aRandomRunGivesNoWrongBytesAndBringsNothingBack(_ seed: UInt64) async throws {
    var model = try DiskModel(seed: seed)
    let steps = Simulation.steps(4000)
    for step in 0..<steps {
      try await model.step()
      if model.hasFailed {
        Issue.record("seed \(seed), step \(step); \(Simulation.again(seed))")
        break
      }
    }
    model.tier.abandon()
    if steps < 4000 { return }
    // How many of them are marked stale depends on the threads; the store's model counts those.
    #expect(model.hits > 200, "seed \(seed)")
  }
}

private struct DiskModel {
  enum Target: Equatable {
    case all
    /// First byte of the keys it takes.
    case group(UInt8)
    case tag(UInt64)
  }

  struct Rule: Equatable {
    let sequence: UInt64
    let target: Target
    let kind: InvalidationKind

    func takes(_ object: DiskObject) -> Bool {
      guard object.sequence < sequence else { return false }
      switch target {
      case .all: return true
      case .group(let group): return object.key.utf8.first == group
      case .tag(let tag): return object.tags.contains(tag)
      }
    }

    var selector: InvalidationSelector {
      switch target {
      case .all: .everything
      case .group(let group): .path(host: nil, pattern: "/\(UnicodeScalar(group))*")
      case .tag(let tag): .tag(TagHash(value: tag))
      }
    }

    /// As the tier asks during a sweep, where keys here have no slash.
    func match(_ subject: InvalidationSubject) -> InvalidationMatch? {
      let isMatch =
        switch target {
        case .all: true
        case .group(let group): subject.key.first == group
        case .tag(let tag): subject.tags.hashes.contains(tag)
        }
      guard isMatch, subject.fetchSequence < sequence else { return nil }
      return InvalidationMatch(kind: kind, sequence: sequence)
    }

    /// True when it never leaves the log: loads are compared with the soft floor for ever.
    var isSoftFloor: Bool { target == .all && kind == .soft }
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
    case 184..<185:
      if generator.next(below: 3) == 0 { await invalidate(.all, .hard) }
      if generator.next(below: 5) == 0 { await invalidate(.all, .soft) }
    case 185..<187:
      await invalidate(target(key), generator.next(below: 2) == 0 ? .hard : .soft)
      if generator.next(below: 3) == 0 { sweep() }
      look(key)
    case 187..<189: sweep()
    case 189..<190: try restart(isClean: true)
    case 190..<199: look(key)
    default: try restart(isClean: false)
    }
  }

  private mutating func look(_ key: String) {
    guard let object = tier.get(key), let found = object.checked(key) else { return }
    // The store's part: an object that a pending rule takes is a miss, or is marked. The soft floor
    // stands for the soft rules before it, which have left the log.
    let concerning = pending.filter { $0.takes(found) }
    if concerning.contains(where: { $0.kind == .hard }) { return }
    let isMarkedByStore = concerning.contains { $0.kind == .soft }
    let isAllowed = live[key, default: []].contains(found.version)
    let isTaken = acknowledged.contains { $0.kind == .hard && $0.takes(found) }
    let mayBeStale = acknowledged.contains { $0.kind == .soft && $0.takes(found) }
    let mustBeStale = mayBeStale && !isMarkedByStore
    #expect(isAllowed, "\(key) version \(found.version)")
    #expect(!isTaken, "\(key) version \(found.version) came back")
    #expect(object.isMarkedStale || !mustBeStale, "\(key) version \(found.version) is fresh again")
    #expect(!object.isMarkedStale || mayBeStale, "\(key) version \(found.version) is marked")
    if !isAllowed || isTaken || mustBeStale && !object.isMarkedStale { hasFailed = true }
    hits += 1
  }

  private mutating func target(_ key: String) -> Target {
    switch generator.next(below: 3) {
    case 0: .group(key.utf8.first ?? 0)
    case 1: .tag(DiskObject.groupTag(key.utf8.first ?? 0))
    default: .tag(DiskObject.versionTag(generator.next(below: 5)))
    }
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

  private mutating func invalidate(_ target: Target, _ kind: InvalidationKind) async {
    sequence += 1
    let rule = Rule(sequence: sequence, target: target, kind: kind)
    let failure = await tier.recordInvalidation(
      sequence: sequence, selectors: [rule.selector], kind: kind)
    #expect(failure == nil)
    acknowledged.append(rule)
    pending.append(rule)
  }

  private mutating func sweep() {
    let rules = pending
    var tally = InvalidationTally()
    let isSwept = tier.sweep(upTo: sequence, into: &tally) { subject in
      let matches = rules.filter { !$0.isSoftFloor }.compactMap { $0.match(subject) }
      return matches.first { $0.kind == .hard } ?? matches.first
    }
    #expect(isSwept)
    pending.removeAll { !$0.isSoftFloor }
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
      if rule.target == .all {
        return rule.sequence <= (rule.kind == .hard ? recovered.floor : recovered.softFloor)
      }
      return recovered.rules.contains {
        $0.sequence == rule.sequence && $0.selector == rule.selector && $0.kind == rule.kind
      }
    }
    if !isClean { hasFailed = hasFailed || tier.statistics.recovery != .complete }
  }
}
