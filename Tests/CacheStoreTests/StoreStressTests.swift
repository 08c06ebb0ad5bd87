import Synchronization
import Testing

@testable import CacheStore

/// Eight threads on one store. What they check throughout: an object is its key's object whole, and
/// nothing fetched before an invalidation that has returned is served after it.
@Suite struct StoreStressTests {
  private static let paths = (0..<400).map { url("/\($0 % 4)/\($0)") }

  /// Numbers below which the objects of a class must not be served any more.
  private final class Floors: Sendable {
    let values = Mutex([UInt64](repeating: 0, count: 4))
    /// The same for what must be marked stale.
    let softValues = Mutex([UInt64](repeating: 0, count: 4))

    func of(_ number: Int) -> UInt64 { values.withLock { $0[number] } }
    func soft(_ number: Int) -> UInt64 { softValues.withLock { $0[number] } }
    func raise(_ number: Int, to sequence: UInt64, _ kind: InvalidationKind = .hard) {
      switch kind {
      case .hard: values.withLock { $0[number] = max($0[number], sequence) }
      case .soft: softValues.withLock { $0[number] = max($0[number], sequence) }
      }
    }
  }

  private struct Tally {
    var wrong = 0
    var stale = 0
    var fresh = 0
    var hits = 0
  }

  @Test(arguments: [21, 22])
  func manyThreadsNeverSeeAWrongOrInvalidatedObject(seed: UInt64) async {
    let memory = MemoryStore(
      bytes: 300_000, shards: 4, log: InvalidationLog(mostPending: 8, mostHistory: 8))
    let floors = Floors()
    let tally = await withTaskGroup(of: Tally.self) { group in
      for thread in 0..<8 {
        group.addTask {
          await Self.work(memory, floors, seed: seed &* 31 &+ UInt64(thread), thread: thread)
        }
      }
      return await group.reduce(into: Tally()) { sum, one in
        sum.wrong += one.wrong
        sum.stale += one.stale
        sum.fresh += one.fresh
        sum.hits += one.hits
      }
    }
    #expect(tally.wrong == 0, "seed \(seed)")
    #expect(tally.stale == 0, "seed \(seed)")
    #expect(tally.fresh == 0, "seed \(seed)")
    #expect(tally.hits > 0)
    let counters = memory.memory
    #expect(counters.objectBytes == memory.sumOfCharges)
    #expect(counters.bytes <= 300_000)
    memory.store.runMaintenance(nowSeconds: 2000)
    #expect(memory.store.statistics.invalidation.pendingRules == 0)
  }

  private static func work(
    _ memory: MemoryStore, _ floors: Floors, seed: UInt64, thread: Int
  ) async -> Tally {
    var generator = SeededGenerator(seed: seed)
    var tally = Tally()
    for step in 0..<1500 {
      let number = Int.random(in: 0..<paths.count, using: &generator)
      let path = paths[number]
      switch Int.random(in: 0..<1000, using: &generator) {
      case 0..<600:
        let floor = floors.of(number % 4)
        let softFloor = floors.soft(number % 4)
        guard let object = memory.lookup(path, at: 1000 + Int64(step / 300)) else { break }
        tally.hits += 1
        if !isWhole(object, path) { tally.wrong += 1 }
        if object.fetchSequence < floor { tally.stale += 1 }
        if object.fetchSequence < softFloor, !object.isMarkedStale { tally.fresh += 1 }
      case 600..<980:
        let sequence = memory.store.sequence
        if step % 7 == 0 { await Task.yield() }
        let tags = number % 3 == 0 ? [] : ["tag\(number % 4)", "other", "tag\(number)"]
        let bytes = Int.random(in: 0..<2000, using: &generator)
        memory.store.insert(memory.object(path, bytes: bytes, sequence: sequence, tags: tags))
      case 980..<990: memory.store.remove(memory.hash(path))
      case 990..<996:
        // By path for what has no tags, in one step with the others.
        let kind: InvalidationKind = step % 2 == 0 ? .hard : .soft
        let selectors: [InvalidationSelector] =
          step % 3 == 0
          ? [.path(host: nil, pattern: "/\(number % 4)/*")]
          : [.tag(TagHash("tag\(number % 4)"))] + untagged(number % 4)
        let receipt = await memory.store.invalidate(selectors, kind: kind)
        floors.raise(number % 4, to: receipt.sequence, kind)
      case 996:
        let kind: InvalidationKind = step % 2 == 0 ? .hard : .soft
        let receipt = await memory.store.invalidate([.everything], kind: kind)
        for index in 0..<4 { floors.raise(index, to: receipt.sequence, kind) }
      default: memory.store.runMaintenance(nowSeconds: 1000 + Int64(step / 300))
      }
    }
    return tally
  }

  private static func untagged(_ group: Int) -> [InvalidationSelector] {
    paths.indices.filter { $0 % 4 == group && $0 % 3 == 0 }.map {
      .url(host: "a.example", target: "/\(group)/\($0)", ignoresQuery: $0 % 2 == 0)
    }
  }

  private static func isWhole(_ object: StoredObject, _ path: String) -> Bool {
    guard object.withKey({ Array($0) == Array(path.utf8) }) else { return false }
    let expected = UInt8(truncatingIfNeeded: object.bodyCount)
    return object.withInlineBody { $0.allSatisfy { $0 == expected } }
  }
}
