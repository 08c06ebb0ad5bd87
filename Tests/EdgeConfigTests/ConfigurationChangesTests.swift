import Testing

@testable import EdgeConfig

/// What differs between two files, and what that does to stored objects.
@Suite struct ConfigurationChangesTests {
  private let base = """
    listeners: [{ address: 127.0.0.1:8080 }]
    origins: { api: { servers: [http://127.0.0.1:9000] } }
    routes:
      - { match: /*, origin: api }
      - { match: /images/*, origin: api, ttl: { default: 1 hour } }
    admin: { users: [{ name: a, password: one }] }
    """

  private func changes(_ old: String, _ new: String) throws -> ConfigurationChanges {
    let next = base.replacing(old, with: new)
    #expect(old.isEmpty || next != base, "the change is one")
    return try ConfigurationChanges(from: load(base), to: load(next))
  }

  private func load(_ text: String) throws -> EdgeConfiguration {
    try EdgeConfiguration.load(
      text: text, file: "edge.conf", environment: [:], baseDirectory: "/tmp")
  }

  @Test func theSameFileChangesNothing() throws {
    #expect(try changes("", "").isEmpty)
  }

  @Test func whatIsWrittenAsTheDefaultIsNoChange() throws {
    #expect(try changes("match: /*, origin: api", "match: /*, origin: api, cache: true").isEmpty)
  }

  @Test func lifetimesOfOneRouteTouchItAlone() throws {
    let found = try changes("default: 1 hour", "default: 2 hours")
    #expect(found.applied == ["routes[/images/*].ttl.default"])
    #expect(found.needRestart.isEmpty)
    #expect(found.routes.map(\.match) == ["/images/*"])
    #expect(found.routes.map(\.change) == [.lifetimes])
  }

  @Test func whatIsStoredWeighsMoreThanLifetimes() throws {
    let found = try changes(
      "ttl: { default: 1 hour }", "ttl: { default: 2 hours }, key: { query: none }")
    #expect(found.routes.map(\.change) == [.contents])
  }

  @Test func anOptionThatSaysNothingAboutObjectsInvalidatesNothing() throws {
    let found = try changes("match: /*, origin: api", "match: /*, origin: api, coalesce: false")
    #expect(found.applied == ["routes[/*].coalesce"])
    #expect(found.routes.isEmpty)
  }

  @Test func routesComeAndGo() throws {
    let found = try changes("match: /images/*", "match: /pictures/*")
    #expect(found.routes.map(\.match) == ["/images/*", "/pictures/*"])
    #expect(found.routes.map(\.change) == [.removed, .added])
    #expect(found.needRestart.isEmpty)
  }

  @Test func everythingBesideRoutesWaitsForARestart() throws {
    for (old, new, path) in [
      ("8080", "8090", "listeners[127.0.0.1:8080].address"),
      (":9000]", ":9001]", "origins.api.servers"),
      ("password: one", "password: two", "admin.users[a].password"),
    ] {
      let found = try changes(old, new)
      #expect(found.needRestart.contains(path), "\(found.needRestart)")
      #expect(found.applied.isEmpty && found.routes.isEmpty)
    }
  }

  @Test func aSecretShowsInNoChange() throws {
    let found = try changes("password: one", "password: two")
    #expect(!"\(found)".contains("two") && !"\(found)".contains("one\""))
  }
}
