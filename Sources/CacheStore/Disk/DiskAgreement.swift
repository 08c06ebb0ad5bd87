// What the disks of one store make of each other at a start.
//
// Every disk has the whole invalidation log, in the same order, and an invalidation is acknowledged
// once every disk that takes part has synced it. Which ones take part is on record, on each of them
// and beside the keys (``DiskMembers``), and a disk that goes or fails leaves the record before
// anything is acknowledged without it. So at a start:
//
// - A disk that the latest record does not name was away, or could not write its log, while others
//   went on. Beside invalidations it missed removals of single objects and newer versions of what
//   it has, and of those nobody keeps a list: it gives up what it stored.
// - If no record is later than all the others, disks were in use apart from each other, and each
//   lacks what the others know: all of them give up what they stored.
// - A disk whose log ends earlier than another's (a crash took what was not acknowledged) gets
//   what it lacks as rules to be worked off, before it serves. If another disk has forgotten some
//   of that already, it gives up what it stored.
// - A disk whose log is damaged gives up what it stored. If no log is whole, all do.
//
// Giving up costs hits and is always right; a record that nobody can read counts as none.
// Sequence numbers go on above the highest that any disk knows.
//
// Pure: what was read in, what to write out. Owner: the start.

struct DiskAgreement {
  /// What a disk says of itself.
  struct Claim {
    /// Seed of the key hash; nil for a disk that has no store yet.
    var hashSeed: UInt64?
    /// How often the store was opened.
    var epoch: UInt64 = 0
    var members: DiskMembers?
    var state = InvalidationState()
    var isLogDamaged = false

    /// The highest number that anything on the disk bears, as far as it can be known. A log that
    /// can't be read may hide any number; by what is assumed then, a store would have had to
    /// invalidate a million times in each of its runs to have got further.
    fileprivate var sequence: UInt64 {
      let (assumed, isTooLarge) = epoch.multipliedReportingOverflow(by: 1 << 44)
      return isLogDamaged ? max(state.sequence, isTooLarge ? .max / 2 : assumed) : state.sequence
    }
  }

  /// Why a disk gives up what it stored.
  enum Cause: String {
    case wasAway = "it did not take part when the store was last in use"
    case wasApart = "the store's paths were in use apart from each other"
    case lacksInvalidations = "invalidations that it lacks are forgotten by now"
    case logDamaged = "its invalidation log is damaged"
  }

  /// Why the disks can't be one store. By their places in the list.
  enum Fault: Error, Equatable {
    case otherStore(Int, than: Int)
    case copy(Int, of: Int)
  }

  /// What becomes of a disk.
  struct Verdict {
    /// It has no store yet.
    var isNew = false
    var cause: Cause?
    /// Its log is damaged, and no other one is whole: everything stored before is invalidated.
    var isLogLost = false
    var identifier: UInt64
    /// Invalidations that it lacked.
    var lackedCount = 0
    var state = InvalidationState()
  }

  /// Distance by which the sequence jumps at each start, so that it is above every number used by a
  /// fetch before a crash, also under invalidations that did not become durable.
  static let sequenceGap: UInt64 = 1 << 40

  let hashSeed: UInt64
  /// Number that this start goes on from; 0 in a new store.
  private(set) var sequence: UInt64 = 0
  private(set) var verdicts: [Verdict] = []
  /// The latest record; nil when there is none.
  private let latest: DiskMembers?
  /// The tokens of all records.
  private let tokens: [UInt64]

  /// - Parameters:
  ///   - witness: the record beside the keys.
  ///   - draw: gives random numbers.
  init(
    _ claims: [Claim], witness: DiskMembers? = nil,
    draw: () -> UInt64 = { .random(in: .min ... .max) }
  ) throws(Fault) {
    try Self.check(claims)
    hashSeed = claims.compactMap(\.hashSeed).first ?? witness?.hashSeed ?? draw()
    let records =
      claims.filter { $0.hashSeed != nil }.compactMap(\.members)
      + [witness].compactMap { $0 }
    latest = records.first { record in records.allSatisfy { record.follows($0) } }
    tokens = latest?.tokens ?? records.flatMap(\.tokens)
    verdicts = claims.map { claim in
      let identifier = claim.hashSeed == nil ? nil : claim.members?.identifier
      return Verdict(isNew: claim.hashSeed == nil, identifier: identifier ?? draw())
    }
    let stores = claims.indices.filter { claims[$0].hashSeed != nil }
    let isApart = latest == nil && (!records.isEmpty || stores.count > 1)
    for disk in stores {
      if isApart {
        verdicts[disk].cause = .wasApart
      } else if let latest, !latest.all.contains(verdicts[disk].identifier) {
        verdicts[disk].cause = .wasAway
      }
    }
    decide(claims, stores, from: witness?.sequence ?? 0)
  }

  private static func check(_ claims: [Claim]) throws(Fault) {
    for (disk, claim) in claims.enumerated() {
      guard let seed = claim.hashSeed else { continue }
      for (other, earlier) in claims[..<disk].enumerated() {
        guard let otherSeed = earlier.hashSeed else { continue }
        if otherSeed != seed { throw .otherStore(disk, than: other) }
        if let own = claim.members?.identifier, own == earlier.members?.identifier {
          throw .copy(disk, of: other)
        }
      }
    }
  }

  /// What all disks go on with.
  private struct Common {
    var sequence: UInt64 = 0
    var floor: UInt64 = 0
    var softFloor: UInt64 = 0
  }

  private mutating func decide(_ claims: [Claim], _ stores: [Int], from witnessed: UInt64) {
    let members = stores.filter { verdicts[$0].cause == nil }
    let whole = members.filter { !claims[$0].isLogDamaged }
    let sources = whole.isEmpty ? stores : whole
    var common = Common(
      floor: sources.reduce(0) { max($0, claims[$1].state.floor) },
      softFloor: sources.reduce(0) { max($0, claims[$1].state.softFloor) })
    if !stores.isEmpty || witnessed > 0 {
      let highest = stores.reduce(witnessed) { max($0, claims[$1].sequence) }
      common.sequence = highest.addingReportingOverflow(Self.sequenceGap).partialValue
    }
    sequence = common.sequence
    // No log is whole: only a floor says what was invalidated.
    if !members.isEmpty, whole.isEmpty { common.floor = common.sequence }
    for disk in claims.indices {
      let others = whole.filter { $0 != disk }.map { claims[$0].state }
      decide(disk, claims[disk], others, common)
    }
  }

  private mutating func decide(
    _ disk: Int, _ claim: Claim, _ others: [InvalidationState], _ common: Common
  ) {
    let own = claim.state.sequence
    if verdicts[disk].cause == nil, !verdicts[disk].isNew {
      if claim.isLogDamaged, others.isEmpty {
        // The floor takes what is stored.
        verdicts[disk].isLogLost = true
      } else if claim.isLogDamaged {
        verdicts[disk].cause = .logDamaged
      } else if others.contains(where: { $0.historyFloor > own }) {
        verdicts[disk].cause = .lacksInvalidations
      }
    }
    let verdict = verdicts[disk]
    guard verdict.cause == nil, !verdict.isNew, !verdict.isLogLost else {
      var state = InvalidationState()
      // What it may be given later is compared with what happens from now on; of what happened
      // before it knows nothing.
      state.startOver(
        sequence: common.sequence, floor: common.floor, softFloor: common.softFloor,
        historyFloor: common.sequence)
      verdicts[disk].state = state
      return
    }
    var state = claim.state
    for other in others {
      for rule in other.history + other.rules where rule.sequence > own {
        let before = state.rules.count
        state.add(sequence: rule.sequence, selectors: rule.selectors, kind: rule.kind)
        verdicts[disk].lackedCount += state.rules.count - before
      }
    }
    if common.softFloor > state.softFloor {
      state.add(sequence: common.softFloor, selectors: [.everything], kind: .soft)
    }
    if common.floor > state.floor {
      state.add(sequence: common.floor, selectors: [.everything])
    }
    state.sequence = max(state.sequence, common.sequence)
    verdicts[disk].state = state
  }

  /// The record for the disks that take part now: the present one if it says the same.
  func members(_ identifiers: Set<UInt64>, draw: () -> UInt64) -> DiskMembers {
    if let latest, latest.all == identifiers, latest.hashSeed == hashSeed { return latest }
    return DiskMembers(
      identifier: 0, hashSeed: hashSeed, sequence: sequence, all: identifiers,
      tokens: Array(([draw()] + tokens).prefix(DiskMembers.mostTokens)))
  }
}
