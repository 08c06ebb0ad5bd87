import Testing

@testable import CacheStore

/// The walk of a sweep over the memory tier.
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

  private func counted(_ done: MemorySweep) -> Int {
    done.tally.bySequence.reduce(0) { $0 + $1.value }
  }

  private func taken(_ done: MemorySweep) -> [String] {
    done.taken.map { object in object.withKey { String(decoding: $0, as: UTF8.self) } }
  }

  private func run(
    _ sweep: InvalidationLog.Sweep, _ memory: MemoryStore, mostTakenBytes: Int = .max
  ) -> MemorySweep {
    MemorySweep(sweep, through: memory.store.memory.shards, mostTakenBytes: mostTakenBytes)
  }

  @Test(arguments: [1, 4, 16])
  func everythingThatMatchesIsTakenAndNothingElse(shards: Int) async throws {
    let (memory, sweep) = try await pending(.hard, shards: shards)
    let done = run(sweep, memory)
    let half = Self.objects / 2
    let wanted = (0..<half).map { url("/images/\(2 * $0)") }
    #expect(taken(done).sorted() == wanted.sorted())
    #expect(counted(done) == half)
    #expect(memory.memory.objects == half)
    for number in 0..<Self.objects where number % 2 == 1 {
      #expect(memory.find(url("/pages/\(number)")) != nil)
    }
  }

  @Test func aSoftSweepMarksAndTakesNothing() async throws {
    let (memory, sweep) = try await pending(.soft, shards: 8)
    let done = run(sweep, memory)
    #expect(taken(done) == [])
    #expect(counted(done) == Self.objects / 2)
    #expect(memory.memory.objects == Self.objects)
    #expect(memory.find(url("/images/0"))?.isMarkedStale == true)
    #expect(memory.find(url("/pages/1"))?.isMarkedStale == false)
  }

  @Test func beyondTheLimitObjectsAreFreedAtOnce() async throws {
    let (memory, sweep) = try await pending(.hard, shards: 8)
    // It looks at the limit after each step, of at most `sweepCount` objects.
    let kept = taken(run(sweep, memory, mostTakenBytes: 20_000)).count
    #expect(kept > 0)
    #expect(kept < Self.objects / 4)
    #expect(memory.memory.objects == Self.objects / 2)
  }
}
