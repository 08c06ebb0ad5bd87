import CachePolicy
import CacheStore
import Dispatch
import HTTPMessage
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import EdgeProxy

/// Fetching again what an invalidation has marked stale and what is in use.
@Suite struct RefreshTests {
  private func key(_ path: String) -> [UInt8] { Array("http://a\(path)".utf8) }

  private func result(_ edge: SimulatedEdge, _ path: String) throws -> String? {
    let client = try edge.get(path)
    client.exchange?.clientClosed(.disconnected)
    return client.result
  }

  private func softly(_ edge: SimulatedEdge, _ pattern: String) {
    edge.store.invalidateSoon([.path(host: nil, pattern: pattern)], kind: .soft)
  }

  @Test func whatIsStaleIsValidatedAndFreshAgain() throws {
    let edge = try SimulatedEdge()
    try edge.fill("/a?b=1", "Cache-Control: max-age=60\nETag: \"1\"")
    softly(edge, "/*")
    var isRefreshed: Bool?
    edge.proxy.refresh(key("/a?b=1")) { isRefreshed = $0 }
    #expect(isRefreshed == nil && edge.origin.fetches.count == 2)
    let request = try edge.origin.last.request
    #expect(request.fields.text(.ifNoneMatch) == "\"1\"")
    #expect(String(buffer: request.target) == "/a?b=1")
    #expect(!request.fields.contains(.xForwardedFor))
    try edge.origin.last.answer(304, "ETag: \"1\"")
    #expect(isRefreshed == true)
    #expect(try result(edge, "/a?b=1") == "Hit")
  }

  @Test func aChangedResponseTakesThePlace() throws {
    let edge = try SimulatedEdge()
    try edge.fill("/a", "Cache-Control: max-age=60", body: "old")
    softly(edge, "/a")
    var isRefreshed: Bool?
    edge.proxy.refresh(key("/a")) { isRefreshed = $0 }
    try edge.origin.last.answer(200, "Cache-Control: max-age=60", "new")
    #expect(isRefreshed == true)
    let client = try edge.get("/a")
    #expect(client.result == "Hit" && client.body == "new")
  }

  @Test func whatIsFreshIsNotFetched() throws {
    let edge = try SimulatedEdge()
    try edge.fill("/a", "Cache-Control: max-age=60")
    var isRefreshed: Bool?
    edge.proxy.refresh(key("/a")) { isRefreshed = $0 }
    #expect(isRefreshed == true && edge.origin.fetches.count == 1)
  }

  @Test func aFailingOriginRefreshesNothing() throws {
    let edge = try SimulatedEdge()
    try edge.fill("/a", "Cache-Control: max-age=60")
    softly(edge, "/a")
    var isRefreshed: Bool?
    edge.proxy.refresh(key("/a")) { isRefreshed = $0 }
    try edge.origin.last.fail(.refused)
    #expect(isRefreshed == false)
    edge.proxy.refresh(key("/a")) { isRefreshed = $0 }
    try edge.origin.last.answer(500, "", "broken")
    #expect(isRefreshed == false)
  }

  @Test func aVariantIsFetchedByItsOwnFields() throws {
    let edge = try SimulatedEdge()
    for kind in ["x", "y"] {
      let client = try edge.get("/a", "X-Kind: \(kind)\n")
      try edge.origin.last.answer(200, "Cache-Control: max-age=60\nVary: X-Kind", kind)
      #expect(client.body == kind)
      #expect(try edge.get("/a", "X-Kind: \(kind)\n").result == "Hit")
    }
    softly(edge, "/a")
    let count = edge.origin.fetches.count
    let keys = try hotKeys(edge)
    #expect(keys.count == 2)
    for key in keys {
      var isRefreshed: Bool?
      edge.proxy.refresh(key) { isRefreshed = $0 }
      let fetch = try edge.origin.last
      var named: String?
      Array("x-kind".utf8).withUnsafeBytes { name in
        fetch.request.fields.forEach(named: name) { named = $0.text }
      }
      let kind = try #require(named)
      fetch.answer(200, "Cache-Control: max-age=60\nVary: X-Kind", "new \(kind)")
      #expect(isRefreshed == true)
    }
    #expect(edge.origin.fetches.count == count + 2)
    for kind in ["x", "y"] {
      let client = try edge.get("/a", "X-Kind: \(kind)\n")
      #expect(client.result == "Hit" && client.body == "new \(kind)")
    }
  }

  /// Keys of variants hold a random number, so they are taken from the store.
  private func hotKeys(_ edge: SimulatedEdge) throws -> [[UInt8]] {
    let found = Found()
    let store = edge.store
    let done = DispatchSemaphore(value: 0)
    Task {
      let keys = await store.hotKeys(matching: [.everything], limit: 10)
      found.keys.withLock { $0 = keys }
      done.signal()
    }
    done.wait()
    return found.keys.withLock { $0 }
  }

  @Test func whatTheKeyDoesNotTellIsLeftAlone() throws {
    let edge = try SimulatedEdge()
    try edge.fill("/a", "Cache-Control: max-age=60")
    softly(edge, "/a")
    for key in ["", "/a", "ftp://a/a", "http://a/a\n:content ab", "http://b/a", "http://a/\u{1}"] {
      var isRefreshed: Bool?
      edge.proxy.refresh(Array(key.utf8)) { isRefreshed = $0 }
      #expect(isRefreshed == false, "\(key)")
    }
    #expect(edge.origin.fetches.count == 1)
  }

  @Test func aRefreshKeepsToItsPace() throws {
    let edge = try SimulatedEdge()
    for index in 0..<6 { try edge.fill("/\(index)", "Cache-Control: max-age=60") }
    softly(edge, "/*")
    var pace = Refresher.Pace()
    pace.concurrency = 2
    pace.perSecond = 10
    let refresher = Refresher(loop: edge.proxy, pace: pace)
    let result = Found()
    let keys = (0..<6).map { key("/\($0)") }
    refresher.begin(keys) { outcome in result.outcome.withLock { $0 = outcome } }
    edge.eventLoop.run()
    var begun: [Int] = []
    for _ in 0..<6 {
      begun.append(edge.origin.fetches.count - 6)
      edge.eventLoop.advanceTime(by: .milliseconds(100))
    }
    #expect(begun == [1, 2, 2, 2, 2, 2], "two at once, one each tenth of a second")
    for index in 6..<12 {
      if index >= edge.origin.fetches.count { edge.eventLoop.advanceTime(by: .milliseconds(100)) }
      edge.origin.fetches[index].answer(
        index == 8 ? 503 : 200, "Cache-Control: max-age=60", "new")
    }
    var expected = Refresher.Result()
    expected.refreshed = 5
    expected.notRefreshed = 1
    #expect(result.outcome.withLock { $0 } == expected)
  }
}

private final class Found: Sendable {
  let keys = Mutex<[[UInt8]]>([])
  let outcome = Mutex<Refresher.Result?>(nil)
}
