/// The bounds that a route sets on lifetimes, as CloudFront combines them with what the origin
/// says; read off the ttl that Cache-Status tells.
enum LifetimeRows {
  static let all = Row.numbered("lifetime", minimumZero, minimumAboveZero, byStatus)

  private static let bounds = "ttl: { min: 0, default: 10 minutes, max: 1 hour }"
  private static let raised = "ttl: { min: 10 minutes, default: 20 minutes, max: 1 hour }"

  private static func row(
    _ claim: String, _ route: String, _ ttl: ClosedRange<Int>, _ fields: String...
  ) -> Row {
    Row(claim, "CloudFront's table", route: route, .miss(Answer(fields: fields)), .hit(.ttl(ttl)))
  }

  private static let minimumZero: [Row] = [
    row("max-age within the bounds stands", bounds, 1770...1800, "Cache-Control: max-age=1800"),
    row("s-maxage within the bounds stands", bounds, 1770...1800, "Cache-Control: s-maxage=1800"),
    row(
      "s-maxage goes before max-age within the bounds", bounds, 1770...1800,
      "Cache-Control: max-age=900, s-maxage=1800"),
    row("Expires within the bounds stands", bounds, 1760...1800, "Expires: {now+1800}"),
    row("a short max-age stands", bounds, 90...120, "Cache-Control: max-age=120"),
    row("a long max-age is cut", bounds, 3570...3600, "Cache-Control: max-age=86400"),
    row("a long s-maxage is cut", bounds, 3570...3600, "Cache-Control: s-maxage=86400"),
    row("a long Expires is cut", bounds, 3570...3600, "Expires: {now+86400}"),
    row("an overflowing max-age is cut", bounds, 3570...3600, "Cache-Control: max-age=9999999999"),
    row("max-age equal to the maximum stands", bounds, 3570...3600, "Cache-Control: max-age=3600"),
    row("without a lifetime the default stands", bounds, 570...600, "X-Foo: bar"),
    row("public alone is no lifetime", bounds, 570...600, "Cache-Control: public"),
    Row(
      "an age beyond the maximum is stale", "RFC 9111, 4.2", route: bounds,
      .fill("Cache-Control: max-age=86400", "Age: 4000"), .miss()),
    Row(
      "no-store is obeyed", "RFC 9111, 5.2.2.5", route: bounds, .fill("Cache-Control: no-store"),
      .miss()),
    Row(
      "private is obeyed", "RFC 9111, 5.2.2.7", route: bounds, .fill("Cache-Control: private"),
      .miss()),
    Row(
      "no-cache is obeyed", "RFC 9111, 5.2.2.4", route: bounds,
      .fill("Cache-Control: no-cache", "ETag: \"a\""), .miss()),
    Row(
      "max-age=0 is obeyed", "RFC 9111, 5.2.2.1", route: bounds,
      .fill("Cache-Control: max-age=0", "ETag: \"a\""), .miss()),
    Row(
      "Expires: 0 is obeyed", "RFC 9111, 5.3", route: bounds,
      .fill("Expires: 0", "ETag: \"a\""), .miss()),
    Row(
      "a default of 0 keeps nothing without a lifetime", "CloudFront's table",
      route: "ttl: { default: 0 }", .fill("X-Foo: bar", "ETag: \"a\""), .miss()),
    Row(
      "a maximum of 0 keeps nothing", "CloudFront's table",
      route: "ttl: { default: 0, max: 0 }",
      .fill("Cache-Control: max-age=3600", "ETag: \"a\""), .miss()),
  ]

  private static let minimumAboveZero: [Row] = [
    row("max-age between the bounds stands", raised, 1770...1800, "Cache-Control: max-age=1800"),
    row("a short max-age is raised", raised, 570...600, "Cache-Control: max-age=60"),
    row("max-age=0 is raised", raised, 570...600, "Cache-Control: max-age=0"),
    row("an invalid max-age is raised", raised, 570...600, "Cache-Control: max-age=abc"),
    row("s-maxage=0 is raised", raised, 570...600, "Cache-Control: s-maxage=0, max-age=1800"),
    row("Expires in the past is raised", raised, 570...600, "Expires: {now-3600}"),
    row("Expires: 0 is raised", raised, 570...600, "Expires: 0"),
    row("no-store is raised", raised, 570...600, "Cache-Control: no-store"),
    row("no-cache is raised", raised, 570...600, "Cache-Control: no-cache"),
    row("private is raised", raised, 570...600, "Cache-Control: private"),
    row(
      "no-store beside a long max-age gets the minimum", raised, 570...600,
      "Cache-Control: no-store, max-age=1800"),
    row(
      "a long max-age is cut above a minimum", raised, 3570...3600, "Cache-Control: max-age=9999"),
    row("without a lifetime the default above the minimum stands", raised, 1170...1200, "X-Foo: b"),
    row(
      "without a lifetime the minimum stands when the default is moved there",
      "ttl: { min: 30 minutes, max: 1 hour }", 1770...3600, "X-Foo: bar"),
    Row(
      "a minimum does not share what a user logged in for", "RFC 9111, 3.5", route: raised,
      .miss(.ok("Cache-Control: no-store"), fields: ["Authorization: Basic YTpi"]), .miss()),
    Row(
      "a minimum does not store an incomplete response", "RFC 9111, 3.3", route: raised,
      .send(
        "GET", .asked, .cutShort,
        answers: [Answer(fields: ["Cache-Control: max-age=0"], framing: .cutShort(10))]),
      .miss(.ok(), .body("b2"))),
    Row(
      "a minimum does not make Vary: * match", "RFC 9111, 4.1", route: raised,
      .fill("Cache-Control: max-age=0", "Vary: *"), .miss()),
  ]

  private static let statuses = """
    ttl: { default: 10 minutes }
    status_ttl: { 404: 30 s, 302: 5 minutes, 500: 20 s }
    """

  private static func row(
    _ claim: String, _ status: Int, _ ttl: ClosedRange<Int>, _ fields: String...
  ) -> Row {
    Row(
      claim, "status_ttl", route: statuses, .miss(Answer(status: status, fields: fields)),
      .send("GET", .notAsked, .status(status), .body("b1"), .ttl(ttl)))
  }

  private static let byStatus: [Row] = [
    row("a status has its own lifetime", 404, 1...30, "X-Foo: bar"),
    row("a status of no default caching can get a lifetime", 302, 270...300, "X-Foo: bar"),
    row("an error can get a lifetime", 500, 1...20, "X-Foo: bar"),
    row("a status that is not named has the default", 200, 570...600, "X-Foo: bar"),
    row(
      "the origin's lifetime goes before the status's", 404, 1770...1800,
      "Cache-Control: max-age=1800"),
    row(
      "the origin's Expires goes before the status's lifetime", 404, 1760...1800,
      "Expires: {now+1800}"),
    Row(
      "no-store goes before the status's lifetime", "RFC 9111, 5.2.2.5", route: statuses,
      .miss(.status(404, "Cache-Control: no-store")), .miss()),
  ]
}
