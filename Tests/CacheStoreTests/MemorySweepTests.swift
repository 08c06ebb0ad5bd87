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

  /// What a sweep did.
  private struct Done {
    var counted = 0
    var taken: [String] = []
    /// Pauses while they were freed.
    var pauses = 0
  }

  private func run(
    _ sweep: InvalidationLog.Sweep, _ memory: MemoryStore, mostTakenBytes: Int = .max
  ) -> Done {
    var taken = TakenObjects(mostBytes: mostTakenBytes)
    let swept = MemorySweep(sweep, through: memory.store.memory.shards, into: &taken)
    var done = Done(counted: swept.tally.bySequence.reduce(0) { $0 + $1.value })
    done.taken = taken.objects.map { object in
      object.withKey { String(decoding: $0, as: UTF8.self) }
    }
    taken.free {
      done.pauses += 1
      return true
    }
    #expect(taken.objects.isEmpty)
    return done
  }

  @Test(arguments: [1, 4, 16])
  func everythingThatMatchesIsTakenAndNothingElse(shards: Int) async throws {
    let (memory, sweep) = try await pending(.hard, shards: shards)
    let done = run(sweep, memory)
    let half = Self.objects / 2
    let wanted = (0..<half).map { url("/images/\(2 * $0)") }
    #expect(done.taken.sorted() == wanted.sorted())
    #expect(done.counted == half)
    #expect(done.pauses > 0)
    #expect(memory.memory.objects == half)
    for number in 0..<Self.objects where number % 2 == 1 {
      #expect(memory.find(url("/pages/\(number)")) != nil)
    }
  }

  @Test func aSoftSweepMarksAndTakesNothing() async throws {
    let (memory, sweep) = try await pending(.soft, shards: 8)
    let done = run(sweep, memory)
    #expect(done.taken == [])
    #expect(done.counted == Self.objects / 2)
    #expect(memory.memory.objects == Self.objects)
    #expect(memory.find(url("/images/0"))?.isMarkedStale == true)
    #expect(memory.find(url("/pages/1"))?.isMarkedStale == false)
  }

  @Test func beyondTheLimitObjectsAreFreedAtOnce() async throws {
    let (memory, sweep) = try await pending(.hard, shards: 8)
    // It looks at the limit after each step, of at most `sweepCount` objects.
    let kept = run(sweep, memory, mostTakenBytes: 20_000).taken.count
    #expect(kept > 0)
    #expect(kept < Self.objects / 4)
    #expect(memory.memory.objects == Self.objects / 2)
  }

  @Test func aRuleOfEveryFolderReachesEveryFolder() async throws {
    let (memory, _) = try await pending(.hard, shards: 8)
    _ = await memory.store.invalidate([try .parse("/*1")])
    let sweep = try #require(memory.store.invalidations.pendingSweep())
    // All below /images/, which are even, and of the others those that end with a 1.
    #expect(run(sweep, memory).counted == Self.objects / 2 + Self.objects / 10)
  }

  @Test func aFolderRefilledAfterASweepIsSweptAgain() async throws {
    let (memory, _) = try await pending(.hard, shards: 4)
    memory.store.runMaintenance(nowSeconds: 1000)
    #expect(memory.memory.objects == Self.objects / 2)
    // Into the entries that were freed, under other folders than before.
    for number in 0..<Self.objects / 2 { memory.insert(url("/other/\(number)")) }
    _ = await memory.store.invalidate([try .parse("/other/*")])
    memory.store.runMaintenance(nowSeconds: 1000)
    #expect(memory.memory.objects == Self.objects / 2)
    #expect(memory.find(url("/pages/1")) != nil)
    #expect(memory.find(url("/other/1")) == nil)
  }

  @Test func maintenancePausesUnlessSomethingIsWanted() {
    let maintenance = Maintenance()
    #expect(maintenance.pause(for: .microseconds(1)))
    maintenance.wake()
    #expect(!maintenance.pause(for: .seconds(3600)))
    maintenance.requests.update { $0 = Maintenance.Requests(isWanted: false, isStopping: true) }
    #expect(!maintenance.pause(for: .seconds(3600)))
  }

  @Test func whatIsPendingEndsThePausesOfFreeing() async throws {
    let (memory, sweep) = try await pending(.hard, shards: 2)
    var taken = TakenObjects(mostBytes: .max)
    _ = MemorySweep(sweep, through: memory.store.memory.shards, into: &taken)
    taken.free { false }
    let rest = taken.objects.count
    #expect(0 < rest && rest < Self.objects / 2)
    taken.free { true }
    #expect(taken.objects.isEmpty)
  }
}
