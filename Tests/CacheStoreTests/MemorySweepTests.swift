import Testing

@testable import CacheStore

/// The walk of a sweep over the memory tier, on one thread and on several.
@Suite struct MemorySweepTests {
  private static let objects = 2000

  /// A store of ``objects``, every other below /images/, and a sweep that is pending.
  private func pending(
    _ kind: InvalidationKind, shards: Int
  ) async throws -> (MemoryStore, InvalidationLog.Sweep) {
    let memory = MemoryStore(bytes: 16 << 20, shards: shards)
    for number in 0..<Self.objects {
      memory.insert(url(number % 2 == 0 ? "/images/\(number)" : "/pages/\(number)"))
    }
    _ = await memory.store.invalidate([try .parse("/images/*")], kind: kind)
    return (memory, try #require(memory.store.invalidations.pendingSweep()))
  }

  private func counted(_ parts: [MemorySweep]) -> Int {
    parts.flatMap(\.tally.bySequence).reduce(0) { $0 + $1.value }
  }

  private func taken(_ parts: [MemorySweep]) -> [String] {
    parts.flatMap(\.taken).map { object in
      object.withKey { String(decoding: $0, as: UTF8.self) }
    }
  }

  private func run(
    _ sweep: InvalidationLog.Sweep, _ memory: MemoryStore, cores: Int, mostTakenBytes: Int = .max
  ) -> [MemorySweep] {
    MemorySweep.run(
      sweep, through: memory.store.memory.shards, mostTakenBytes: mostTakenBytes, cores: cores,
      objectsPerThread: 100)
  }

  @Test(arguments: [(1, 1), (1, 8), (2, 8), (3, 8), (4, 4), (64, 16)])
  func everyPartTakesItsOwnAndAllIsTaken(cores: Int, shards: Int) async throws {
    let (memory, sweep) = try await pending(.hard, shards: shards)
    let parts = run(sweep, memory, cores: cores)
    #expect(parts.count == min(cores, shards, 4))
    let half = Self.objects / 2
    let wanted = (0..<half).map { url("/images/\(2 * $0)") }
    #expect(taken(parts).sorted() == wanted.sorted())
    #expect(counted(parts) == half)
    #expect(memory.memory.objects == half)
    for number in 0..<Self.objects where number % 2 == 1 {
      #expect(memory.find(url("/pages/\(number)")) != nil)
    }
  }

  @Test func aSoftSweepMarksAndTakesNothing() async throws {
    let (memory, sweep) = try await pending(.soft, shards: 8)
    let parts = run(sweep, memory, cores: 4)
    #expect(taken(parts) == [])
    #expect(counted(parts) == Self.objects / 2)
    #expect(memory.memory.objects == Self.objects)
    #expect(memory.find(url("/images/0"))?.isMarkedStale == true)
    #expect(memory.find(url("/pages/1"))?.isMarkedStale == false)
  }

  @Test func beyondTheLimitObjectsAreFreedAtOnce() async throws {
    let (memory, sweep) = try await pending(.hard, shards: 8)
    let parts = run(sweep, memory, cores: 2, mostTakenBytes: 20_000)
    // A part looks at the limit after each step, of at most `sweepCount` objects.
    let kept = taken(parts).count
    #expect(kept > 0)
    #expect(kept < Self.objects / 4)
    #expect(memory.memory.objects == Self.objects / 2)
  }

  @Test func aSmallStoreIsSweptByTheCallerAlone() async throws {
    let (memory, sweep) = try await pending(.hard, shards: 8)
    let parts = MemorySweep.run(
      sweep, through: memory.store.memory.shards, mostTakenBytes: .max, cores: 8)
    #expect(parts.count == 1)
    #expect(memory.memory.objects == Self.objects / 2)
  }
}
