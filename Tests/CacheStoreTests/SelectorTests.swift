import Testing

@testable import CacheStore

@Suite struct SelectorTests {
  private let everyURL = [
    "http://a.example/p", "http://a.example/p?q=1", "http://a.example/p?q=2",
    "http://a.example/p\nsalt-de", "http://a.example/p?q=1\nsalt-en", "http://a.example/p/x",
    "http://a.example/pp", "http://b.example/p", "http://b.example:8080/p?q=1",
  ]

  /// What is gone once a selector was given, before the sweep and after it.
  private func taken(_ selector: InvalidationSelector) async -> [String] {
    let memory = MemoryStore()
    for url in everyURL { memory.insert(url) }
    _ = await memory.store.invalidate([selector])
    let atOnce = everyURL.filter { memory.lookup($0) == nil }
    let second = MemoryStore()
    for url in everyURL { second.insert(url) }
    _ = await second.store.invalidate([selector])
    second.store.runMaintenance(nowSeconds: 1001)
    #expect(everyURL.filter { !second.holds($0) } == atOnce)
    return atOnce
  }

  @Test func aURLWithItsQueryTakesItsVariants() async {
    #expect(
      await taken(.url(host: "a.example", target: "/p?q=1", ignoresQuery: false))
        == ["http://a.example/p?q=1", "http://a.example/p?q=1\nsalt-en"])
    #expect(
      await taken(.url(host: nil, target: "/p", ignoresQuery: false))
        == ["http://a.example/p", "http://a.example/p\nsalt-de", "http://b.example/p"])
  }

  @Test func aURLWithoutItsQueryTakesEveryQuery() async {
    let expected = everyURL.filter { $0.hasPrefix("http://a.example/p") }
      .filter { !$0.hasSuffix("/x") && !$0.hasSuffix("pp") }
    #expect(await taken(.url(host: "A.example", target: "/p", ignoresQuery: true)) == expected)
    #expect(
      await taken(.url(host: "a.example", target: "/p?ignored", ignoresQuery: true)) == expected)
  }

  @Test func aURLIsLiteral() async {
    let memory = MemoryStore()
    for path in ["/a*", "/a?[x]={y}", "/ab"] { memory.insert(url(path)) }
    _ = await memory.store.invalidate([
      .url(host: nil, target: "/a*", ignoresQuery: false),
      .url(host: nil, target: "/a?[x]={y}", ignoresQuery: false),
    ])
    #expect(memory.lookup(url("/a*")) == nil)
    #expect(memory.lookup(url("/a?[x]={y}")) == nil)
    #expect(memory.lookup(url("/ab")) != nil)
  }

  @Test func aPrefixCrossesSlashes() async {
    #expect(
      await taken(.prefix(host: "a.example", prefix: "/p"))
        == everyURL.filter { $0.hasPrefix("http://a.example/p") })
    #expect(
      await taken(.prefix(host: nil, prefix: "/p/")) == ["http://a.example/p/x"])
  }

  @Test func aHostTakesAllOfItOnEveryPort() async {
    #expect(await taken(.host("B.example")) == everyURL.filter { $0.contains("b.example") })
    #expect(await taken(.host("b.example:8080")) == ["http://b.example:8080/p?q=1"])
    #expect(await taken(.host("example")) == [])
  }

  @Test func aGlobTakesWhatItMatches() async throws {
    #expect(
      await taken(try .parse("/p{?q=[12],/*}", syntax: .glob)).map { $0.dropFirst(7) }
        == [
          "a.example/p?q=1", "a.example/p?q=2", "a.example/p?q=1\nsalt-en", "a.example/p/x",
          "b.example:8080/p?q=1",
        ])
    // Made without `parse` and no glob: everything of the host goes.
    #expect(
      await taken(.glob(host: "b.example", pattern: "/["))
        == everyURL.filter { $0.contains("b.example") })
  }

  @Test func statusRouteAndAgeAreCompared() async {
    let memory = MemoryStore()
    memory.store.insert(memory.object(url("/404"), status: 404, route: 1, responseTime: 500))
    memory.store.insert(memory.object(url("/200"), status: 200, route: 2, responseTime: 600))
    memory.store.insert(memory.object(url("/new"), status: 200, route: 1, responseTime: 700))
    func left() -> [String] { ["/404", "/200", "/new"].filter { memory.lookup(url($0)) != nil } }
    _ = await memory.store.invalidate([.status(404)])
    #expect(left() == ["/200", "/new"])
    memory.store.insert(memory.object(url("/404"), status: 404, route: 1, responseTime: 500))
    _ = await memory.store.invalidate([.receivedBefore(second: 600)])
    #expect(left() == ["/200", "/new"])
    _ = await memory.store.invalidate([.receivedBefore(second: 601)])
    #expect(left() == ["/new"])
    memory.store.insert(memory.object(url("/200"), status: 200, route: 2, responseTime: 600))
    _ = await memory.store.invalidate([.route(1)])
    #expect(left() == ["/200"])
  }

  @Test func statusRouteAndAgeAreComparedOnDisk() async throws {
    let device = DiskSimulatedDevice()
    let disk = try openDisk(device)
    let memory = MemoryStore(disk: disk)
    for (index, status) in [404, 200, 500].enumerated() {
      memory.store.insert(
        memory.object(
          url("/\(status)"), status: UInt16(status), route: UInt16(index),
          responseTime: 500 + Int64(index)))
    }
    memory.store.runMaintenance(nowSeconds: 5000)
    disk.synchronize()
    for selectors in [[InvalidationSelector.status(404)], [.route(2), .receivedBefore(second: 1)]] {
      _ = await memory.store.invalidate(selectors)
      memory.store.runMaintenance(nowSeconds: 5001)
    }
    #expect(memory.find(url("/404")) == nil)
    #expect(memory.find(url("/500")) == nil)
    #expect(memory.find(url("/200")) != nil)
    disk.abandon()
  }

  @Test func selectorsAreParsedByTheirSyntax() throws {
    func parse(
      _ text: String, _ host: String? = nil, _ syntax: InvalidationSelector.Syntax
    ) throws -> InvalidationSelector {
      try InvalidationSelector.parse(text, host: host, syntax: syntax)
    }
    #expect(try parse("/a*", nil, .trailingStar) == .prefix(host: nil, prefix: "/a"))
    #expect(
      try parse("/a*b?c", nil, .trailingStar)
        == .url(host: nil, target: "/a*b?c", ignoresQuery: false))
    #expect(try parse("/*", nil, .trailingStar) == .everything)
    #expect(try parse("/*", "H", .trailingStar) == .prefix(host: "h", prefix: "/"))
    #expect(try parse("/**", nil, .glob) == .everything)
    #expect(try parse("/{a,b}", "H", .glob) == .glob(host: "h", pattern: "/{a,b}"))
    #expect(throws: InvalidationSelectorError.glob(.unbalanced(offset: 1))) {
      try parse("/[", nil, .glob)
    }
    #expect(try parse("/[", nil, .stars) == .path(host: nil, pattern: "/["))
  }

  /// Written down: the number lies on disk beside the objects.
  @Test func theNumberOfARouteNeverChanges() {
    #expect(RouteIdentity(name: "/*").value == 20_624)
    #expect(RouteIdentity(name: "images").value == 5853)
    for index in 0..<1000 {
      let value = RouteIdentity(name: "route \(index)").value
      #expect(value != 0 && value != RouteIdentity.none)
    }
  }
}
