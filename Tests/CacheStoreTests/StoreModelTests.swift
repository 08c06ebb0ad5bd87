import Testing

@testable import CacheStore

/// Random runs of the whole store, memory over disk over a device that crashes and fails, with kept
/// snapshots that are brought back, against every invalidation that was acknowledged: what one took
/// is never found again, what one marked is never found fresh, nothing else is marked, and no byte
/// is another than was stored.
@Suite struct StoreModelTests {
  @Test(arguments: Simulation.seeds(upTo: 22))
  func noAcknowledgedInvalidationIsEverLost(_ seed: UInt64) async throws {
    var model = try StoreModel(seed: seed)
    let steps = Simulation.steps(2500)
    for step in 0..<steps {
      model.trace.step = step
      await model.step()
      if model.hasFailed {
        Issue.record("seed \(seed), step \(step); \(Simulation.again(seed))")
        break
      }
    }
    model.disk.abandon()
    if steps < 2500 { return }
    #expect(model.hits > 200, "seed \(seed)")
    #expect(model.marked > 20, "seed \(seed)")
    #expect(model.restarts > 0, "seed \(seed)")
    #expect(model.restores > 0 || steps < 10_000, "seed \(seed)")
  }
}
