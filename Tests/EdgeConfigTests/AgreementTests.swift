import EdgeConfig
import Testing

/// Faults between options, each of which is right by itself.
@Suite struct AgreementTests {
  @Test(arguments: [
    (
      "ttl: { default: 1 day, min: 2 days }",
      "edge.conf:6:21: 'default' is 1 day, below 'min' of 2 days (choose 2 days to 365 days)"
    ),
    (
      "ttl: { default: 2 days, max: 1 day }",
      "edge.conf:6:21: 'default' is 2 days, above 'max' of 1 day (choose 0 to 1 day)"
    ),
    (
      "ttl: { min: 2 days, max: 1 day }",
      "edge.conf:6:17: 'min' is 2 days, above 'max' of 1 day (lower 'min' or raise 'max')"
    ),
    (
      "ttl: { min: 366 days }",
      "edge.conf:6:17: 'min' is 366 days, above 'max' of 365 days (lower 'min' or raise 'max')"
    ),
    (
      "key: { query: { allow: [a], deny: [b] } }",
      "edge.conf:6:19: 'allow' and 'deny' exclude each other (keep one)"
    ),
    (
      "key: { query: {} }",
      "edge.conf:6:19: 'query' needs 'allow' or 'deny' (such as query: { allow: [page] })"
    ),
    (
      "key: { query: some }",
      "edge.conf:6:19: 'query' must be a section of options (name: value), not 'some' "
        + "(or write 'all' or 'none') (such as query: { allow: [page, size] })"
    ),
    (
      "key: { headers: [\"a b\"] }",
      "edge.conf:6:22: 'headers[0]' must be the name of a header field, not 'a b'"
    ),
    ("status_ttl: { 99: 1 s }", "edge.conf:6:19: unknown status '99' (allowed: 200 to 599)"),
    (
      "status_ttl: { 404: never }",
      "edge.conf:6:24: '404' must be a duration such as 250 ms, 30 s, 5 minutes or 1 day, "
        + "not 'never'"
    ),
    (
      "set_cookie: keep",
      "edge.conf:6:17: 'set_cookie' cannot be 'keep' "
        + "(allowed: bypass, strip, store)"
    ),
  ])
  func optionsOfARouteAgree(_ options: String, _ diagnostic: String) {
    #expect(routeFaults(options) == [diagnostic])
  }

  @Test func anUnwrittenDefaultIsMovedBetweenMinAndMax() throws {
    let low = minimal.replacing("origin: api }", with: "origin: api, ttl: { max: 1 hour } }")
    #expect(try load(low).routes[0].ttl.default == .seconds(3600))
    let high = minimal.replacing("origin: api }", with: "origin: api, ttl: { min: 2 days } }")
    #expect(try load(high).routes[0].ttl.default == .seconds(2 * 86_400))
    let equal = minimal.replacing(
      "origin: api }", with: "origin: api, ttl: { default: 5m, min: 5m, max: 5m } }")
    #expect(faults(equal) == [])
  }

  @Test func aRouteNamesAnOriginThatExists() {
    let near = minimal.replacing("origin: api", with: "origin: apo")
    #expect(faults(near) == ["edge.conf:3:31: unknown origin 'apo' (did you mean 'api'?)"])
    let other = minimal.replacing("origin: api", with: "origin: website")
    #expect(faults(other) == ["edge.conf:3:31: unknown origin 'website' (defined: api)"])
  }

  @Test func anOriginWithAFaultStillCountsAsDefined() {
    let text = minimal.replacing("{ servers: [http://127.0.0.1:9000] }", with: "9000")
    #expect(
      faults(text) == [
        "edge.conf:2:17: 'api' must be a section of options (name: value), not '9000'"
      ])
  }

  @Test func everyMatchIsUsedOnce() {
    let text = """
      listeners: [{ address: 127.0.0.1:8080 }]
      origins: { api: { servers: [http://127.0.0.1:9000] } }
      routes:
        - { match: Example.com/a/**, origin: api }
        - { match: /a/*, origin: api }
        - { match: example.com/a/*, origin: api }
      """
    #expect(
      faults(text) == [
        "edge.conf:6:14: 'match' example.com/a/* is already used by the route at line 4 "
          + "(keep one of them)"
      ])
  }

  @Test func everyAddressIsUsedOnce() {
    let text = """
      listeners:
        - address: 127.0.0.1:8080
        - address: localhost:8080
        - address: "[::1]:8080"
        - address: "[0:0:0:0:0:0:0:1]:8080"
        - address: 127.0.0.1:8081
        - address: 127.0.0.1:0
        - address: 127.0.0.1:0
      origins: { api: { servers: [http://127.0.0.1:9000] } }
      routes: [{ match: /*, origin: api }]
      admin: { users: [{ name: a, password: b }] }
      """
    #expect(
      faults(text) == [
        "edge.conf:3:14: 'address' localhost:8080 is already used at line 2 "
          + "(choose another port)",
        "edge.conf:5:14: 'address' [::1]:8080 is already used at line 4 (choose another port)",
        "edge.conf:11:8: the default 'address' 127.0.0.1:8081 is already used at line 6 "
          + "(choose another port)",
      ])
  }

  @Test(arguments: [
    (
      "{}",
      "4:8: missing option 'users' "
        + "(such as users: [{ name: admin, password: \"${EDGE_ADMIN_PASSWORD}\" }])"
    ),
    (
      "{ users: [] }",
      "4:17: 'users' has no users (allowed: 1 to 100 users; "
        + "such as users: [{ name: admin, password: \"${EDGE_ADMIN_PASSWORD}\" }])"
    ),
    (
      "{ users: [{ name: a }] }",
      "4:18: missing option 'password' "
        + "(such as password: \"${EDGE_ADMIN_PASSWORD}\", or password_file: path)"
    ),
    (
      "{ users: [{ name: a, password: x, password_file: /dev/null }] }",
      "4:57: 'password_file' names the file '/dev/null', which is empty"
    ),
    ("{ users: [{ name: a, password: \"\" }] }", "4:39: 'password' must not be empty"),
    (
      "{ users: [{ name: a:b, password: x }] }",
      "4:26: 'name' is 'a:b', but a user name has no ':' (RFC 7617)"
    ),
    (
      "{ users: [{ name: a, password: x }, { name: a, password: y }] }",
      "4:52: the user 'a' is already defined at line 4"
    ),
    (
      "{ users: [{ name: a, password_file: none }] }",
      "4:44: 'password_file' names the file 'none', which cannot be read: "
        + "No such file or directory"
    ),
  ])
  func usersHaveANameAndOnePassword(_ admin: String, _ diagnostic: String) {
    #expect(faults(minimal + "admin: " + admin).contains("edge.conf:" + diagnostic))
  }

  @Test func twoPasswordsExcludeEachOther() {
    let text = minimal + "admin: { users: [{ name: a, password: x, password_file: /dev/null }] }"
    #expect(
      faults(text).contains(
        "edge.conf:4:18: 'password' and 'password_file' exclude each other (keep one)"))
  }

  @Test func sizesInsideSizesGiveWayOnlyWhenUnwritten() throws {
    let limits = try load(minimal + "limits: { head_size: 4 KiB }").limits
    #expect(limits.targetSizeBytes == 4096)
    #expect(
      faults(minimal + "store: { memory: { size: 64 MiB, largest: 65 MiB } }") == [
        "edge.conf:4:43: 'largest' is 65 MiB, above 'size' of 64 MiB "
          + "(lower 'largest' or raise 'size')"
      ])
  }

  @Test func shardsAreAPowerOfTwo() {
    #expect(
      faults(minimal + "store: { memory: { shards: 48 } }") == [
        "edge.conf:4:28: 'shards' is 48, which is no power of two (such as 32 or 64)"
      ])
    #expect(faults(minimal + "store: { memory: { shards: 64 } }") == [])
  }

  @Test func anUnreadableCertificateFileIsAFault() {
    let text = minimal.replacing("9000] }", with: "9000], ca_file: ca.pem }")
    #expect(
      faults(text) == [
        "edge.conf:2:62: 'ca_file' names the file '/etc/edge/ca.pem', which cannot be read: "
          + "No such file or directory"
      ])
  }
}
