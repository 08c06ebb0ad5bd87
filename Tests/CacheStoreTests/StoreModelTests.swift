import NIOCore
import Testing

@testable import CacheStore

/// Random runs of the whole store, memory over disk over a device that crashes, against every
/// invalidation that was acknowledged: what one took is never found again, what one marked is never
/// found fresh, and nothing else is marked.
@Suite struct StoreModelTests {
  @Test(arguments: Array(1...4) as [UInt64])
  func noAcknowledgedInvalidationIsEverLost(_ seed: UInt64) async throws {
    var model = try StoreModel(seed: seed)
    for step in 0..<2500 {
      model.trace.step = step
      await model.step()
      if model.hasFailed {
        Issue.record("seed \(seed), step \(step)")
        break
      }
    }
    model.disk.abandon()
    #expect(model.hits > 200, "seed \(seed)")
    #expect(model.marked > 20, "seed \(seed)")
    #expect(model.restarts > 3, "seed \(seed)")
  }
}

private struct StoreModel {
  struct Rule {
    let sequence: UInt64
    let selector: InvalidationSelector
    let kind: InvalidationKind
  }

  let device = DiskSimulatedDevice()
  var disk: DiskTier
  var memory: MemoryStore
  var generator: DiskRandom
  var rules: [Rule] = []
  /// Sequences read a while ago, for fills that take long.
  var earlier: [UInt64] = []
  var hits = 0
  var marked = 0
  var restarts = 0
  var second: Int64 = 2000
  var hasFailed = false
  var trace = StoreModelTrace()

  init(seed: UInt64) throws {
    generator = DiskRandom(seed: seed)
    disk = try openDisk(device, smallDisk(sizeBytes: 2 << 20))
    memory = Self.open(disk)
  }

  private static func open(_ disk: DiskTier) -> MemoryStore {
    MemoryStore(
      bytes: 200_000, shards: 2, disk: disk,
      log: InvalidationLog(
        sequence: disk.recoveredInvalidations.sequence, floor: disk.recoveredInvalidations.floor,
        rules: rules(disk, .hard), softFloor: disk.recoveredInvalidations.softFloor,
        softRules: rules(disk, .soft), mostPending: 6, mostHistory: 6))
  }

  private static func rules(
    _ disk: DiskTier, _ kind: InvalidationKind
  ) -> [InvalidationLog.RecoveredRule] {
    disk.recoveredInvalidations.rules.filter { $0.kind == kind }.map { ($0.sequence, $0.selector) }
  }

  private func path(_ number: Int) -> String { url("/\(number % 5)/\(number)?q=\(number % 3)") }

  mutating func step() async {
    let number = generator.next(below: 80)
    switch generator.next(below: 100) {
    case 0..<50: look(number)
    case 50..<80: insert(number)
    case 80..<84: insertLarge(number)
    case 84..<90: await invalidate(number)
    case 90..<94: maintain(idle: false)
    case 94..<96: maintain(idle: true)
    case 96: synchronize()
    case 97: if generator.next(below: 3) == 0 { snapshot() }
    case 98: earlier.append(memory.store.sequence)
    default: if generator.next(below: 3) == 0 { restart() }
    }
  }

  private func selectors(_ number: Int, _ random: Int) -> InvalidationSelector {
    switch random {
    case 0: .tag(TagHash("group\(number % 5)"))
    case 1: .tag(TagHash("number\(number)"))
    case 2: .path(host: nil, pattern: "/\(number % 5)/*")
    case 3: .url(host: "a.example", target: "/\(number % 5)/\(number)", ignoresQuery: true)
    case 4: .glob(host: nil, pattern: "/[0-4]/{\(number),7?}?q=*")
    case 5: .status(UInt16(200 + number % 4))
    case 6: .receivedBefore(second: Int64(number * 10))
    case 7: .prefix(host: nil, prefix: "/\(number % 5)/1")
    default: .everything
    }
  }

  private mutating func invalidate(_ number: Int) async {
    var random = generator.next(below: 9)
    if random == 8, generator.next(below: 4) > 0 { random = 0 }
    let kind: InvalidationKind = generator.next(below: 2) == 0 ? .hard : .soft
    let selector = selectors(number, random)
    let receipt = await memory.store.invalidate([selector], kind: kind)
    #expect(receipt.isDurable)
    rules.append(Rule(sequence: receipt.sequence, selector: selector, kind: kind))
    trace.note("\(kind) \(selector) is \(receipt.sequence)")
  }

  private mutating func look(_ number: Int) {
    let place = memory.whereabouts(path(number))
    guard let object = memory.find(path(number)) else { return }
    hits += 1
    marked += object.isMarkedStale ? 1 : 0
    let concerning = rules.filter { rule in
      guard object.fetchSequence < rule.sequence else { return false }
      return object.withSubject { subject in
        var one = InvalidationRules()
        one.append(InvalidationRule(rule.selector, sequence: rule.sequence))
        return one.match(subject, newerThan: 0) != nil
      }
    }
    let isTaken = concerning.contains { $0.kind == .hard }
    let isFresh = concerning.contains { $0.kind == .soft } && !object.isMarkedStale
    if isTaken || isFresh {
      hasFailed = true
      let account = account(of: object, number, place, concerning)
      #expect(!isTaken, "\(path(number)) came back\n\(account)")
      #expect(!isFresh, "\(path(number)) is fresh again\n\(account)")
    }
    // Too many rules at once mark too much, never without any.
    let mayBeMarked = rules.contains { $0.kind == .soft && object.fetchSequence < $0.sequence }
    #expect(!object.isMarkedStale || mayBeMarked)
    trace.note("found \(object.fetchSequence) in \(place)", of: number)
  }

  /// The object, the rules that concern it, what is left of them, and how it got its place.
  private func account(
    of object: StoredObject, _ number: Int, _ place: String, _ concerning: [Rule]
  ) -> String {
    let known = memory.store.invalidations.known
    let rules = concerning.map { "\($0.kind) \($0.selector) of \($0.sequence)" }
    return """
      fetched under \(object.fetchSequence), checked up to \(object.checkedSequence), \
      marked stale: \(object.isMarkedStale), found in \(place)
      concerned by \(rules.joined(separator: "; "))
      floor \(known.floor), soft floor \(known.softFloor), history floor \(known.historyFloor), \
      \(known.pending.count) rules pending, \(known.history.count) swept, \
      recovered up to \(disk.recoveredInvalidations.sequence)
      \(trace.lines(of: number))
      """
  }

  private mutating func synchronize() {
    disk.synchronize()
    trace.note("synchronized")
  }

  private mutating func snapshot() {
    disk.snapshot()
    trace.note("snapshot")
  }

  /// Now and then the number of a fetch that began long ago.
  private mutating func fetchSequence() -> UInt64 {
    if !earlier.isEmpty, generator.next(below: 8) == 0 {
      return earlier[generator.next(below: earlier.count)]
    }
    return memory.store.sequence
  }

  private func tags(_ number: Int) -> [String] {
    number % 4 == 0 ? [] : ["group\(number % 5)", "number\(number)", "all"]
  }

  private mutating func insert(_ number: Int) {
    let object = memory.object(
      path(number), bytes: generator.next(below: 6000), sequence: fetchSequence(),
      tags: tags(number), status: UInt16(200 + number % 4), responseTime: Int64(number * 9))
    let isStored = memory.store.insert(object)
    trace.note("insert \(object.fetchSequence), stored: \(isStored)", of: number)
  }

  private mutating func insertLarge(_ number: Int) {
    let sequence = fetchSequence()
    guard let spool = memory.store.beginSpool(expectedBytes: nil) else { return }
    spool.append(ByteBuffer(repeating: 1, count: 70_000 + generator.next(below: 30_000)))
    var metadata = ObjectMetadata()
    metadata.fetchSequence = sequence
    metadata.status = UInt16(200 + number % 4)
    metadata.responseTimeSeconds = Int64(number * 9)
    let hashes = tags(number).map { TagHash($0).value }
    Array(path(number).utf8).withUnsafeBytes { key in
      let object = memory.store.finishSpool(
        spool, hash: memory.store.hasher.hash(key), key: key, head: key, metadata: metadata,
        tags: hashes)
      trace.note("insert \(sequence) by a spool, stored: \(object != nil)", of: number)
    }
  }

  private mutating func maintain(idle: Bool) {
    if idle { second += 2000 }
    memory.store.runMaintenance(nowSeconds: second)
    trace.note("maintenance, idle: \(idle)")
  }

  private mutating func restart() {
    restarts += 1
    if generator.next(below: 2) == 0 { disk.inbox.monitor.update { $0.wantsSync = true } }
    disk.abandon()
    // How much is torn depends on the threads: of its own generator, so that the steps do not.
    var tearing = DiskRandom(seed: generator.next())
    let loss = generator.next(below: 3)
    switch loss {
    case 0: device.crash(tearing: &tearing, isTearing: true)
    case 1: device.crash()
    default: break
    }
    trace.note("restart, \(["torn", "power lost", "killed"][loss])")
    do {
      disk = try openDisk(device, smallDisk(sizeBytes: 2 << 20))
    } catch {
      Issue.record("\(error)")
      hasFailed = true
      return
    }
    #expect(disk.statistics.recovery == .complete)
    memory = Self.open(disk)
    earlier = []
  }
}
