import EdgeConfig
import Testing

@Suite struct FaultTests {
  @Test func theMinimalConfigurationHasNoFaults() {
    #expect(faults(minimal) == [])
  }

  @Test func anUnknownOptionNamesTheNearOne() {
    #expect(
      routeFaults("tll: { default: 1 day }")
        == ["edge.conf:6:5: unknown option 'tll' (did you mean 'ttl'?)"])
  }

  @Test func anUnknownOptionNamesTheKnownOnes() {
    #expect(
      faults(minimal + "log: { colour: red }") == [
        "edge.conf:4:8: unknown option 'colour' (known here: level, access)"
      ])
  }

  @Test func anUnknownOptionOfAListenerNamesTheKnownOnes() {
    let text = minimal.replacing("8080 }", with: "8080, quic: {} }")
    #expect(
      faults(text) == [
        "edge.conf:1:40: unknown option 'quic' (known here: address, tls, hsts)"
      ])
  }

  @Test func aMisspelledRequiredOptionIsReportedOnce() {
    let text = minimal.replacing("origin: api", with: "orgin: api")
    #expect(faults(text) == ["edge.conf:3:23: unknown option 'orgin' (did you mean 'origin'?)"])
  }

  @Test func anEmptyFileLacksListenersOriginsAndRoutes() {
    let expected = [
      "edge.conf:1:1: missing option 'listeners' "
        + "(such as listeners: [{ address: 127.0.0.1:8080 }])",
      "edge.conf:1:1: missing option 'origins' "
        + "(such as origins: { api: { servers: [http://127.0.0.1:9000] } })",
      "edge.conf:1:1: missing option 'routes' (such as routes: [{ match: /*, origin: api }])",
    ]
    #expect(faults("") == expected)
    #expect(faults("# nothing\n") == expected)
  }

  @Test func emptyListsAreFaults() {
    #expect(
      faults("listeners: []\norigins: {}\nroutes: []") == [
        "edge.conf:1:12: 'listeners' has no listeners (allowed: 1 to 64 listeners; "
          + "such as listeners: [{ address: 127.0.0.1:8080 }])",
        "edge.conf:2:10: 'origins' has no origins (allowed: 1 to 1000 origins; "
          + "such as origins: { api: { servers: [http://127.0.0.1:9000] } })",
        "edge.conf:3:9: 'routes' has no routes (allowed: 1 to 10000 routes; "
          + "such as routes: [{ match: /*, origin: api }])",
      ])
  }

  @Test(arguments: [
    (
      "threads: many",
      "edge.conf:4:10: 'threads' must be a whole number of event loops, not 'many' "
        + "(or write 'auto')"
    ),
    ("threads: atuo", "edge.conf:4:10: 'threads' cannot be 'atuo' (did you mean 'auto'?)"),
    (
      "threads: [1]",
      "edge.conf:4:10: 'threads' must be a whole number or 'auto', not a list"
    ),
    ("threads:", "edge.conf:4:1: 'threads' must be a whole number or 'auto', not empty"),
    (
      "store: 2 GiB",
      "edge.conf:4:8: 'store' must be a section of options (name: value), not '2 GiB'"
    ),
    (
      "store: { disk: on }",
      "edge.conf:4:16: 'disk' must be a section of options (name: value), not 'on' "
        + "(or write 'off') "
        + "(such as disk: { path: var/cache })"
    ),
    (
      "log: { level: loud }",
      "edge.conf:4:15: 'level' cannot be 'loud' (allowed: trace, debug, "
        + "info, notice, warning, error, critical)"
    ),
    (
      "log: { level: warn }",
      "edge.conf:4:15: 'level' cannot be 'warn' (allowed: trace, debug, "
        + "info, notice, warning, error, critical)"
    ),
    ("log: { level: debgu }", "edge.conf:4:15: 'level' cannot be 'debgu' (did you mean 'debug'?)"),
    (
      "name: my edge",
      "edge.conf:4:7: 'name' must be a name of letters, digits and -_.!#$%&'*+^`|~, not 'my edge'"
    ),
  ])
  func aWrongTypeNamesTheExpectedForm(_ line: String, _ diagnostic: String) {
    #expect(faults(minimal + line) == [diagnostic])
  }

  @Test func aWrongBooleanNamesTheExpectedForm() {
    #expect(
      routeFaults("cache: maybe") == [
        "edge.conf:6:12: 'cache' must be true or false, not 'maybe'"
      ])
  }

  @Test(arguments: [
    (
      "threads: 0",
      "edge.conf:4:10: 'threads' is 0, below the minimum of 1 "
        + "(allowed: 1 to 256 event loops, or auto)"
    ),
    (
      "threads: 99999999999999999999",
      "edge.conf:4:10: 'threads' is 99999999999999999999, above the maximum of 256 "
        + "(allowed: 1 to 256 event loops, or auto)"
    ),
    ("threads: -1", "edge.conf:4:10: 'threads' cannot be negative, but is '-1' (or write 'auto')"),
    (
      "limits: { head_size: 2 MiB }",
      "edge.conf:4:22: 'head_size' is 2 MiB, above the maximum of 1 MiB (allowed: 1 KiB to 1 MiB)"
    ),
    (
      "limits: { header_timeout: 99 ms }",
      "edge.conf:4:27: 'header_timeout' is 99 ms, below the minimum of 100 ms "
        + "(allowed: 100 ms to 10 minutes)"
    ),
  ])
  func aValueOutOfRangeNamesTheRange(_ line: String, _ diagnostic: String) {
    #expect(faults(minimal + line) == [diagnostic])
  }

  @Test func theBoundsThemselvesAreAllowed() {
    #expect(faults(minimal + "threads: 1") == [])
    #expect(faults(minimal + "threads: 256") == [])
    #expect(faults(minimal + "limits: { head_size: 1 MiB, header_timeout: 100 ms }") == [])
  }

  @Test func aDuplicateKeyNamesTheFirstAndHidesNoOtherFault() {
    let text = minimal + "threads: 1\nname: a\nthreads: 2\n\"name\": b\nthreads: 3\ntheads: 4\n"
    #expect(
      faults(text) == [
        "edge.conf:6:1: duplicate option 'threads' (already set at line 4; keep one)",
        "edge.conf:7:1: duplicate option 'name' (already set at line 5; keep one)",
        "edge.conf:8:1: duplicate option 'threads' (already set at line 4; keep one)",
        "edge.conf:9:1: unknown option 'theads' (did you mean 'threads'?)",
      ])
  }

  @Test(arguments: [
    (
      "a: b: c",
      "edge.conf:1:5: not valid YAML: mapping values are not allowed in this context "
        + "(check the indentation, and put a value that holds ': ' in quotes)"
    ),
    (
      "a:\n\tb: c",
      "edge.conf:2:1: not valid YAML: found character that cannot start any token "
        + "(indent with blanks, not tabs)"
    ),
    (
      "match: *.example.com/*",
      "edge.conf:1:9: not valid YAML: did not find expected alphabetic or numeric character "
        + "(put a value that begins with '*' in quotes)"
    ),
    (
      "a: [1, 2",
      "edge.conf:2:1: not valid YAML: did not find expected ',' or ']' "
        + "while parsing a flow sequence that begins at line 1"
    ),
    (
      "a: 1\n---\nb: 2",
      "edge.conf:2:1: not valid YAML: but found another document "
        + "(remove the '---' and what follows)"
    ),
    (
      "a: 1\r\nb: \u{1}",
      "edge.conf:2:4: not valid YAML: control characters are not allowed "
        + "(remove the character U+1)"
    ),
    ("- a", "edge.conf:1:1: the file must be a set of options (name: value), not a list"),
  ])
  func aSyntaxErrorNamesItsPlace(_ text: String, _ diagnostic: String) {
    #expect(faults(text) == [diagnostic])
  }

  @Test func anAliasBombIsRefused() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...7 {
      let alias = "*a\(level - 1)"
      let aliases = Array(repeating: alias, count: 10).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(aliases)]\n"
    }
    #expect(faults(text) == ["edge.conf: the file has more than 200000 values (aliases counted)"])
  }

  /// Broken text must end in diagnostics, never in a crash: each round cuts, doubles or exchanges
  /// characters of a valid file.
  @Test(arguments: [UInt64(1), 2, 3]) func brokenTextNeverCrashes(_ seed: UInt64) {
    var random = SplitMix64(state: seed)
    let original = Array(
      (minimal + "admin: { users: [&a { name: x, password: \"${P}\" }] }\n").utf8)
    let alphabet = Array("{}[]:,-*&<!|>'\"%@#$ \n\t0a\r".utf8)
    for _ in 0..<150 {
      var bytes = original
      for _ in 0...Int.random(in: 0...3, using: &random) {
        let index = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0...2, using: &random) {
        case 0: bytes.remove(at: index)
        case 1: bytes.insert(contentsOf: bytes[index..<min(bytes.count, index + 20)], at: index)
        default: bytes[index] = alphabet.randomElement(using: &random) ?? 0x20
        }
      }
      let text = String(decoding: bytes, as: UTF8.self)
      for diagnostic in faults(text, environment: ["P": "secret"]) {
        #expect(diagnostic.hasPrefix("edge.conf:"), "seed \(seed): \(text)")
      }
    }
    #expect(!faults(String(repeating: "[", count: 5000)).isEmpty)
  }

  @Test func severalFaultsAreReportedInOneGo() {
    let text = """
      listeners:
        - address: 127.0.0.1
      origins:
        api:
          servers: [ftp://127.0.0.1, http://10.0.0.1:9000/api]
          pool: 2000
      routes:
        - match: /*
          origin: app
          tll: { default: 1 day }
          stale: { if_error: 5 }
        - match: images
          cache: perhaps
      store: { memory: { size: 1 PiB } }
      admin:
        users: [{ name: admin, password: "${EDGE_ADMIN_PASSWORD}" }]
      """
    #expect(
      faults(text) == [
        "edge.conf:2:14: 'address' must be host:port such as 127.0.0.1:8080 or [::1]:8080, "
          + "not '127.0.0.1'",
        "edge.conf:5:15: 'servers[0]' has the scheme 'ftp' in 'ftp://127.0.0.1' "
          + "(allowed: http, https)",
        "edge.conf:5:32: 'servers[1]' must not have a path, but is 'http://10.0.0.1:9000/api' "
          + "(use http://10.0.0.1:9000)",
        "edge.conf:6:11: 'pool' is 2000, above the maximum of 1000 "
          + "(allowed: 1 to 1000 connections)",
        "edge.conf:9:13: unknown origin 'app' (did you mean 'api'?)",
        "edge.conf:10:5: unknown option 'tll' (did you mean 'ttl'?)",
        "edge.conf:11:24: 'if_error' needs a unit after '5' "
          + "(write for example '5 s', '5 minutes' or '5 days')",
        "edge.conf:12:5: missing option 'origin' (such as origin: api)",
        "edge.conf:12:12: 'match' must have a path that begins with '/', but is 'images' "
          + "(such as /images/* or www.example.com/*)",
        "edge.conf:13:12: 'cache' must be true or false, not 'perhaps'",
        "edge.conf:14:26: 'size' has the unknown unit 'PiB' in '1 PiB' "
          + "(known: B, KiB, MiB, GiB, TiB; kB, MB, GB, TB; k, m, g, t)",
        "edge.conf:16:36: 'password': the environment variable 'EDGE_ADMIN_PASSWORD' is not set "
          + "(set it, or write ${EDGE_ADMIN_PASSWORD:-fallback})",
      ])
  }

  @Test func aMissingFileIsAFault() {
    #expect {
      try EdgeConfiguration.load(path: "/nonexistent/edge.conf", environment: [:])
    } throws: { error in
      "\(error)"
        == "/nonexistent/edge.conf: the file cannot be read: No such file or directory"
    }
  }

  @Test func faultsExitWithTheCodeForConfiguration() {
    #expect(ConfigurationError.exitCode == 78)
  }
}

/// Sebastiano Vigna's SplitMix64: a generator that a seed determines.
private struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
