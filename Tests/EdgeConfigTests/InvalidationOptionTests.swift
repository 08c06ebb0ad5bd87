import EdgeConfig
import Testing

/// The options about invalidations: CloudFront's keys, events, PURGE on the front.
@Suite struct InvalidationOptionTests {
  private func admin(_ lines: String) -> String {
    minimal + "admin:\n  users: [{ name: admin, password: x }]\n" + lines
  }

  @Test func everyOptionArrivesAndHasItsDefault() throws {
    let text = admin(
      """
        jobs_file: /var/jobs
        refresh: { objects: 7 }
        cloudfront: { distribution: E1, keys: [{ id: k, secret: s }] }
        events:
          - { name: e, secret: s, tags: ["t-{a.b}"], paths: ["/p/{id}*"], urls: ["{url}"] }
      purge: { allow: [10.0.0.0/8], secret: p }

      """)
    let file = try load(text)
    let section = try #require(file.invalidation)
    #expect(section.jobsFile == "/var/jobs")
    #expect(section.refresh.objects == 7 && section.refresh.perSecond == 50)
    #expect(section.refresh.concurrency == 4)
    #expect(section.cloudFront?.distribution == "E1")
    #expect(section.cloudFront?.keys.first?.secret.exposedValue == "s")
    let event = try #require(section.events.first)
    #expect(event.tags == ["t-{a.b}"] && event.paths == ["/p/{id}*"] && event.urls == ["{url}"])
    #expect(event.kind == .soft && event.signature == .content && event.host == nil)
    #expect(event.signatureField.lowercased() == "x-hub-signature-256")
    #expect(file.purge?.allow == ["10.0.0.0/8"] && file.purge?.secret?.exposedValue == "p")
    #expect(!"\(section)".contains("\"s\""), "secrets are not shown")
    #expect(try load(minimal).invalidation == nil && load(minimal).purge == nil)
  }

  @Test(arguments: [
    ("  events: [{ name: e, secret: s, tags: [\"{a\"] }]\n", "has a brace without a partner"),
    ("  events: [{ name: e, secret: s, tags: [\"a}\"] }]\n", "has a brace without a partner"),
    ("  events: [{ name: e, secret: s, tags: [\"{a..b}\"] }]\n", "has a place without a name"),
    ("  events: [{ name: e, secret: s, paths: [\"p\"] }]\n", "does not begin with '/'"),
    ("  events: [{ name: e, secret: s }]\n", "the event invalidates nothing"),
    (
      "  events: [{ name: e, secret: s, tags: [t] }, { name: e, secret: s, tags: [t] }]\n",
      "the event 'e' is already defined at line 6"
    ),
    (
      "  cloudfront: { distribution: E, keys: [{ id: k, secret: s }, { id: k, secret: s }] }\n",
      "the access key 'k' is already defined at line 6"
    ),
    ("  cloudfront: { keys: [{ id: k, secret: s }] }\n", "missing option 'distribution'"),
    ("purge: {}\n", "'purge' lets everybody purge"),
    ("purge: { allow: [nowhere] }\n", "nowhere"),
  ])
  func mistakesAreNamed(_ lines: String, _ fault: String) {
    let found = faults(admin(lines))
    #expect(found.contains { $0.contains(fault) }, "\(found)")
  }
}
