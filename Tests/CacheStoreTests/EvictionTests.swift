import Testing

@testable import CacheStore

@Suite struct EvictionTests {
  @Test func scanDoesNotDriveOutWhatIsHit() {
    let memory = MemoryStore(bytes: 200_000)
    let hot = (0..<100).map { url("/hot/\($0)") }
    for path in hot { memory.insert(path, bytes: 400) }
    for _ in 0..<2 { for path in hot { memory.lookup(path) } }
    for number in 0..<5000 {
      memory.insert(url("/scan/\(number)"), bytes: 400)
      if number % 20 == 0 { memory.lookup(hot[number / 20 % 100]) }
    }
    let left = hot.count { memory.holds($0) }
    #expect(left >= 95, "\(left) of 100")
  }

  @Test func smallObjectsArePreferredAtEqualHits() {
    let memory = MemoryStore(bytes: 400_000, largestBytes: 100_000)
    for number in 0..<200 {
      memory.insert(url("/small/\(number)"), bytes: 300)
      if number % 5 == 0 { memory.insert(url("/large/\(number)"), bytes: 20_000) }
    }
    let small = (0..<200).count { memory.holds(url("/small/\($0)")) }
    let large = (0..<40).count { memory.holds(url("/large/\($0 * 5)")) }
    #expect(small >= 190, "\(small) of 200")
    #expect(large < 20, "\(large) of 40")
  }

  @Test func smallObjectsDoNotStayForEver() {
    let memory = MemoryStore(bytes: 100_000, largestBytes: 50_000)
    for number in 0..<100 { memory.insert(url("/small/\(number)"), bytes: 100) }
    for number in 0..<20_000 { memory.insert(url("/large/\(number)"), bytes: 4000) }
    #expect((0..<100).count { memory.holds(url("/small/\($0)")) } == 0)
  }

  @Test func ghostComesBackToTheMainQueue() {
    let memory = MemoryStore(bytes: 60_000)
    for number in 0..<200 { memory.insert(url("/\(number)"), bytes: 400) }
    #expect(!memory.holds(url("/80")))
    let before = memory.memory.ghostHits
    memory.insert(url("/80"), bytes: 400)
    #expect(memory.memory.ghostHits == before + 1)
    for number in 200..<400 { memory.insert(url("/\(number)"), bytes: 400) }
    #expect(memory.holds(url("/80")))
  }

  @Test func expiredTailsLeaveFirst() {
    let memory = MemoryStore(bytes: 40_000)
    for number in 0..<60 {
      memory.insert(url("/\(number)"), bytes: 400, usefulUntil: number < 30 ? 1010 : .max)
    }
    let lasting = (30..<60).map { url("/\($0)") }
    #expect(lasting.allSatisfy { memory.holds($0) })
    memory.lookup(url("/0"), at: 1011)
    for number in 100..<115 { memory.insert(url("/\(number)"), bytes: 400) }
    #expect(lasting.allSatisfy { memory.holds($0) })
    #expect(memory.memory.evictedExpired > 0)
    #expect(memory.memory.evictedForRoom == 0)
  }

  @Test(arguments: [11, 12])
  func hitRatioBeatsLeastRecentlyUsedOnSkewedSizes(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let trace = ZipfTrace(objects: 4000, requests: 60_000, using: &generator)
    let budget = trace.totalBytes / 20
    let memory = MemoryStore(bytes: budget, largestBytes: budget / 4)
    var model = RecencyModel(limitBytes: budget)
    var hits = 0
    for number in trace.requests {
      let path = url("/\(number)")
      if memory.lookup(path) != nil {
        hits += 1
      } else {
        memory.insert(path, bytes: trace.sizes[number])
      }
      model.request(number, bytes: memory.object(path, bytes: trace.sizes[number]).chargedBytes)
    }
    let ratio = Double(hits) / Double(trace.requests.count)
    let leastRecent = Double(model.hits) / Double(trace.requests.count)
    #expect(ratio > leastRecent + 0.05, "seed \(seed): \(ratio) against \(leastRecent)")
  }
}

/// Requests whose popularity falls as 1 / rank, over sizes from 100 bytes to 50 kB.
struct ZipfTrace {
  let sizes: [Int]
  let requests: [Int]
  var totalBytes: Int { sizes.reduce(0, +) }

  init(objects: Int, requests count: Int, using generator: inout SeededGenerator) {
    var sizes: [Int] = []
    var cumulative: [Double] = []
    var sum = 0.0
    for rank in 1...objects {
      let power = Int.random(in: 7...15, using: &generator)
      sizes.append(Int.random(in: (1 << (power - 1))...(1 << power), using: &generator))
      sum += 1 / Double(rank)
      cumulative.append(sum)
    }
    self.sizes = sizes
    requests = (0..<count).map { _ in
      let point = Double.random(in: 0..<sum, using: &generator)
      var range = 0..<objects
      while range.count > 1 {
        let middle = range.lowerBound + range.count / 2
        range =
          cumulative[middle - 1] > point
          ? range.lowerBound..<middle : middle..<range.upperBound
      }
      return range.lowerBound
    }
  }
}

/// The plain model that the policy is measured against; free of any index overhead.
struct RecencyModel {
  let limitBytes: Int
  private(set) var hits = 0
  private var usedBytes = 0
  private var clock = 0
  private var lastUse: [Int: Int] = [:]
  private var bytes: [Int: Int] = [:]
  private var order: [Int: Int] = [:]
  private var oldest = 0

  init(limitBytes: Int) { self.limitBytes = limitBytes }

  mutating func request(_ number: Int, bytes count: Int) {
    clock += 1
    if let used = lastUse[number] {
      hits += 1
      order[used] = nil
    } else {
      bytes[number] = count
      usedBytes += count
    }
    lastUse[number] = clock
    order[clock] = number
    while usedBytes > limitBytes {
      if let victim = order.removeValue(forKey: oldest) {
        lastUse[victim] = nil
        usedBytes -= bytes.removeValue(forKey: victim) ?? 0
      }
      oldest += 1
    }
  }
}

/// Shards under every policy: what the seam promises holds for each.
@Suite struct EvictionPolicyTests {
  private func object(_ number: Int, bytes: Int, usefulUntil: Int64 = .max) -> StoredObject {
    let hasher = KeyHasher(seed: 1)
    var metadata = ObjectMetadata()
    metadata.usefulUntilSeconds = usefulUntil
    return .make(
      url("/\(number)"), hasher: hasher, head: "", body: [UInt8](repeating: 0, count: bytes),
      metadata)
  }

  /// Puts objects through a shard at random and checks its counts against what is in it.
  private func run<Policy: EvictionPolicy>(_: Policy.Type, seed: UInt64) {
    let shard = MemoryShard<Policy>(limitBytes: 100_000)
    var generator = SeededGenerator(seed: seed)
    for step in 0..<8000 {
      let object = object(
        Int.random(in: 0..<400, using: &generator),
        bytes: 1 << Int.random(in: 0..<13, using: &generator),
        usefulUntil: Bool.random(using: &generator) ? .max : Int64(step))
      switch Int.random(in: 0..<6, using: &generator) {
      case 0...2:
        _ = object.withKey { shard.lookup(object.hash, key: $0, nowSeconds: UInt32(step)) }
      case 3: _ = shard.remove(object.hash)
      default:
        _ = shard.place(
          object, nowSeconds: Int64(step), as: .newer, while: { true })
      }
      if step % 200 == 0 {
        let held = shard.collect(from: 0, count: .max) { _ in true }.objects
        #expect(shard.statistics.objects == held.count)
        #expect(shard.statistics.objectBytes == held.reduce(0) { $0 + $1.chargedBytes })
        #expect(shard.statistics.bytes <= 100_000)
      }
    }
    #expect(shard.statistics.evictedForRoom > 0)
    #expect(shard.statistics.evictedExpired > 0)
  }

  @Test(arguments: [1, 2, 3])
  func everyPolicyKeepsTheBudgetAndItsCounts(seed: UInt64) {
    run(SizeClassedS3FIFO.self, seed: seed)
    run(S3FIFO.self, seed: seed)
    run(LeastRecentlyUsed.self, seed: seed)
  }

  @Test func whatComesFromDiskTakesAPlaceTheSecondTime() {
    func placements<Policy: EvictionPolicy>(_: Policy.Type) -> [Bool] {
      let shard = MemoryShard<Policy>(limitBytes: 40_000)
      func promote(_ number: Int) -> Bool {
        let placement = shard.place(
          object(number, bytes: 400), nowSeconds: 0, as: .promoted, while: { true })
        if case .placed = placement { return true }
        return false
      }
      // While there is room, whatever comes.
      let early = promote(0)
      for number in 1000..<1200 {
        _ = shard.place(object(number, bytes: 400), nowSeconds: 0, as: .newer, while: { true })
      }
      let count = shard.statistics.objects
      let late = [promote(1), promote(2), promote(1), promote(2), promote(3)]
      #expect(shard.statistics.objects <= count)
      return [early] + late
    }
    #expect(placements(SizeClassedS3FIFO.self) == [true, false, false, true, true, false])
    #expect(placements(S3FIFO.self) == [true, false, false, true, true, false])
    #expect(placements(LeastRecentlyUsed.self) == [true, true, true, false, false, true])
  }

  @Test func whatWasReadFromDiskLongAgoCountsAsNew() {
    let shard = MemoryShard<SizeClassedS3FIFO>(limitBytes: 40_000)
    for number in 1000..<1200 {
      _ = shard.place(object(number, bytes: 400), nowSeconds: 0, as: .newer, while: { true })
    }
    func isDeclined(_ number: Int) -> Bool {
      let placement = shard.place(
        object(number, bytes: 400), nowSeconds: 0, as: .promoted, while: { true })
      if case .declined = placement { return true }
      return false
    }
    // Each is read again after many more others than memory holds: none is worth a place.
    for _ in 0..<2 {
      for number in 0..<1000 { #expect(isDeclined(number)) }
    }
  }

  @Test func recencyKeepsWhatWasUsedLastAndQueuesKeepWhatWasHit() {
    func survivors<Policy: EvictionPolicy>(_: Policy.Type) -> [Int] {
      let shard = MemoryShard<Policy>(limitBytes: 40_000)
      func insert(_ number: Int) {
        _ = shard.place(
          object(number, bytes: 400), nowSeconds: 0, as: .newer, while: { true })
      }
      func hit(_ number: Int) {
        let object = object(number, bytes: 400)
        _ = object.withKey { shard.lookup(object.hash, key: $0, nowSeconds: 0) }
      }
      for number in 0..<10 { insert(number) }
      for number in 0..<10 { hit(number) }
      for number in 0..<10 { hit(number) }
      // A scan of more than the budget.
      for number in 1000..<1200 { insert(number) }
      return (0..<10).filter { number in
        let object = object(number, bytes: 400)
        return object.withKey { shard.peek(object.hash, key: $0) } != nil
      }
    }
    #expect(survivors(LeastRecentlyUsed.self) == [])
    #expect(survivors(S3FIFO.self) == Array(0..<10))
    #expect(survivors(SizeClassedS3FIFO.self) == Array(0..<10))
  }
}
