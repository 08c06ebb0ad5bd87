/// Cache-Control and Pragma of requests (RFC 9111, sections 5.2.1 and 5.4).
enum DirectiveRows {
  static let all = Row.numbered("directive", onlyIfCached, ignored, honoured)

  private static let honour = "request_directives: honour"
  private static let aged = Answer.ok("Cache-Control: max-age=3600", "Age: 1000", "ETag: \"a\"")
  private static let stale = Answer.ok("Cache-Control: max-age=60", "Age: 100", "ETag: \"a\"")

  private static let onlyIfCached: [Row] = [
    Row(
      "only-if-cached without anything stored is 504", "RFC 9111, 5.2.1.7",
      .send("GET", .notAsked, .status(504), fields: ["Cache-Control: only-if-cached"])),
    Row(
      "only-if-cached with a fresh response", "RFC 9111, 5.2.1.7",
      .fill("Cache-Control: max-age=3600"), .hit(fields: ["Cache-Control: only-if-cached"])),
    Row(
      "only-if-cached with a stale response is 504", "RFC 9111, 5.2.1.7", .miss(stale),
      .send("GET", .notAsked, .status(504), fields: ["Cache-Control: only-if-cached"])),
    Row(
      "only-if-cached in capitals among others", "RFC 9111, 5.2",
      .send("GET", .notAsked, .status(504), fields: ["Cache-Control: foo, ONLY-IF-CACHED"])),
    Row(
      "only-if-cached for another variant is 504", "RFC 9111, 5.2.1.7",
      .miss(.ok("Cache-Control: max-age=3600", "Vary: Foo"), fields: ["Foo: 1"]),
      .send(
        "GET", .notAsked, .status(504), fields: ["Foo: 2", "Cache-Control: only-if-cached"])),
    Row(
      "only-if-cached where directives are honoured", "RFC 9111, 5.2.1.7", route: honour,
      .send("GET", .notAsked, .status(504), fields: ["Cache-Control: only-if-cached"])),
    Row(
      "only-if-cached for HEAD", "RFC 9111, 5.2.1.7",
      .send("HEAD", .notAsked, .status(504), fields: ["Cache-Control: only-if-cached"])),
    Row(
      "a name that only begins alike is not only-if-cached", "RFC 9111, 5.2.3",
      .miss(.ok(), fields: ["Cache-Control: only-if-cached-please"])),
    Row(
      "a quoted argument is not only-if-cached", "RFC 9111, 5.2.3",
      .miss(.ok(), fields: ["Cache-Control: foo=\"only-if-cached\""])),
  ]

  private static func ignored(_ field: String) -> Row {
    Row(
      "\(field) of a request is ignored by default", "request_directives", .miss(aged),
      .hit(fields: [field]))
  }

  private static let ignored: [Row] = [
    ignored("Cache-Control: no-cache"), ignored("Cache-Control: max-age=0"),
    ignored("Cache-Control: min-fresh=9999"), ignored("Cache-Control: no-store"),
    ignored("Pragma: no-cache"),
    Row(
      "no-store of a request does not keep the answer out by default", "request_directives",
      .miss(aged, fields: ["Cache-Control: no-store"]), .hit()),
    Row(
      "max-stale of a request is ignored by default", "request_directives", .miss(stale),
      .miss(.ok(), .body("b2"), fields: ["Cache-Control: max-stale"])),
  ]

  /// The request's directive lets the stored response, 1000 of its 3600 seconds old, be used.
  private static func used(_ claim: String, _ section: String, _ fields: String...) -> Row {
    Row(claim, section, route: honour, .miss(aged), .hit(fields: fields))
  }

  private static func notUsed(_ claim: String, _ section: String, _ fields: String...) -> Row {
    Row(claim, section, route: honour, .miss(aged), .miss(.ok(), .body("b2"), fields: fields))
  }

  private static func staleUsed(_ claim: String, _ control: String) -> Row {
    Row(
      claim, "RFC 9111, 5.2.1.2", route: honour, .miss(stale),
      .hit(.age(100...200), fields: ["Cache-Control: \(control)"]))
  }

  private static func staleNotUsed(
    _ claim: String, stored: Answer = stale, _ control: String
  ) -> Row {
    Row(
      claim, "RFC 9111, 5.2.1.2", route: honour, .miss(stored),
      .miss(.ok(), .body("b2"), fields: ["Cache-Control: \(control)"]))
  }

  private static let honoured: [Row] = [
    notUsed("no-cache asks the origin", "RFC 9111, 5.2.1.4", "Cache-Control: no-cache"),
    notUsed("NO-CACHE asks the origin", "RFC 9111, 5.2", "Cache-Control: foo, No-Cache"),
    notUsed("max-age=0 asks the origin", "RFC 9111, 5.2.1.1", "Cache-Control: max-age=0"),
    notUsed(
      "max-age below the age asks the origin", "RFC 9111, 5.2.1.1", "Cache-Control: max-age=900"),
    used("max-age above the age", "RFC 9111, 5.2.1.1", "Cache-Control: max-age=1500"),
    used("an overflowing max-age", "RFC 9111, 1.2.2", "Cache-Control: max-age=9999999999999"),
    notUsed(
      "min-fresh above what is left", "RFC 9111, 5.2.1.3", "Cache-Control: min-fresh=3000"),
    used("min-fresh below what is left", "RFC 9111, 5.2.1.3", "Cache-Control: min-fresh=2000"),
    notUsed(
      "max-age and min-fresh both count", "RFC 9111, 5.2.1",
      "Cache-Control: max-age=1500, min-fresh=3000"),
    notUsed("Pragma: no-cache asks the origin", "RFC 9111, 5.4", "Pragma: no-cache"),
    used(
      "Pragma does not count beside Cache-Control", "RFC 9111, 5.4", "Pragma: no-cache",
      "Cache-Control: max-age=1500"),
    used("another Pragma does not count", "RFC 9111, 5.4", "Pragma: foo"),
    used(
      "unknown directives do not count", "RFC 9111, 5.2.3", "Cache-Control: foo, bar=\"no-cache\""),
    staleUsed("max-stale takes any staleness", "max-stale"),
    staleUsed("max-stale takes less staleness", "max-stale=3600"),
    staleNotUsed("max-stale does not take more staleness", "max-stale=10"),
    staleNotUsed("max-age goes with max-stale", "max-stale=3600, max-age=50"),
    staleNotUsed(
      "must-revalidate goes before max-stale",
      stored: .ok("Cache-Control: max-age=60, must-revalidate", "Age: 100", "ETag: \"a\""),
      "max-stale"),
    staleNotUsed(
      "proxy-revalidate goes before max-stale",
      stored: .ok("Cache-Control: max-age=60, proxy-revalidate", "Age: 100", "ETag: \"a\""),
      "max-stale"),
    staleNotUsed(
      "s-maxage goes before max-stale",
      stored: .ok("Cache-Control: s-maxage=60", "Age: 100", "ETag: \"a\""), "max-stale"),
    staleNotUsed(
      "no-cache goes before max-stale",
      stored: .ok("Cache-Control: no-cache", "ETag: \"a\""), "max-stale"),
    Row(
      "no-store keeps the answer out", "RFC 9111, 5.2.1.5", route: honour,
      .miss(aged, fields: ["Cache-Control: no-store"]),
      .miss(.ok(), .originGotNo("If-None-Match"))),
    Row(
      "no-cache validates what is stored", "RFC 9111, 5.2.1.4", route: honour, .miss(aged),
      .stale(
        .notModified("ETag: \"a\""), .originGot("If-None-Match", "\"a\""),
        .cacheStatus("fwd", "request"), fields: ["Cache-Control: no-cache"])),
    Row(
      "no-cache stores the new answer", "RFC 9111, 5.2.1.4", route: honour, .miss(aged),
      .miss(.ok(), .body("b2"), fields: ["Cache-Control: no-cache"]), .hit(of: 2)),
    Row(
      "directives reach the origin", "RFC 9111, 5.2.1", route: honour,
      .miss(
        .ok(), .originGot("Cache-Control", "no-cache"), fields: ["Cache-Control: no-cache"])),
  ]
}
