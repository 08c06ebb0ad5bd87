import Glibc
import NIOCore
import Testing

@testable import CacheStore

/// One random run of a store; see ``StoreModelTests``.
struct StoreModel {
  struct Rule {
    let sequence: UInt64
    let selector: InvalidationSelector
    let kind: InvalidationKind
    let isDurable: Bool
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
  var restores = 0
  /// Rules that could not be made durable before a restart: they may hold or not.
  var unsure: [Rule] = []
  /// Removals of one object that must hold, and those of which it is not known yet.
  var removals: [Int: UInt64] = [:]
  var recentRemovals: [Int: UInt64] = [:]
  var isFaulty = false
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
    case 97: await save()
    case 98 where generator.next(below: 3) == 0: fail()
    case 98 where generator.next(below: 2) == 0: remove(number)
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
    #expect(receipt.isDurable || isFaulty)
    rules.append(
      Rule(
        sequence: receipt.sequence, selector: selector, kind: kind, isDurable: receipt.isDurable))
    trace.note("\(kind) \(selector) is \(receipt.sequence), durable: \(receipt.isDurable)")
  }

  /// Lets a few of the next operations of the device fail.
  private mutating func fail() {
    let first = 1 + generator.next(below: 20)
    let last = first + generator.next(below: 6)
    let code = generator.next(below: 2) == 0 ? EIO : ENOSPC
    device.setFault { number, _ in (first...last).contains(number) ? code : nil }
    isFaulty = true
    trace.note("operations \(first) to \(last) fail with \(code)")
  }

  private mutating func remove(_ number: Int) {
    memory.store.remove(memory.hash(path(number)))
    recentRemovals[number] = memory.store.sequence
    trace.note("removal before \(memory.store.sequence)", of: number)
  }

  private mutating func save() async {
    switch generator.next(below: 6) {
    case 0: snapshot()
    case 1:
      let result = await disk.keepSnapshot()
      trace.note("kept snapshot: \(result)")
      if case .failure = result, !isFaulty { Issue.record("no snapshot: \(result)") }
    default: break
    }
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
    let removal = max(removals[number] ?? 0, recentRemovals[number] ?? 0)
    if object.fetchSequence < removal {
      hasFailed = true
      Issue.record("\(path(number)) was removed\n\(account(of: object, number, place, []))")
    }
    checkBytes(of: object, number)
    // Too many rules at once mark too much, never without any.
    let mayBeMarked = (rules + unsure).contains {
      $0.kind == .soft && object.fetchSequence < $0.sequence
    }
    #expect(!object.isMarkedStale || mayBeMarked)
    trace.note("found \(object.fetchSequence) in \(place)", of: number)
  }

  /// What was stored repeats one byte, which follows from its count.
  private mutating func checkBytes(of object: StoredObject, _ number: Int) {
    #expect(object.withKey { String(decoding: $0, as: UTF8.self) } == path(number))
    // A body that can't be read is a miss.
    guard let body = object.wholeBody() else { return }
    let byte = body.count >= 70_000 ? 1 : UInt8(truncatingIfNeeded: body.count)
    let expected = [UInt8](repeating: byte, count: body.count)
    if memcmp(body, expected, body.count) != 0 {
      hasFailed = true
      Issue.record("wrong bytes for \(path(number))")
    }
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
    clearFault()
    disk.synchronize()
    if case .durable = disk.journal.synchronize() {
      removals.merge(recentRemovals) { max($0, $1) }
      recentRemovals = [:]
    }
    trace.note("synchronized")
  }

  private func clearFault() { device.setFault(nil) }

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
    guard
      let spool = memory.store.beginSpool(
        for: memory.hash(path(number)), expectedBytes: nil)
    else { return }
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
    clearFault()
    // How much is torn depends on the threads: of its own generator, so that the steps do not.
    var tearing = DiskRandom(seed: generator.next())
    let loss = generator.next(below: 3)
    switch loss {
    case 0: device.crash(tearing: &tearing, isTearing: true)
    case 1: device.crash()
    default: break
    }
    trace.note("restart, \(["torn", "power lost", "killed"][loss])")
    unsure += rules.filter { !$0.isDurable }
    rules.removeAll { !$0.isDurable }
    recentRemovals = [:]
    let choice = generator.next()
    if generator.next(below: 3) == 0 { restore(choice) }
    open()
  }

  /// Brings one of the kept snapshots back.
  private mutating func restore(_ choice: UInt64) {
    guard let kept = try? DiskTier.keptSnapshots(of: "/store", device: device).get(),
      !kept.isEmpty
    else { return }
    let snapshot = kept[Int(choice % UInt64(kept.count))]
    do {
      let restored = try DiskTier.restore(
        snapshot.name, configuration: smallDisk(sizeBytes: 2 << 20), device: device,
        logger: quietLogger)
      restores += 1
      trace.note("restored \(restored)")
    } catch {
      Issue.record("restore: \(error)")
      hasFailed = true
    }
    // Another power loss may follow at once.
    if choice % 3 == 0 { device.crash() }
  }

  private mutating func open() {
    do {
      disk = try openDisk(device, smallDisk(sizeBytes: 2 << 20))
    } catch {
      Issue.record("\(error)")
      hasFailed = true
      return
    }
    #expect(disk.statistics.recovery == .complete || isFaulty)
    isFaulty = false
    memory = Self.open(disk)
    earlier = []
  }
}
