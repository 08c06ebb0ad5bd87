import EdgeConfig
import Foundation
import Testing

/// Sets every option of the table to something other than its default.
private let complete = #"""
  name: edge-1
  threads: 2
  http2: false
  listeners:
    - address: 127.0.0.1:8080
    - address: "[::1]:8080"
  limits:
    head_size: 32 KiB
    target_size: 4k
    field_count: 50
    request_body_size: unlimited
    header_timeout: 5 s
    body_timeout: 6 s
    idle_timeout: 7 s
    send_timeout: 8 s
    connections: 1_000
    requests_per_connection: 500
    drain: 0
  origins:
    api:
      servers: [http://127.0.0.1:9000, "https://[::1]:9443"]
      pool: 10
      queue: 20
      queue_timeout: 1 s
      connect_timeout: 2 s
      first_byte_timeout: 3 s
      idle_timeout: 4 s
      keep_alive: 0
      host: Api.Example.com:8443
      verify: no
      ca_file: /dev/null
    "no": { servers: [http://127.0.0.1:9001] }
  routes:
    - match: "*.example.com/*"
      origin: api
      cache: false
      ttl:
        { default: 1h, min: 1m, max: 1d 12h, error: 1 minute, error_statuses: all,
          heuristic: { percent: 20, max: 2 days }, adaptive: true }
      status_ttl: { 404: 1 minute, 500: 0 }
      stale: { while_revalidate: 30 s, if_error: 1 hour, if_unreachable: 1 week, strict: true }
      targeted: [Edge-Control, CDN-Cache-Control]
      accept_encoding: keep
      languages: [en, de]
      forward_headers: [X-HTTP-Method-Override]
      forward_query: all
      no_vary_search: false
      variants: 8
      ranges: whole
      query_body_size: 1 KiB
      tags: []
      key:
        query: { allow: [page, "size of ${x:-it}"] }
        sort_query: true
        scheme: false
        host: false
        headers: [Accept-Language]
        cookies: [Session]
        device: true
      set_cookie: strip
      request_directives: honour
      coalesce: false
      coalesce_timeout: 1 s
      unsafe_invalidates: false
      debug_headers: false
    - { match: "/$${literal}/*", origin: "no", key: { query: { deny: ["a\"b\\c"] } } }
    - { match: /none/*, origin: api, key: { query: none } }
  store:
    memory: { size: 64 MiB, idle: 1 minute, largest: 2 MiB, shards: 16 }
    disk:
      path: ./var/cache
      size: 20GB
      largest: 1 GiB
      fsync: no
      snapshot_interval: 1h
      snapshots: { every: 2 hours, keep: 3 days }
  admin:
    address: 127.0.0.1:9081
    users:
      - { name: admin, password: secret }
      - { name: "second user", password: other }
  log:
    level: debug
    access: { path: var/access.log, format: combined }
  """#

@Suite struct EdgeConfigurationTests {
  @Test func theMinimalConfigurationHasTheDefaults() throws {
    let configuration = try load(minimal)
    #expect(configuration.name == "edge")
    #expect(configuration.threads == nil)
    #expect(configuration.limits.headSizeBytes == 16 * 1024)
    #expect(configuration.limits.requestBodySizeBytes == 100 * 1024 * 1024)
    #expect(configuration.limits.requestsPerConnection == nil)
    #expect(configuration.origins[0].pool == 50)
    #expect(configuration.origins[0].host == .client)
    let route = configuration.routes[0]
    #expect(route.cache)
    #expect(route.ttl.default == .seconds(86_400))
    #expect(route.ttl.minimum == .zero)
    #expect(route.ttl.maximum == .seconds(365 * 86_400))
    #expect(route.key.query == .all)
    #expect(route.setCookie == .bypass)
    #expect(route.ttl.error == .seconds(10))
    #expect(!route.ttl.storesServerErrors)
    #expect(route.ttl.heuristic == nil)
    #expect(route.targeted == ["cdn-cache-control"])
    #expect(route.tags == ["cache-tag", "surrogate-key", "xkey"])
    #expect(configuration.warnings.isEmpty)
    #expect(configuration.store.memory.sizeBytes == 2 << 30)
    #expect(configuration.store.memory.idle == .seconds(300))
    #expect(configuration.store.disk == nil)
    #expect(configuration.admin == nil)
    #expect(configuration.log.level == .info)
    #expect(configuration.log.access == nil)
  }

  @Test func everyWrittenLimitArrives() throws {
    let limits = try load(complete).limits
    #expect(limits.headSizeBytes == 32 * 1024)
    #expect(limits.targetSizeBytes == 4096)
    #expect(limits.fieldCount == 50)
    #expect(limits.requestBodySizeBytes == nil)
    #expect(limits.headerTimeout == .seconds(5))
    #expect(limits.bodyTimeout == .seconds(6))
    #expect(limits.idleTimeout == .seconds(7))
    #expect(limits.sendTimeout == .seconds(8))
    #expect(limits.connections == 1000)
    #expect(limits.requestsPerConnection == 500)
    #expect(limits.drain == .zero)
  }

  @Test func everyWrittenOriginOptionArrives() throws {
    let configuration = try load(complete)
    let origin = try #require(configuration.origin(named: "api"))
    #expect(origin.servers.map(\.description) == ["http://127.0.0.1:9000", "https://[::1]:9443"])
    #expect(origin.pool == 10)
    #expect(origin.queue == 20)
    #expect(origin.queueTimeout == .seconds(1))
    #expect(origin.connectTimeout == .seconds(2))
    #expect(origin.firstByteTimeout == .seconds(3))
    #expect(origin.idleTimeout == .seconds(4))
    #expect(origin.keepAlive == .zero)
    #expect(origin.host == .literal("api.example.com:8443"))
    #expect(!origin.verify)
    #expect(origin.caFile == "/dev/null")
    #expect(configuration.origins.map(\.name) == ["api", "no"])
  }

  @Test func everyWrittenRouteOptionArrives() throws {
    let configuration = try load(complete)
    let route = configuration.routes[0]
    #expect(route.match.host == .suffix(".example.com"))
    #expect(!route.cache)
    #expect(route.ttl.default == .seconds(3600))
    #expect(route.ttl.minimum == .seconds(60))
    #expect(route.ttl.maximum == .seconds(129_600))
    #expect(route.ttl.error == .seconds(60))
    #expect(route.ttl.storesServerErrors)
    #expect(route.ttl.heuristic?.percent == 20)
    #expect(route.ttl.heuristic?.maximum == .seconds(2 * 86_400))
    #expect(route.ttl.isAdaptive)
    #expect(route.statusTTL == [404: .seconds(60), 500: .zero])
    #expect(route.stale.whileRevalidate == .seconds(30))
    #expect(route.stale.ifError == .seconds(3600))
    #expect(route.stale.ifUnreachable == .seconds(7 * 86_400))
    #expect(route.stale.isStrict)
    #expect(route.targeted == ["edge-control", "cdn-cache-control"])
    #expect(!route.normalizesAcceptEncoding)
    #expect(route.languages == ["en", "de"])
    #expect(route.forwardHeaders == ["x-http-method-override"])
    #expect(route.forwardsWholeQuery)
    #expect(!route.honoursNoVarySearch)
    #expect(route.variants == 8)
    #expect(route.ranges == .whole)
    #expect(route.queryBodySizeBytes == 1024)
    #expect(route.tags == [])
    #expect(route.key.device)
    #expect(route.key.query == .allow(["page", "size of it"]))
    #expect(route.key.sortQuery)
    #expect(!route.key.scheme)
    #expect(!route.key.host)
    #expect(route.key.headers == ["accept-language"])
    #expect(route.key.cookies == ["Session"])
    #expect(route.setCookie == .strip)
    #expect(route.requestDirectives == .honour)
    #expect(!route.coalesce)
    #expect(route.coalesceTimeout == .seconds(1))
    #expect(!route.unsafeInvalidates)
    #expect(!route.debugHeaders)
    #expect(configuration.routes[1].match.path == "/${literal}/*")
    #expect(configuration.routes[1].key.query == .deny(["a\"b\\c"]))
    #expect(configuration.routes[2].key.query == .none)
  }

  @Test func aWrittenMinimumIsWarnedOf() throws {
    let warnings = try load(complete).warnings
    #expect(warnings.count == 1)
    #expect(
      warnings.first?.message.hasPrefix("warning: 'min' of 1 m") == true,
      "\(warnings)")
  }

  @Test func everyOtherWrittenOptionArrives() throws {
    let configuration = try load(complete)
    #expect(configuration.name == "edge-1")
    #expect(configuration.threads == 2)
    #expect(!configuration.isHTTP2Enabled)
    #expect(configuration.listeners.map(\.address.description) == ["127.0.0.1:8080", "[::1]:8080"])
    #expect(configuration.store.memory.sizeBytes == 64 << 20)
    #expect(configuration.store.memory.idle == .seconds(60))
    #expect(configuration.store.memory.largestBytes == 2 << 20)
    #expect(configuration.store.memory.shards == 16)
    let disk = try #require(configuration.store.disk)
    #expect(disk.paths.map(\.path) == ["/etc/edge/var/cache"])
    #expect(disk.paths.map(\.sizeBytes) == [20_000_000_000])
    #expect(disk.largestBytes == 1 << 30)
    #expect(disk.fsync == .never)
    #expect(disk.snapshotInterval == .seconds(3600))
    #expect(disk.snapshots?.every == .seconds(7200))
    #expect(disk.snapshots?.keep == .seconds(3 * 86_400))
    #expect(configuration.store.encryption)
    #expect(configuration.store.keysDirectory == "/etc/edge/var/cache.keys")
    #expect(configuration.store.keysRotation == .seconds(30 * 86_400))
    let admin = try #require(configuration.admin)
    #expect(admin.address.port == 9081)
    #expect(admin.users.map(\.name) == ["admin", "second user"])
    #expect(configuration.log.level == .debug)
    #expect(configuration.log.access?.destination == .file("/etc/edge/var/access.log"))
    #expect(configuration.log.access?.format == .combined)
  }

  @Test(arguments: [minimal, minimal + "log: { access: {} }", complete])
  func theEffectiveConfigurationLoadsToTheSame(_ text: String) throws {
    let withoutSecrets = text.replacing("password: secret", with: "password: (set)")
      .replacing("password: other", with: "password: (set)")
    let configuration = try load(text)
    let printed = configuration.effectiveConfiguration
    // Warnings name places, and those are the printed text's own.
    var (again, expected) = try (
      load(printed, baseDirectory: "/elsewhere"), load(withoutSecrets)
    )
    #expect(again.warnings.map(\.message) == expected.warnings.map(\.message))
    (again.warnings, expected.warnings) = ([], [])
    #expect(again == expected)
    #expect(!printed.contains("secret"))
    #expect(try load(printed).effectiveConfiguration == printed)
  }

  @Test func theEffectiveConfigurationHasEveryDefault() throws {
    let printed = try load(minimal).effectiveConfiguration
    for line in [
      "threads: auto", "  head_size: 16 KiB", "    pool: 50", "      default: 1 day",
      "      query: all", "    size: 2 GiB", "  disk: off", "  level: info",
    ] {
      #expect(printed.split(separator: "\n").contains { $0 == line }, "\(line) in:\n\(printed)")
    }
  }

  @Test func aPasswordMayComeFromAFileBesideTheConfiguration() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("edge-config-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data("from file\n".utf8).write(to: folder.appendingPathComponent("password"))
    let text = minimal + "admin: { users: [{ name: admin, password_file: password }] }"
    let file = folder.appendingPathComponent("edge.conf")
    try Data(text.utf8).write(to: file)
    let configuration = try EdgeConfiguration.load(path: file.path, environment: [:])
    #expect(configuration.admin?.users[0].password == .text(Secret("from file")))
    #expect(configuration.effectiveConfiguration.contains("password: (set)"))
    #expect(!configuration.effectiveConfiguration.contains("password_file"))
  }

  @Test func mergeKeysAreFollowed() throws {
    let text = """
      listeners: [{ address: 127.0.0.1:8080 }]
      origins: { api: { servers: [http://127.0.0.1:9000] } }
      routes:
        - &base { match: /*, origin: api, cache: false, coalesce: false }
        - { <<: *base, match: /a/*, cache: true }
      """
    let route = try load(text).routes[1]
    #expect(route.match.path == "/a/*")
    #expect(route.cache)
    #expect(!route.coalesce)
  }

  @Test func aByteOrderMarkAndCarriageReturnsAreAccepted() throws {
    let text = "\u{FEFF}" + minimal.replacing("\n", with: "\r\n") + "tll: 1\r\n"
    #expect(faults(text).first?.hasPrefix("edge.conf:4:1: unknown option 'tll'") == true)
  }

  @Test func theConfigurationOfTheRepositoryLoads() throws {
    let configuration = try EdgeConfiguration.load(
      path: repository + "/edge.conf", environment: ["EDGE_ADMIN_PASSWORD": "x"])
    #expect(configuration.listeners[0].address.description == "127.0.0.1:8080")
    #expect(configuration.origin(named: "api")?.servers.first?.port == 9000)
    #expect(configuration.store.disk?.paths[0].path == repository + "/var/cache")
    #expect(configuration.log.access?.destination == .standardOutput)
    #expect(configuration.routesBySpecificity.last?.match.description == "/*")
  }

  @Test func theConfigurationOfTheRepositoryNamesTheUnsetPassword() {
    #expect {
      try EdgeConfiguration.load(path: repository + "/edge.conf", environment: [:])
    } throws: { error in
      let diagnostics = (error as? ConfigurationError)?.diagnostics ?? []
      return diagnostics.count == 1
        && diagnostics[0].message.contains("'EDGE_ADMIN_PASSWORD' is not set")
    }
  }

  @Test func keysStandWhereTheFileSaysAndMayNeverRotate() throws {
    let text =
      minimal + "store: { disk: { path: /d/ }, encryption: off, keys: k, keys_rotation: off }"
    let configuration = try load(text)
    #expect(!configuration.store.encryption)
    #expect(configuration.store.keysDirectory == "/etc/edge/k")
    #expect(configuration.store.keysRotation == nil)
    #expect(try load(minimal + "store: { disk: { path: /d/ } }").store.keysDirectory == "/d.keys")
    #expect(try load(minimal).store.keysDirectory == nil)
    #expect(
      faults(minimal + "store: { keys_rotation: 1 minute }").first?.contains("keys_rotation")
        == true)
  }
}
