import CacheStore
import Logging
import Testing

@testable import EdgeBench

@Suite struct SimulationTests {
  /// Requests whose popularity falls as 1 / rank, over sizes of 200 bytes to 50 kB, with scans of
  /// objects that are asked for once.
  private static func trace(seed: UInt64) throws -> Trace {
    var state = seed
    func random() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
    var trace = Trace()
    for number in 0..<12_000 {
      // An integer power of a uniform number is skewed towards rank 0.
      let uniform = Double(random() % 1_000_000) / 1_000_000
      let rank = Int(2000 * uniform * uniform * uniform * uniform)
      let size = 200 << ((rank &* 2_654_435_761) % 9)
      try trace.append(path: "/object/\(rank)", sizeBytes: size)
      if number % 4 == 0 { try trace.append(path: "/scan/\(number)", sizeBytes: 3000) }
    }
    return trace
  }

  private static func hitPercent(
    _ trace: Trace, _ policy: MemorySimulation.Policy, percent: Double, shards: Int? = nil
  ) -> Double {
    Simulation(trace: trace, policy: policy, budget: .percent(percent), shards: shards).run()
      .objectHitPercent
  }

  @Test(arguments: [1, 2] as [UInt64])
  func sizeClassesBeatPlainQueuesAndThoseBeatRecency(seed: UInt64) throws {
    let trace = try Self.trace(seed: seed)
    for percent in [2.0, 10] {
      let recency = Self.hitPercent(trace, .leastRecentlyUsed, percent: percent)
      let plain = Self.hitPercent(trace, .s3FIFO, percent: percent)
      let classed = Self.hitPercent(trace, .sizeClassedS3FIFO, percent: percent)
      #expect(plain > recency, "seed \(seed), \(percent) %: \(plain) and \(recency)")
      #expect(classed > plain, "seed \(seed), \(percent) %: \(classed) and \(plain)")
    }
  }

  @Test func moreMemoryHitsMoreUpToEverythingThatIsAskedForTwice() throws {
    let trace = try Self.trace(seed: 3)
    let ratios = [1.0, 5, 10, 50, 120].map {
      Self.hitPercent(trace, .sizeClassedS3FIFO, percent: $0, shards: 1)
    }
    #expect(ratios == ratios.sorted())
    let all = 100 * (1 - Double(trace.objects.count) / Double(trace.requests.count))
    #expect(ratios.last == all)
  }

  @Test func theTierThatServesIsTheOneThatIsMeasured() throws {
    // The same requests against the store itself, by hand: one shard of the same budget must hit
    // the same requests.
    let trace = try Self.trace(seed: 4)
    let simulation = Simulation(
      trace: trace, policy: .sizeClassedS3FIFO, budget: .bytes(2_000_000), shards: 1)
    let store = try Store(
      configuration: .init(
        memoryBytes: 2_000_000, largestMemoryObjectBytes: 2_000_000, shardCount: 1),
      logger: Logger(label: "test"))
    var hits = 0
    let content = [UInt8](repeating: 0, count: 1 << 20)
    for request in trace.requests {
      let object = trace.objects[Int(request)]
      let key = Array(object.path.utf8)
      key.withUnsafeBytes { key in
        let hash = store.hasher.hash(key)
        if case .memory = store.lookup(hash, key: key, nowSeconds: 1000) {
          hits += 1
        } else {
          content.withUnsafeBytes { content in
            _ = store.insert(
              .make(
                hash: hash, key: key, head: UnsafeRawBufferPointer(start: nil, count: 0),
                body: .bytes(UnsafeRawBufferPointer(rebasing: content[..<object.sizeBytes])),
                metadata: ObjectMetadata()))
          }
        }
      }
    }
    let report = simulation.run()
    // Hashes differ, and with them which ghosts share a bucket: a few requests in a thousand.
    let difference = abs(Double(report.hits - hits)) / Double(trace.requests.count)
    #expect(difference < 0.01, "\(report.hits) and \(hits) of \(trace.requests.count)")
  }

  @Test(arguments: [
    ("5%", Simulation.Budget.percent(5)), ("0.5%", .percent(0.5)), ("4096", .bytes(4096)),
    ("", nil), ("%", nil), ("-1%", nil), ("0", nil), ("5 MiB", nil),
  ])
  func budgetsAreSharesOrBytes(text: String, budget: Simulation.Budget?) {
    #expect(Simulation.Budget(text) == budget)
  }
}

@Suite struct StoreFillTests {
  @Test func everyObjectIsInAndItsCostIsCounted() throws {
    let fill = try StoreFill(limitBytes: 256 << 20, headBytes: 100)
    let cost = try fill.fill(objects: 50_000, bodyBytes: 400)
    #expect(cost.objects == 50_000)
    #expect(cost.headBytes == 5_000_000)
    #expect(cost.bodyBytes == 20_000_000)
    // Other tests run in this process, so resident memory is not looked at here; what is charged
    // is.
    let bookkeeping = (cost.chargedBytes - cost.headBytes - cost.bodyBytes - cost.keyBytes) / 50_000
    #expect(bookkeeping <= 160, "\(bookkeeping) bytes")
  }

  @Test func churnEvictsAndReportsTheHeap() throws {
    let churn = try StoreFill(limitBytes: 4 << 20, headBytes: 50).churn(objects: 3000)
    #expect(churn.memory.evictedForRoom > 0)
    #expect(churn.heap.usedBytes > 0)
    #expect(churn.heap.residentBytes > 0)
    #expect((0...1).contains(churn.heap.fragmentation))
  }
}
