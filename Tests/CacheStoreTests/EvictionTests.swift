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
    var model = LeastRecentlyUsed(limitBytes: budget)
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
struct LeastRecentlyUsed {
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
