/// What Cache-Status tells (RFC 9211); its syntax is checked on every answer of every row.
enum CacheStatusRows {
  static let all = Row.numbered("cache-status", rows)

  private static let rows: [Row] = [
    Row(
      "a miss", "RFC 9211, 2.2",
      .miss(
        .ok("Cache-Control: max-age=3600"), .cacheStatus("fwd", "uri-miss"),
        .cacheStatus("fwd-status", "200"), .cacheStatus("stored", "?1"),
        .cacheStatus("hit", nil))),
    Row(
      "a hit", "RFC 9211, 2.1", .fill("Cache-Control: max-age=3600"),
      .hit(.cacheStatus("hit", "?1"), .cacheStatus("fwd", nil), .cacheStatus("stored", nil))),
    Row(
      "a miss that is not stored", "RFC 9211, 2.5",
      .miss(
        .ok("Cache-Control: no-store"), .cacheStatus("fwd", "uri-miss"),
        .cacheStatus("stored", nil))),
    Row(
      "a miss with an error", "RFC 9211, 2.3",
      .miss(.status(503, "Cache-Control: no-store"), .cacheStatus("fwd-status", "503"))),
    Row(
      "a stale response that changed", "RFC 9211, 2.2",
      .fill("Cache-Control: max-age=60", "Age: 100", "ETag: \"a\""),
      .miss(
        .ok("Cache-Control: max-age=3600"), .cacheStatus("fwd", "stale"),
        .cacheStatus("fwd-status", "200"), .cacheStatus("stored", "?1"))),
    Row(
      "stale in place of an error", "RFC 9211, 2.3",
      .fill("Cache-Control: max-age=60, stale-if-error=3600", "Age: 100", "ETag: \"a\""),
      .stale(
        .status(503), .cacheStatus("fwd", "stale"), .cacheStatus("fwd-status", "503"))),
    Row(
      "a method that is not cached", "RFC 9211, 2.2",
      .send("PUT", .cacheStatus("fwd", "method"), .cacheStatus("stored", nil), body: "x")),
    Row(
      "a route that is not cached", "RFC 9211, 2.2", route: "cache: false",
      .miss(.ok(), .cacheStatus("fwd", "bypass"))),
    Row(
      "another cache's entry comes first", "RFC 9211, 2",
      .miss(
        .ok("Cache-Control: max-age=3600", "Cache-Status: inner; hit; ttl=5"),
        .fieldContains("Cache-Status", "inner; hit; ttl=5, edge;")),
      .hit(.fieldContains("Cache-Status", "inner; hit; ttl=5, edge; hit"))),
    Row(
      "another proxy's Proxy-Status is passed on", "RFC 9209, 2",
      .miss(
        .ok("Cache-Control: no-store", "Proxy-Status: inner; error=dns_timeout"),
        .fieldContains("Proxy-Status", "inner; error=dns_timeout"))),
    Row(
      "a failure tells why", "RFC 9209, 2.1.1", route: "origin: gone",
      .send("GET", .cacheStatus("hit", nil), .cacheStatus("stored", nil), .proxyError)),
    Row(
      "only-if-cached was not forwarded", "RFC 9211, 2.2",
      .send(
        "GET", .status(504), .cacheStatus("hit", nil), .cacheStatus("fwd", nil),
        fields: ["Cache-Control: only-if-cached"])),
  ]
}
