import CacheStore
import EdgeProxy
import Foundation
import Logging
import Synchronization
import Testing

@testable import AdminAPI

/// A file of jobs that a test looks into and lets fail.
final class ScriptedJobStore: JobStore {
  struct State {
    var lines: [[UInt8]] = []
    var failure: String?
    var appends = 0
    var replacements = 0
  }

  struct Failure: Error, CustomStringConvertible { let description: String }

  let state = Mutex(State())

  func load() throws -> [[UInt8]] { state.withLock { $0.lines } }

  func append(_ lines: [UInt8]) throws {
    try state.withLock { state in
      state.appends += 1
      if let failure = state.failure { throw Failure(description: failure) }
      state.lines += lines.split(separator: UInt8(ascii: "\n")).map { Array($0) }
    }
  }

  func replace(with lines: [UInt8]) throws {
    state.withLock { state in
      state.replacements += 1
      state.lines = lines.split(separator: UInt8(ascii: "\n")).map { Array($0) }
    }
  }
}

@Suite struct InvalidationRegistryTests {
  private let backend = RecordingBackend()

  private func registry(
    _ store: (any JobStore)? = nil, limits: InvalidationRegistry.Limits = .init()
  ) -> InvalidationRegistry {
    InvalidationRegistry(
      backend: backend, store: store, limits: limits, logger: Logger(label: "test"),
      nowMilliseconds: { 1_795_827_900_000 })
  }

  private func order(_ paths: String...) -> InvalidationOrder {
    var order = InvalidationOrder()
    order[.paths] = paths
    return order
  }

  private func make(
    _ registry: InvalidationRegistry, _ order: InvalidationOrder, _ reference: String? = nil
  ) async throws -> InvalidationRegistry.Outcome {
    try await registry.make(
      order, try order.selectors(routeNames: []), reference: reference)
  }

  @Test func aJobIsInProgressUntilTheSweepIsThrough() async throws {
    let registry = registry()
    backend.state.withLock { $0.progress = .pending }
    let made = try await make(registry, order("/a/*"))
    #expect(made.isNew && made.job.status == "InProgress" && made.job.counts == nil)
    #expect(backend.invalidations == [[.path(host: nil, pattern: "/a/*")]])
    #expect(await registry.job(made.job.id)?.status == "InProgress")
    backend.state.withLock {
      $0.progress = .completed(removedFromMemory: 3, removedFromDisk: 4)
    }
    let completed = try #require(await registry.job(made.job.id))
    #expect(completed.status == "Completed")
    #expect(completed.counts == InvalidationJob.Counts(memory: 3, disk: 4))
    #expect(await registry.job("I1") == nil)
  }

  @Test func aCallerReferenceStandsForOneOrder() async throws {
    let registry = registry()
    let first = try await make(registry, order("/a"), "ref")
    let again = try await make(registry, order("/a"), "ref")
    #expect(again.job.id == first.job.id && !again.isNew)
    await #expect(throws: InvalidationRegistry.Refusal.referenceInUse(id: first.job.id)) {
      try await make(registry, order("/b"), "ref")
    }
    let other = try await make(registry, order("/a"), "other")
    #expect(other.isNew && other.job.id != first.job.id)
    #expect(backend.invalidations.count == 2)
  }

  @Test func requestsAtOnceWithOneReferenceMakeOneJob() async throws {
    let registry = registry(ScriptedJobStore())
    let ids = try await withThrowingTaskGroup(of: String.self) { group in
      for _ in 0..<50 {
        group.addTask { try await make(registry, order("/a"), "ref").job.id }
      }
      return try await group.reduce(into: Set<String>()) { $0.insert($1) }
    }
    #expect(ids.count == 1 && backend.invalidations.count == 1)
  }

  @Test func whatIsInProgressIsBounded() async throws {
    var limits = InvalidationRegistry.Limits()
    limits.inProgress = 2
    let registry = registry(limits: limits)
    backend.state.withLock { $0.progress = .pending }
    _ = try await make(registry, order("/a"))
    _ = try await make(registry, order("/b"))
    await #expect(throws: InvalidationRegistry.Refusal.tooManyInProgress) {
      try await make(registry, order("/c"))
    }
    backend.state.withLock {
      $0.progress = .completed(removedFromMemory: 0, removedFromDisk: 0)
    }
    #expect(try await make(registry, order("/c")).isNew, "what has ended makes room")
  }

  @Test func patternsInProgressAreBounded() async throws {
    var limits = InvalidationRegistry.Limits()
    limits.comparedInProgress = 3
    let registry = registry(limits: limits)
    backend.state.withLock { $0.progress = .pending }
    _ = try await make(registry, order("/a*", "/b*"))
    await #expect(throws: InvalidationRegistry.Refusal.tooManyInProgress) {
      try await make(registry, order("/c*", "/d*"))
    }
    #expect(try await make(registry, order("/c*", "/exact")).isNew)
  }

  @Test func jobsAreListedByPages() async throws {
    let registry = registry()
    var ids: [String] = []
    for index in 0..<5 { ids.append(try await make(registry, order("/\(index)")).job.id) }
    ids.reverse()
    let first = try #require(await registry.list(after: nil, limit: 2))
    #expect(first.jobs.map(\.id) == Array(ids[..<2]) && first.next == ids[1])
    let second = try #require(await registry.list(after: first.next, limit: 2))
    #expect(second.jobs.map(\.id) == Array(ids[2..<4]))
    let third = try #require(await registry.list(after: second.next, limit: 2))
    #expect(third.jobs.map(\.id) == [ids[4]] && third.next == nil)
    #expect(await registry.list(after: "I1", limit: 2) == nil)
  }

  @Test func theOldestCompletedJobsAreForgottenFirst() async throws {
    var limits = InvalidationRegistry.Limits()
    limits.jobs = 3
    let registry = registry(limits: limits)
    backend.state.withLock { $0.progress = .pending }
    let pending = try await make(registry, order("/0"), "zero").job.id
    backend.state.withLock {
      $0.pendingSequence = $0.sequence
      $0.progress = .completed(removedFromMemory: 0, removedFromDisk: 0)
    }
    for index in 1...4 {
      _ = try await make(registry, order("/\(index)"), "\(index)")
      _ = await registry.list(after: nil, limit: 1)
    }
    let listed = try #require(await registry.list(after: nil, limit: 10))
    #expect(listed.jobs.map { $0.order[.paths] } == [["/4"], ["/3"], ["/0"]])
    #expect(listed.jobs.last?.id == pending && listed.jobs.last?.isCompleted == false)
    #expect(try await make(registry, order("/other"), "1").isNew, "the reference is free again")
  }

  @Test func theBytesOfJobsAreBounded() async throws {
    var limits = InvalidationRegistry.Limits()
    limits.bytes = 10_000
    let registry = registry(limits: limits)
    for index in 0..<20 {
      _ = try await make(registry, order("/\(index)" + String(repeating: "x", count: 2000)))
      _ = await registry.list(after: nil, limit: 1)
    }
    let listed = try #require(await registry.list(after: nil, limit: 100))
    #expect(listed.jobs.count == 4)
  }

  @Test func jobsOutliveTheProcess() async throws {
    let store = ScriptedJobStore()
    let before = registry(store)
    backend.state.withLock {
      $0.progress = .completed(removedFromMemory: 1, removedFromDisk: 2)
    }
    let done = try await make(before, order("/done"), "done").job
    #expect(await before.job(done.id)?.isCompleted == true)
    backend.state.withLock { $0.progress = .pending }
    let open = try await make(before, order("/open*"), "open").job
    // A torn last line.
    store.state.withLock { $0.lines.append(Array("{\"job\":\"I2\",\"cre".utf8)) }
    let count = backend.invalidations.count

    let after = registry(store)
    let found = try #require(await after.job(done.id))
    #expect(found.isCompleted && found.counts == InvalidationJob.Counts(memory: 1, disk: 2))
    #expect(found.order == done.order && found.createdMilliseconds == done.createdMilliseconds)
    #expect(try await make(after, order("/done"), "done").job.id == done.id)
    // What had not completed is made again: nobody knows whether it was on disk.
    #expect(backend.invalidations.count == count + 1)
    #expect(backend.invalidations.last == [.path(host: nil, pattern: "/open*")])
    #expect(await after.job(open.id)?.isCompleted == false)
    backend.state.withLock {
      $0.progress = .completed(removedFromMemory: 5, removedFromDisk: 6)
    }
    #expect(await after.job(open.id)?.counts == InvalidationJob.Counts(memory: 5, disk: 6))
    let third = registry(store)
    #expect(await third.job(open.id)?.isCompleted == true)
    #expect(backend.invalidations.count == count + 1)
  }

  @Test func aJobThatCannotBeKeptSaysSo() async throws {
    let store = ScriptedJobStore()
    store.state.withLock { $0.failure = "no space left" }
    let job = try await make(registry(store), order("/a")).job
    #expect(job.receipt?.isDurable == false)
    #expect(job.receipt?.failure == "no space left")
    #expect(backend.invalidations.count == 1, "it is effective all the same")
  }

  @Test func theFileIsWrittenAnewWhenMostOfItIsOfNoUse() async throws {
    var limits = InvalidationRegistry.Limits()
    limits.jobs = 2
    let store = ScriptedJobStore()
    let registry = registry(store, limits: limits)
    for index in 0..<200 {
      _ = try await make(registry, order("/\(index)" + String(repeating: "x", count: 4000)))
      _ = await registry.list(after: nil, limit: 1)
    }
    #expect(store.state.withLock { $0.replacements } > 1)
    #expect(store.state.withLock { $0.lines.count } < 200)
    let after = self.registry(store)
    #expect(
      await after.list(after: nil, limit: 10)?.jobs.first?.order[.paths].first?
        .hasPrefix("/199x") == true)
  }

  @Test func aRefreshEndsWhenWhatWasInUseIsFetched() async throws {
    let registry = registry()
    var order = order("/a/*")
    order.kind = .refresh
    var result = RefreshResult()
    result.refreshed = 7
    result.notRefreshed = 1
    backend.state.withLock { [result] in $0.refresh = result }
    let job = try await make(registry, order).job
    #expect(backend.state.withLock { $0.kinds } == [.soft])
    var found = job
    for _ in 0..<10_000 where !found.isCompleted {
      found = try #require(await registry.job(job.id))
      await Task.yield()
    }
    #expect(found.counts?.refreshed == 7 && found.counts?.notRefreshed == 1)
  }

  @Test func aFileOnDiskKeepsLines() throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("jobs-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let file = JobFile(path: path)
    #expect(try file.load() == [])
    try file.append(Array("a\nb\n".utf8))
    try file.append(Array("c\n".utf8))
    #expect(try file.load() == [Array("a".utf8), Array("b".utf8), Array("c".utf8)])
    try file.replace(with: Array("d\n".utf8))
    try file.append(Array("e\n".utf8))
    #expect(try file.load() == [Array("d".utf8), Array("e".utf8)])
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
    #expect(mode as? Int == 0o600)
    #expect(throws: JobFileError.self) { try JobFile(path: "/nowhere/jobs").append([]) }
  }
}

/// Orders: what the lists may hold, and what the store is given.
@Suite struct InvalidationOrderTests {
  private func selectors(
    _ json: String, routes: [String] = ["/*", "images"]
  ) throws -> [InvalidationSelector] {
    try InvalidationRequest(json: Array(json.utf8), nowSeconds: 1000).order
      .selectors(routeNames: routes)
  }

  @Test func everyListHasItsSelector() throws {
    #expect(
      try selectors(#"{"globs": ["/{a,b}"], "host": "h"}"#)
        == [.glob(host: "h", pattern: "/{a,b}")])
    #expect(
      try selectors(#"{"prefixes": ["/a", "/"]}"#)
        == [.prefix(host: nil, prefix: "/a"), .everything])
    #expect(
      try selectors(#"{"urls": ["https://H:443/a?b#c", "/d"], "ignoreQuery": true}"#) == [
        .url(host: "h", target: "/a?b", ignoresQuery: true),
        .url(host: nil, target: "/d", ignoresQuery: true),
      ])
    #expect(try selectors(#"{"hosts": ["A.example:8080"]}"#) == [.host("a.example:8080")])
    #expect(try selectors(#"{"tags": ["t"]}"#) == [.tag(TagHash("t"))])
    #expect(
      try selectors(#"{"groups": ["https://A.example scripts"]}"#)
        == [.tag(TagHash("https://a.example \"scripts"))])
    #expect(
      try selectors(#"{"routes": ["images"]}"#) == [.route(RouteIdentity(name: "images").value)])
    #expect(try selectors(#"{"statuses": [404, "500"]}"#) == [.status(404), .status(500)])
    #expect(try selectors(#"{"receivedBefore": 7}"#) == [.receivedBefore(second: 7)])
    #expect(try selectors(#"{"olderThan": 60}"#) == [.receivedBefore(second: 940)])
  }

  @Test(arguments: [
    (#"{"globs": ["/[a"]}"#, "no partner"), (#"{"globs": ["/{a,b"]}"#, "no partner"),
    (#"{"prefixes": ["a"]}"#, "prefixes[0]"), (#"{"urls": ["https://"]}"#, "urls[0]"),
    (#"{"urls": ["/a*"]}"#, "ends with *"), (#"{"hosts": ["a b"]}"#, "no host name"),
    (#"{"routes": ["other"]}"#, "names no route; there are \"/*\", \"images\""),
    (#"{"statuses": [99]}"#, "statuses[0] is no status"),
    (#"{"groups": ["scripts"]}"#, "groups[0] must be an origin"),
    (#"{"kind": "harder", "tags": ["a"]}"#, "hard, soft or refresh"),
    (#"{"olderThan": -1}"#, "whole number"), (#"{"dryRun": 1}"#, "true or false"),
    (#"{"callerReference": "", "tags": ["a"]}"#, "1 to 128 bytes"),
    (#"{"cloudFrontPaths": ["/a"]}"#, "is not a member"),
  ])
  func wrongEntriesAreNamed(_ json: String, _ part: String) throws {
    do {
      _ = try selectors(json)
      Issue.record("\(json) was taken")
    } catch let problem as Problem {
      #expect(problem.detail.contains(part), "\(problem.detail)")
    }
  }

  @Test func patternsInOneOrderAreBounded() throws {
    func list(_ count: Int, _ end: String) -> String {
      #"{"paths": ["# + (0..<count).map { "\"/\($0)\(end)\"" }.joined(separator: ",") + "]}"
    }
    #expect(try selectors(list(100, "*")).count == 100)
    #expect(throws: Problem.self) { try selectors(list(101, "*")) }
    #expect(try selectors(list(3000, "")).count == 3000)
  }

  @Test func anOrderSurvivesTheFile() throws {
    let json = #"""
      {"paths": ["/a*"], "globs": ["/b?"], "urls": ["/c"], "tags": ["d"], "statuses": [404],
       "host": "h", "ignoreQuery": true, "olderThan": 5, "kind": "refresh"}
      """#
    let order = try InvalidationRequest(json: Array(json.utf8), nowSeconds: 100).order
    let job = InvalidationJob(
      id: "I1", callerReference: "r", order: order, createdMilliseconds: 5)
    guard case .accepted(let read) = JobLine(Array(JobLine.accepted(job).text.utf8)) else {
      Issue.record("no line")
      return
    }
    #expect(read == job)
  }

  @Test func cloudFrontsPathsEndWithTheirStar() throws {
    var order = InvalidationOrder()
    order[.cloudFrontPaths] = ["/a/*", "/b", "c", "/*", "#tag"]
    #expect(
      try order.selectors(routeNames: []) == [
        .prefix(host: nil, prefix: "/a/"), .url(host: nil, target: "/b", ignoresQuery: false),
        .url(host: nil, target: "/c", ignoresQuery: false), .everything, .tag(TagHash("tag")),
      ])
    order[.cloudFrontPaths] = ["/a*/b"]
    #expect(throws: Problem.self) { try order.selectors(routeNames: []) }
  }
}
