import Glibc
import NIOCore
import Testing

@testable import CacheStore

/// Random runs of a store on up to three disks, of which some are missing now and then, over
/// devices that crash and fail, with paths that come and go: nothing that an acknowledged
/// invalidation or a removal took is ever found again, and no byte is another than was stored.
@Suite struct DiskSetModelTests {
  @Test(arguments: Simulation.seeds(upTo: 12))
  func noCombinationOfPathsRevivesAnything(_ seed: UInt64) async throws {
    var model = try DiskSetModel(seed: seed)
    let steps = Simulation.steps(1500)
    for step in 0..<steps {
      model.trace.step = step
      await model.step()
      if model.hasFailed {
        Issue.record("seed \(seed), step \(step); \(Simulation.again(seed))")
        break
      }
    }
    model.set.abandon()
    if steps < 1500 || model.hasFailed { return }
    #expect(model.hits > 60, "seed \(seed)")
    #expect(model.restarts > 5, "seed \(seed)")
    #expect(model.absences > 0, "seed \(seed)")
  }
}

private struct DiskSetModel {
  struct Rule {
    let sequence: UInt64
    let selector: InvalidationSelector
    let kind: InvalidationKind
    let isDurable: Bool
  }

  private static let pathSets = [
    ["a", "b"], ["a", "b", "c"], ["b", "c"], ["a"], ["c", "a"], ["b"],
  ]

  let array = DiskArray(["a", "b", "c", "keys"])
  var names = ["a", "b"]
  var set: DiskSet
  var memory: MemoryStore
  var generator: DiskRandom
  var rules: [Rule] = []
  /// Removals that must hold, and those of which it is not known yet.
  var removals: [Int: UInt64] = [:]
  var recentRemovals: [Int: UInt64] = [:]
  var hits = 0
  var restarts = 0
  var absences = 0
  var second: Int64 = 2000
  var hasFailed = false
  var trace = StoreModelTrace()

  init(seed: UInt64) throws {
    generator = DiskRandom(seed: seed)
    set = try openSet(array, names, sizeBytes: 2 << 20)
    memory = MemoryStore(set, bytes: 100_000, mostPending: 6)
  }

  private func path(_ number: Int) -> String { url("/\(number % 5)/\(number)") }

  mutating func step() async {
    let number = generator.next(below: 60)
    switch generator.next(below: 100) {
    case 0..<45: look(number)
    case 45..<75: insert(number)
    case 75..<82: await invalidate(number)
    case 82..<85: remove(number)
    case 85..<88: maintain()
    case 88..<92: synchronize()
    case 92..<94: await save()
    case 94..<96: fail()
    case 96: set.maintain()
    default: if generator.next(below: 2) == 0 { restart() }
    }
  }

  private mutating func look(_ number: Int) {
    let place = memory.whereabouts(path(number))
    guard let object = memory.find(path(number)) else { return }
    hits += 1
    let concerning = rules.filter { rule in
      guard object.fetchSequence < rule.sequence else { return false }
      return object.withSubject { subject in
        var one = InvalidationRules()
        one.append(InvalidationRule(rule.selector, sequence: rule.sequence))
        return one.match(subject, newerThan: 0) != nil
      }
    }
    let account = "\(path(number)) of \(object.fetchSequence) in \(place)"
    let isTaken = concerning.contains { $0.kind == .hard }
    let isFresh = concerning.contains { $0.kind == .soft } && !object.isMarkedStale
    let isRemoved =
      object.fetchSequence < max(removals[number] ?? 0, recentRemovals[number] ?? 0)
    if isTaken || isFresh || isRemoved {
      hasFailed = true
      let sequences = concerning.map(\.sequence)
      Issue.record(
        """
        \(account): taken \(isTaken), fresh \(isFresh), removed \(isRemoved) by \(sequences)
        \(trace.lines(of: number))
        """)
    }
    guard let body = object.wholeBody() else { return }
    let expected = [UInt8](repeating: UInt8(truncatingIfNeeded: body.count), count: body.count)
    if memcmp(body, expected, body.count) != 0
      || object.withKey({ Array($0) })
        != Array(path(number).utf8)
    {
      hasFailed = true
      Issue.record("wrong bytes: \(account)")
    }
  }

  private mutating func insert(_ number: Int) {
    let object = memory.object(
      path(number), bytes: generator.next(below: 5000),
      tags: number % 4 == 0 ? [] : ["group\(number % 5)", "number\(number)"])
    let moment = memory.store.invalidations.moment
    let isStored = memory.store.insert(object)
    let isSpilled =
      isStored && generator.next(below: 2) == 0
      && memory.store.spill(object, leftAt: moment)
    trace.note("insert \(object.fetchSequence), \(isStored), spilled \(isSpilled)", of: number)
  }

  private mutating func invalidate(_ number: Int) async {
    let selector: InvalidationSelector =
      switch generator.next(below: 12) {
      case 0..<4: .tag(TagHash("group\(number % 5)"))
      case 4..<7: .tag(TagHash("number\(number)"))
      case 7..<9: .path(host: nil, pattern: "/\(number % 5)/*")
      case 9..<11: .url(host: "a.example", target: "/\(number % 5)/\(number)", ignoresQuery: true)
      default: .everything
      }
    let kind: InvalidationKind = generator.next(below: 3) > 0 ? .hard : .soft
    let receipt = await memory.store.invalidate([selector], kind: kind)
    rules.append(
      Rule(
        sequence: receipt.sequence, selector: selector, kind: kind, isDurable: receipt.isDurable))
    trace.note("\(kind) \(selector) is \(receipt.sequence), durable \(receipt.isDurable)")
  }

  private mutating func remove(_ number: Int) {
    memory.store.remove(memory.hash(path(number)))
    recentRemovals[number] = memory.store.sequence
    trace.note("removal before \(memory.store.sequence)", of: number)
  }

  private mutating func maintain() {
    if generator.next(below: 2) == 0 { second += 2000 }
    memory.store.runMaintenance(nowSeconds: second)
    trace.note("maintenance")
  }

  private mutating func synchronize() {
    clearFaults()
    set.synchronize()
    let isDurable = set.tiers.allSatisfy { tier in
      if case .durable = tier.journal.synchronize() { true } else { false }
    }
    guard isDurable else { return }
    removals.merge(recentRemovals) { max($0, $1) }
    recentRemovals = [:]
    trace.note("synchronized")
  }

  private mutating func save() async {
    if generator.next(below: 3) > 0 {
      for tier in set.tiers { tier.snapshot() }
      trace.note("snapshots")
    } else {
      let kept = await set.keepSnapshot()
      trace.note("kept \(kept)")
    }
  }

  /// Lets a few of the next operations of one device fail.
  private mutating func fail() {
    let name = ["a", "b", "c", "keys"][generator.next(below: 4)]
    let first = 1 + generator.next(below: 10)
    let last = first + generator.next(below: 8)
    array[name].setFault { number, _ in (first...last).contains(number) ? EIO : nil }
    trace.note("operations \(first) to \(last) of \(name) fail")
  }

  private func clearFaults() { for device in array.devices.values { device.setFault(nil) } }

  private mutating func restart() {
    restarts += 1
    if generator.next(below: 4) == 0 { set.shutdown() } else { set.abandon() }
    clearFaults()
    let loss = generator.next(below: 3)
    for name in array.devices.keys.sorted() {
      var tearing = DiskRandom(seed: generator.next())
      switch loss {
      case 0: array[name].crash(tearing: &tearing, isTearing: true)
      case 1: array[name].crash()
      default: break
      }
    }
    rules.removeAll { !$0.isDurable }
    recentRemovals = [:]
    if generator.next(below: 3) == 0 {
      names = Self.pathSets[generator.next(below: Self.pathSets.count)]
    }
    var missing: Set<String> = []
    if names.count > 1, generator.next(below: 2) == 0 {
      missing = [names[generator.next(below: names.count)]]
      absences += 1
    }
    array.setMissing(missing)
    trace.note("restart with \(names), missing \(missing), loss \(loss)")
    let choice = generator.next()
    if choice % 3 == 0 { restore(choice / 3) }
    open()
  }

  private mutating func restore(_ choice: UInt64) {
    let paths = names.map { "/\($0)/store" }
    guard let kept = try? DiskSet.keptSnapshots(of: paths, device: array).get(), !kept.isEmpty
    else { return }
    let snapshot = kept[Int(choice % UInt64(kept.count))]
    do throws(SnapshotFailure) {
      let restored = try DiskSet.restore(
        snapshot.name, configurations: paths.map { smallDisk($0, sizeBytes: 2 << 20) },
        witnessPath: witnessPath, device: array, logger: quietLogger)
      trace.note("restored \(restored)")
    } catch {
      trace.note("not restored: \(error)")
    }
  }

  private mutating func open() {
    do {
      set = try openSet(array, names, sizeBytes: 2 << 20)
      memory = MemoryStore(set, bytes: 100_000, mostPending: 6)
    } catch {
      Issue.record("\(error)")
      hasFailed = true
    }
  }
}
