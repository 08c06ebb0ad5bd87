/// CDN-Cache-Control in place of Cache-Control (RFC 9213).
enum TargetedRows {
  static let all = Row.numbered("targeted", precedence, syntax, more)

  private static let precedence: [Row] = [
    .reused("it makes fresh", "RFC 9213, 2.1", "CDN-Cache-Control: max-age=3600"),
    .reused(
      "it goes before no-store", "RFC 9213, 2.2",
      "CDN-Cache-Control: max-age=3600", "Cache-Control: no-store"),
    .reused(
      "it goes before private", "RFC 9213, 2.2",
      "CDN-Cache-Control: max-age=3600", "Cache-Control: private"),
    .reused(
      "it goes before no-cache", "RFC 9213, 2.2",
      "CDN-Cache-Control: max-age=3600", "Cache-Control: no-cache"),
    .reused(
      "it goes before s-maxage=0", "RFC 9213, 2.2",
      "CDN-Cache-Control: max-age=3600", "Cache-Control: s-maxage=0"),
    .reused(
      "it goes before Expires", "RFC 9213, 2.2",
      "CDN-Cache-Control: max-age=3600", "Expires: {now-3600}"),
    .reused(
      "its order among the fields does not matter", "RFC 9213, 2.2",
      "Cache-Control: no-store", "CDN-Cache-Control: max-age=3600"),
    .notReused(
      "its max-age=0 goes before a longer one", "RFC 9213, 2.2",
      "CDN-Cache-Control: max-age=0", "Cache-Control: max-age=3600, s-maxage=3600"),
    .notReused(
      "without a lifetime of its own, Expires does not count", "RFC 9213, 2.2",
      "CDN-Cache-Control: max-age=0", "Expires: {now+3600}"),
    .notStored(
      "its no-store goes before max-age", "RFC 9213, 2.2",
      "CDN-Cache-Control: no-store", "Cache-Control: max-age=3600"),
    .notStored(
      "its private goes before public", "RFC 9213, 2.2",
      "CDN-Cache-Control: private", "Cache-Control: public, max-age=3600"),
    Row(
      "its no-cache is asked for each time", "RFC 9213, 2.2",
      .fill("CDN-Cache-Control: no-cache", "Cache-Control: max-age=3600", "ETag: \"a\""),
      .stale(.notModified("ETag: \"a\""), .originGot("If-None-Match", "\"a\""))),
    Row(
      "it is passed on", "RFC 9213, 2.1",
      .miss(
        .ok("CDN-Cache-Control: max-age=3600", "Cache-Control: no-store"),
        .field("CDN-Cache-Control", "max-age=3600"), .field("Cache-Control", "no-store")),
      .hit(.field("CDN-Cache-Control", "max-age=3600"), .field("Cache-Control", "no-store"))),
    Row(
      "its lifetime counts from the Age", "RFC 9213, 2.1",
      .fill("CDN-Cache-Control: max-age=3600", "Age: 3700", "Cache-Control: max-age=9999"),
      .miss()),
    Row(
      "must-revalidate of Cache-Control does not count beside it", "RFC 9213, 2.2",
      .fill(
        "CDN-Cache-Control: max-age=60, stale-if-error=3600", "Cache-Control: must-revalidate",
        "Age: 100", "ETag: \"a\""),
      .stale(.status(503), .asked)),
    Row(
      "its must-revalidate counts", "RFC 9213, 2.2",
      .fill(
        "CDN-Cache-Control: max-age=60, must-revalidate",
        "Cache-Control: max-age=60, stale-if-error=3600", "Age: 100", "ETag: \"a\""),
      .send("GET", .failed, answers: [.fails])),
    Row(
      "its stale-while-revalidate counts", "RFC 9213, 2.2",
      .fill(
        "CDN-Cache-Control: max-age=60, stale-while-revalidate=3600", "Cache-Control: no-store",
        "Age: 100", "ETag: \"a\""),
      .stale(.ok("CDN-Cache-Control: max-age=3600")), .hit(of: 2).repeated),
    Row(
      "it is bounded by the route", "RFC 9213, 2.1",
      route: "ttl: { min: 0, default: 10 minutes, max: 1 hour }",
      .fill("CDN-Cache-Control: max-age=86400", "Cache-Control: max-age=60"),
      .hit(.ttl(3500...3600))),
    Row(
      "a 304 renews it", "RFC 9111, 3.2",
      .fill("CDN-Cache-Control: max-age=60", "Age: 100", "ETag: \"a\""),
      .stale(.notModified("ETag: \"a\"", "CDN-Cache-Control: max-age=3600"), .asked),
      .hit(.field("CDN-Cache-Control", "max-age=3600"))),
  ]

  /// An invalid value leaves Cache-Control to decide.
  private static func ignored(_ claim: String, _ value: String...) -> Row {
    let fields = value.map { "CDN-Cache-Control: \($0)" }
    let forbidden = Answer(fields: fields + ["Cache-Control: no-store", "ETag: \"a\""])
    let allowed = Answer(fields: fields + ["Cache-Control: max-age=3600"])
    return Row(
      claim, "RFC 9213, 2.1", route: "ttl: { default: 0 }", .miss(forbidden, path: "/forbidden"),
      .miss(forbidden, .originGotNo("If-None-Match"), path: "/forbidden"),
      .miss(allowed, path: "/allowed"), .hit(path: "/allowed", of: 3))
  }

  private static let syntax: [Row] = [
    .reused(
      "parameters are ignored", "RFC 9213, 2.1",
      "CDN-Cache-Control: max-age=3600;foo=bar;b", "Cache-Control: no-store"),
    .reused(
      "unknown directives are ignored", "RFC 9213, 2.1",
      "CDN-Cache-Control: foo, max-age=3600, bar=\"baz\"", "Cache-Control: no-store"),
    .reused(
      "of a directive twice the last counts", "RFC 9651, 4.2.2",
      "CDN-Cache-Control: max-age=0, max-age=3600", "Cache-Control: no-store"),
    .reused(
      "several lines are one dictionary", "RFC 9651, 4.2",
      "CDN-Cache-Control: foo", "CDN-Cache-Control: max-age=3600", "Cache-Control: no-store"),
    .reused(
      "whitespace around the commas", "RFC 9651, 4.2.2",
      "CDN-Cache-Control:   foo \t,\t max-age=3600  ", "Cache-Control: no-store"),
    .reused(
      "an inner list as an unknown directive's value", "RFC 9651, 4.2.1.2",
      "CDN-Cache-Control: foo=(a b;c \"d\"), max-age=3600", "Cache-Control: no-store"),
    .notStored(
      "no-store on a second line counts", "RFC 9651, 4.2",
      "CDN-Cache-Control: max-age=3600", "CDN-Cache-Control: no-store",
      "Cache-Control: max-age=3600"),
    .notReused(
      "of a directive twice a last 0 counts", "RFC 9651, 4.2.2",
      "CDN-Cache-Control: max-age=3600, max-age=0", "Cache-Control: max-age=3600"),
    .notReused(
      "a max-age of a wrong type does not count", "RFC 9213, 2.1",
      route: "ttl: { default: 0 }", "CDN-Cache-Control: max-age=3600.0",
      "Cache-Control: max-age=3600"),
    .notReused(
      "a max-age in quotes is of a wrong type", "RFC 9213, 2.1",
      route: "ttl: { default: 0 }", "CDN-Cache-Control: max-age=\"3600\"",
      "Cache-Control: max-age=3600"),
    Row(
      "a value without directives takes Cache-Control away", "RFC 9213, 3.1",
      .fill("CDN-Cache-Control: none", "Cache-Control: no-store"), .hit()),
    ignored("an empty value is ignored", ""),
    ignored("names in capitals do not parse", "MAX-AGE=3600"),
    ignored("a comma at the end does not parse", "max-age=3600,"),
    ignored("a comma at the head does not parse", ", max-age=3600"),
    ignored("two commas do not parse", "max-age=3600,, foo"),
    ignored("other characters do not parse", "max-age=3600, &"),
    ignored("an open string does not parse", "max-age=3600, foo=\"bar"),
    ignored("spaces around the equals sign do not parse", "max-age = 3600"),
    ignored("an empty value of a member does not parse", "max-age="),
    ignored("semicolons do not separate", "max-age=3600; &"),
    ignored("one line that does not parse spoils both", "max-age=3600", "&"),
    ignored("an integer of sixteen digits does not parse", "max-age=9999999999999999"),
    ignored("single quotes do not parse", "max-age='3600'"),
  ]

  private static let more: [Row] = [
    .notReused(
      "another target's field does not count", "RFC 9213, 2",
      "Other-Cache-Control: max-age=3600", "Cache-Control: max-age=0"),
    .reused(
      "Surrogate-Control does not count by default", "RFC 9213, 2",
      "Surrogate-Control: no-store", "Cache-Control: max-age=3600"),
    Row(
      "a request's CDN-Cache-Control means nothing", "RFC 9213, 2",
      .miss(.ok("Cache-Control: max-age=3600"), fields: ["CDN-Cache-Control: no-store"]), .hit()),
  ]
}
