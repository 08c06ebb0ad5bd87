import Testing

@testable import AdminAPI

/// Reports of events: where they come from, and what follows from them.
@Suite struct EventTests {
  private static let content = Array("{\"id\":7}".utf8)
  private static let now: Int64 = 1_795_827_900
  // Made by Python's hmac.
  private static let signature =
    "41e89713c4859617babf2632405efbd1e90621a65a2cd863b56d22129ff054fd"
  private static let timedSignature =
    "b7ad0511d90b5a91e0aeab7bb6464eac434a48cfaa735cbf3aae4d491f3fce32"

  private func refusal(
    _ form: EventConfiguration.Signature, _ value: String?, content: [UInt8] = Self.content,
    secret: String = "topsecret", after seconds: Int64 = 0, seen: SeenSignatures = SeenSignatures()
  ) -> String? {
    do throws(EventSignature.Refusal) {
      try EventSignature(form: form, secret: secret).verify(
        value, content: content, nowSeconds: Self.now + seconds, seen: seen)
      return nil
    } catch {
      return error.message
    }
  }

  @Test func theContentsSignatureIsChecked() {
    #expect(refusal(.content, "sha256=" + Self.signature) == nil)
    #expect(refusal(.content, "sha256=" + Self.signature.uppercased()) == nil)
    #expect(refusal(.content, nil) != nil)
    #expect(refusal(.content, Self.signature) != nil)
    #expect(refusal(.content, "sha256=" + Self.timedSignature) != nil)
    #expect(refusal(.content, "sha256=" + Self.signature, content: Self.content + [10]) != nil)
    #expect(refusal(.content, "sha256=" + Self.signature, secret: "other") != nil)
    #expect(refusal(.content, "sha256=") != nil)
  }

  @Test func aTimedReportIsGoodForFiveMinutesAndOnce() {
    let value = "t=\(Self.now), v0=ab,v1=\(Self.signature),v1=\(Self.timedSignature)"
    #expect(refusal(.timed, value) == nil)
    #expect(refusal(.timed, value, after: 300) == nil)
    #expect(refusal(.timed, value, after: 301)?.contains("clock") == true)
    #expect(refusal(.timed, value, after: -301)?.contains("clock") == true)
    let seen = SeenSignatures()
    #expect(refusal(.timed, value, seen: seen) == nil)
    #expect(refusal(.timed, value, after: 200, seen: seen)?.contains("before") == true)
    #expect(refusal(.timed, value.replacing("\(Self.now)", with: "\(Self.now + 1)")) != nil)
    #expect(refusal(.timed, "v1=\(Self.timedSignature)")?.contains("form") == true)
    #expect(refusal(.timed, "sha256=" + Self.signature) != nil)
  }

  private func texts(
    _ template: String, _ use: EventTemplate.Use, _ json: String
  ) throws -> [String] {
    let template = try #require(EventTemplate(template, use: use))
    return template.texts(from: try JSONReader.read(Array(json.utf8)))
  }

  @Test func templatesTakeValuesFromTheContent() throws {
    #expect(try texts("product-{id}", .tag, "{\"id\": 7}") == ["product-7"])
    #expect(try texts("{a.b}-{c}", .tag, "{\"a\": {\"b\": \"x\"}, \"c\": true}") == ["x-true"])
    #expect(
      try texts("p-{items.id}", .tag, "{\"items\": [{\"id\": 1}, {\"id\": 2}, {\"id\": 1}, {}]}")
        == ["p-1", "p-2"])
    #expect(
      try texts("{a}{b}", .tag, "{\"a\": [1, 2], \"b\": [3, 4]}") == ["13", "14", "23", "24"])
    #expect(try texts("p-{id}", .tag, "{}") == [])
    #expect(try texts("p-{id}", .tag, "{\"id\": {}}") == [])
    #expect(try texts("p-{id}", .tag, "7") == [])
    #expect(try texts("fixed", .tag, "{}") == ["fixed"])
  }

  @Test func aValueCannotReachBeyondItsPlace() throws {
    #expect(try texts("/p/{id}", .path, "{\"id\": \"*\"}") == ["/p/%2A"])
    #expect(try texts("/p/{id}*", .path, "{\"id\": \"../a?b#é\"}") == ["/p/..%2Fa%3Fb%23%C3%A9*"])
    #expect(try texts("t-{id}", .tag, "{\"id\": \"a b\"}") == [])
    #expect(try texts("https://a/{id}", .url, "{\"id\": \"x/y\"}") == ["https://a/x%2Fy"])
    #expect(try texts("{url}", .url, "{\"url\": \"https://a/x/y?z\"}") == ["https://a/x/y?z"])
    #expect(try texts("{a}", .tag, "{\"a\": \"\"}") == [])
  }

  @Test func combinationsAreBounded() throws {
    let list = (0..<1000).map { "\($0)" }.joined(separator: ",")
    let json = "{\"a\": [\(list)], \"b\": [\(list)]}"
    #expect(try texts("{a}-{b}", .tag, json).count == EventTemplate.mostTexts)
  }

  @Test(arguments: ["{", "}", "{}", "{a..b}", "{.a}", "{a{b}}", "a}b{c}"])
  func malformedTemplatesAreNone(_ template: String) {
    #expect(EventTemplate(template, use: .tag) == nil)
  }

  @Test func anEventIsAnOrder() throws {
    var event = EventConfiguration(name: "n", secret: "s")
    event.tags = ["product-{id}"]
    event.paths = ["/products/{id}*"]
    event.urls = ["{url}"]
    event.kind = "refresh"
    event.host = "www.example.com"
    let order = event.order(
      from: try JSONReader.read(Array("{\"id\": 7, \"url\": \"https://a/b\"}".utf8)))
    #expect(order[.tags] == ["product-7"] && order[.paths] == ["/products/7*"])
    #expect(order[.urls] == ["https://a/b"] && order.kind == .refresh)
    #expect(
      try order.selectors(routeNames: []).contains(
        .path(host: "www.example.com", pattern: "/products/7*")))
  }
}
