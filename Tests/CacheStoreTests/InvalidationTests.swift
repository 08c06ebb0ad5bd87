import Testing

@testable import CacheStore

@Suite struct InvalidationTests {
  @Test func globTakesWhatItMatchesAndNothingElse() async throws {
    let memory = MemoryStore()
    let taken = ["/images/", "/images/a.png", "/images/a/b?c=d"]
    let left = ["/images", "/", "/other/images/a.png"]
    for path in taken + left { memory.insert(url(path)) }
    try await memory.invalidate("/images/*")
    for path in taken { #expect(memory.lookup(url(path)) == nil, "\(path)") }
    for path in left { #expect(memory.lookup(url(path)) != nil, "\(path)") }
  }

  @Test func exactPathTakesEveryKeyOfThatPath() async throws {
    let memory = MemoryStore()
    memory.insert("http://a.example/x")
    memory.insert("https://b.example:8443/x")
    memory.insert("http://a.example/x\nlanguage=de")
    memory.insert("http://a.example/x?q")
    try await memory.invalidate("/x")
    #expect(memory.lookup("http://a.example/x") == nil)
    #expect(memory.lookup("https://b.example:8443/x") == nil)
    #expect(memory.lookup("http://a.example/x\nlanguage=de") == nil)
    #expect(memory.lookup("http://a.example/x?q") != nil)
  }

  @Test func hostLimitsAnInvalidation() async throws {
    let memory = MemoryStore()
    let hosts = ["a.example", "a.example:8080", "b.example", "aa.example", "a.example.org"]
    for host in hosts { memory.insert("http://\(host)/x") }
    try await memory.invalidate("/*", host: "A.Example")
    let left = hosts.filter { memory.lookup("http://\($0)/x") != nil }
    #expect(left == ["b.example", "aa.example", "a.example.org"])
  }

  @Test func everythingRaisesTheFloor() async throws {
    let memory = MemoryStore()
    for number in 0..<50 { memory.insert(url("/\(number)")) }
    try await memory.invalidate("/*")
    #expect((0..<50).allSatisfy { memory.lookup(url("/\($0)")) == nil })
    #expect(memory.insert(url("/new")))
    #expect(memory.lookup(url("/new")) != nil)
    #expect(memory.store.statistics.invalidation.pendingRules == 0)
  }

  @Test(arguments: ["/*", "/a*", "/a"])
  func fillBegunBeforeAnInvalidationIsNeverStored(path: String) async throws {
    let memory = MemoryStore()
    let before = memory.store.sequence
    try await memory.invalidate(path)
    #expect(!memory.insert(url("/a"), sequence: before))
    #expect(memory.lookup(url("/a")) == nil)
    memory.store.runMaintenance(nowSeconds: 1001)
    #expect(memory.store.statistics.invalidation.pendingRules == 0)
    #expect(!memory.insert(url("/a"), sequence: before))
    let key = Array(url("/a").utf8)
    #expect(key.withUnsafeBytes { memory.store.isInvalidated(key: $0, fetchSequence: before) })
    #expect(memory.insert(url("/a")))
    #expect(memory.lookup(url("/a")) != nil)
    #expect(memory.store.statistics.invalidation.refusedFills == 2)
  }

  @Test func fillOfAnotherPathIsStored() async throws {
    let memory = MemoryStore()
    let before = memory.store.sequence
    try await memory.invalidate("/a*")
    #expect(memory.insert(url("/b"), sequence: before))
    #expect(memory.lookup(url("/b")) != nil)
  }

  @Test func fillBegunBeforeARemovalIsNotStored() {
    let memory = MemoryStore()
    let before = memory.store.sequence
    memory.store.remove(memory.hash(url("/a")))
    #expect(!memory.insert(url("/a"), sequence: before))
    #expect(memory.insert(url("/a")))
  }

  @Test func sweepEmptiesRulesAndMemory() async throws {
    let memory = MemoryStore(bytes: 4 << 20, shards: 4)
    for number in 0..<3000 { memory.insert(url("/\(number % 2 == 0 ? "a" : "b")/\(number)")) }
    try await memory.invalidate("/a/*")
    #expect(memory.store.statistics.invalidation.pendingRules == 1)
    memory.store.runMaintenance(nowSeconds: 1001)
    let statistics = memory.store.statistics
    #expect(statistics.invalidation.pendingRules == 0)
    #expect(statistics.memory.objects == 1500)
    #expect(statistics.memory.invalidated == 1500)
    try await memory.invalidate("/*")
    memory.store.runMaintenance(nowSeconds: 1002)
    #expect(memory.store.statistics.memory.objects == 0)
  }

  @Test func objectsRememberWhichRulesTheyPassed() async throws {
    let memory = MemoryStore()
    memory.insert(url("/b"))
    try await memory.invalidate("/a*")
    let object = try #require(memory.lookup(url("/b")))
    #expect(object.checkedSequence == memory.store.sequence)
    #expect(object.fetchSequence < memory.store.sequence)
  }

  @Test func tooManyRulesRaiseTheFloor() async throws {
    let memory = MemoryStore(log: InvalidationLog(mostPending: 10))
    memory.insert(url("/old"))
    for number in 0..<10 { try await memory.invalidate("/\(number)*") }
    #expect(memory.holds(url("/old")))
    #expect(memory.lookup(url("/old")) != nil)
    memory.insert(url("/between"))
    try await memory.invalidate("/x*")
    #expect(memory.lookup(url("/old")) == nil)
    #expect(memory.lookup(url("/between")) != nil)
    let counters = memory.store.statistics.invalidation
    #expect(counters.mergedRules == 1)
    #expect(counters.pendingRules == 10)
  }

  @Test func forgottenRulesRefuseOldFills() async throws {
    let memory = MemoryStore(log: InvalidationLog(mostHistory: 3))
    let before = memory.store.sequence
    for number in 0..<3 { try await memory.invalidate("/\(number)*") }
    memory.store.runMaintenance(nowSeconds: 1001)
    #expect(memory.insert(url("/b"), sequence: before))
    try await memory.invalidate("/3*")
    memory.store.runMaintenance(nowSeconds: 1002)
    #expect(!memory.insert(url("/c"), sequence: before))
    #expect(memory.insert(url("/c")))
  }

  @Test func thousandsOfExactPathsAreFoundByHash() {
    var rules = InvalidationRules()
    for number in 0..<5000 {
      rules.append(InvalidationRule(sequence: 5, host: nil, pattern: "/\(number)"))
    }
    #expect(rules.linearCount == 0)
    func invalidates(_ text: String, _ sequence: UInt64) -> Bool {
      Array(text.utf8).withUnsafeBytes { key in
        let subject = InvalidationSubject(key: key, fetchSequence: sequence)
        return rules.match(subject, newerThan: sequence) == 5
      }
    }
    #expect(invalidates(url("/4999"), 4))
    #expect(!invalidates(url("/4999"), 5))
    #expect(!invalidates(url("/5000"), 4))
    #expect(rules.removeAll(upTo: 5).count == 5000)
    #expect(rules.isEmpty)
    #expect(rules.newestSequence == 0)
  }

  @Test func recoveredRulesAndFloorHold() {
    let log = InvalidationLog(
      sequence: 90, floor: 50,
      rules: [(sequence: 80, selector: .path(host: nil, pattern: "/a*"))])
    #expect(log.sequence > 90)
    func isGone(_ path: String, _ sequence: UInt64) -> Bool {
      Array(url(path).utf8).withUnsafeBytes { key in
        let subject = InvalidationSubject(key: key, fetchSequence: sequence)
        return log.match(stored: subject)?.kind == .hard
      }
    }
    #expect(isGone("/b", 49))
    #expect(!isGone("/b", 50))
    #expect(isGone("/a", 79))
    #expect(!isGone("/a", 80))
  }

  @Test func numbersOfRemovalsStayBelowTheNextInvalidation() {
    let log = InvalidationLog(sequence: 7)
    let first = log.record([.everything])
    for _ in 0..<100 { log.recordRemoval(KeyHash(high: 1, low: 1)) }
    #expect(log.sequence == first + 100)
    let restarted = InvalidationLog(sequence: first)
    #expect(restarted.sequence > log.sequence)
    #expect(!log.needsMark)
  }
}
