extension OptionTable {
  /// The rows below `routes`, apart from the table's other rows only for their number. A reload
  /// takes up all of them.
  static let routeOptions: [ConfigurationOption] =
    ([
      ConfigurationOption(
        "routes", .list, default: .required, min: "1", max: "10000", unit: "routes", reload: false,
        example: "routes: [{ match: /*, origin: api }]",
        "Which requests go to which origin, and how their responses are cached. The most specific "
          + "match wins; a request that no route matches is answered with 404."),
      ConfigurationOption("routes[]", .section, default: .required, reload: false, "One route."),
      ConfigurationOption(
        "routes[].match", .routePattern, default: .required, reload: false, example: "match: /*",
        "[host]/path. '*' in the path stands for any characters; the host may be left out or be "
          + "*.example.com."),
      ConfigurationOption(
        "routes[].origin", .originName, default: .required, reload: false, example: "origin: api",
        "The origin that answers."),
      ConfigurationOption(
        "routes[].name", .text, default: .absent, reload: false, example: "name: images",
        "What invalidations, listings and explanations call the route; without it they use match. "
          + "Objects stay the route's own as long as its name stands, wherever it moves in "
          + "the file."
      ),
      ConfigurationOption(
        "routes[].cache", .boolean, default: .text("true"), reload: false,
        "Whether responses may be stored; false passes every request to the origin."),
    ] + freshnessOptions + keyOptions + handlingOptions + compressionOptions).map(\.reloadable)

  private static let freshnessOptions: [ConfigurationOption] = [
    ConfigurationOption(
      "routes[].ttl", .section, default: .text("{}"), reload: false,
      "How long responses are fresh."),
    ConfigurationOption(
      "routes[].ttl.default", .duration, default: .text("1 day"), min: "0", max: "3650 days",
      reload: false,
      "The time for a response whose origin names none. Between min and max; moved there when "
        + "not written."),
    ConfigurationOption(
      "routes[].ttl.min", .duration, default: .text("0"), min: "0", max: "3650 days",
      reload: false, "The least time, whatever the origin names."),
    ConfigurationOption(
      "routes[].ttl.max", .duration, default: .text("365 days"), min: "0", max: "3650 days",
      reload: false, "The longest time, whatever the origin names."),
    ConfigurationOption(
      "routes[].ttl.error", .duration, default: .text("10 s"), min: "0", max: "3650 days",
      reload: false,
      "The time for an error (404, 405, 410, 414, 501; with error_statuses: all also 500, 502, "
        + "503, 504) whose origin names none, in place of default; 0 stores none of them."),
    ConfigurationOption(
      "routes[].ttl.error_statuses", .word, words: ["cacheable", "all"],
      default: .text("cacheable"), reload: false,
      "Which errors may be stored without a lifetime from the origin: those that RFC 9110 calls "
        + "cacheable, or all of ttl.error's. With all, ttl.error is also the least time for an "
        + "error."),
    ConfigurationOption(
      "routes[].ttl.heuristic", .section, words: ["off"], default: .text("off"), reload: false,
      example: "heuristic: { percent: 10, max: 1 day }",
      "A time from Last-Modified when the origin names none, in place of default (RFC 9111, "
        + "4.2.2)."),
    ConfigurationOption(
      "routes[].ttl.heuristic.percent", .count, default: .text("10"), min: "1", max: "100",
      unit: "percent", reload: false, "The share of the time since Last-Modified."),
    ConfigurationOption(
      "routes[].ttl.heuristic.max", .duration, default: .text("1 day"), min: "0",
      max: "3650 days", reload: false, "The longest such time."),
    ConfigurationOption(
      "routes[].ttl.adaptive", .boolean, default: .text("false"), reload: false,
      "Whether an object's time grows while revalidation finds it unchanged, and shrinks when it "
        + "changed, between ttl.min and ttl.max. For objects whose origin names no time."),
    ConfigurationOption(
      "routes[].status_ttl", .map, default: .text("{}"), max: "64", unit: "statuses",
      reload: false, example: "status_ttl: { 404: 1 minute }",
      "Times for single statuses in place of ttl.default."),
    ConfigurationOption(
      "routes[].status_ttl.STATUS", .duration, default: .required, min: "0", max: "3650 days",
      reload: false, "The time for a response with this status, 200 to 599."),
    ConfigurationOption(
      "routes[].stale", .section, default: .text("{}"), reload: false,
      "How long a stale response may be used when the origin names no time (RFC 5861)."),
    ConfigurationOption(
      "routes[].stale.while_revalidate", .duration, default: .text("0"), min: "0",
      max: "365 days", reload: false, "While a fresh one is fetched in the background."),
    ConfigurationOption(
      "routes[].stale.if_error", .duration, default: .text("0"), min: "0", max: "365 days",
      reload: false, "While the origin fails."),
    ConfigurationOption(
      "routes[].stale.if_unreachable", .duration, default: .text("1 day"), min: "0",
      max: "365 days", reload: false,
      "While the origin gives no answer at all and the response does not forbid it (RFC 9111, "
        + "4.2.4)."),
    ConfigurationOption(
      "routes[].stale.strict", .boolean, default: .text("false"), reload: false,
      "Whether s-maxage forbids all stale use, as must-revalidate and proxy-revalidate always do, "
        + "even beside an explicit stale-while-revalidate or stale-if-error."),
    ConfigurationOption(
      "routes[].targeted", .list, default: .text("[CDN-Cache-Control]"), max: "8",
      unit: "fields", reload: false,
      "Response fields that stand in for Cache-Control and Expires, the first one that is valid "
        + "(RFC 9213)."),
    ConfigurationOption(
      "routes[].targeted[]", .fieldName, default: .required, reload: false,
      "The name of a field."),
  ]

  private static let keyOptions: [ConfigurationOption] = [
    ConfigurationOption(
      "routes[].key", .section, default: .text("{}"), reload: false,
      "Which parts of a request tell one stored object from another."),
    ConfigurationOption(
      "routes[].key.query", .section, words: ["all", "none"], default: .text("all"),
      reload: false, example: "query: { allow: [page, size] }",
      "Which query parameters: all, none, or a section with either allow or deny."),
    ConfigurationOption(
      "routes[].key.query.allow", .list, default: .absent, max: "100", unit: "parameters",
      reload: false, "Only these parameters count."),
    ConfigurationOption(
      "routes[].key.query.allow[]", .text, default: .required, reload: false,
      "The name of a parameter."),
    ConfigurationOption(
      "routes[].key.query.deny", .list, default: .absent, max: "100", unit: "parameters",
      reload: false, "All parameters but these count."),
    ConfigurationOption(
      "routes[].key.query.deny[]", .text, default: .required, reload: false,
      "The name of a parameter."),
    ConfigurationOption(
      "routes[].key.sort_query", .boolean, default: .text("false"), reload: false,
      "Whether parameters are sorted, so that their order does not matter."),
    ConfigurationOption(
      "routes[].key.scheme", .boolean, default: .text("true"), reload: false,
      "Whether http and https are different."),
    ConfigurationOption(
      "routes[].key.host", .boolean, default: .text("true"), reload: false,
      "Whether hosts are different."),
    ConfigurationOption(
      "routes[].key.headers", .list, default: .text("[]"), max: "16", unit: "fields",
      reload: false, "Request fields whose values count."),
    ConfigurationOption(
      "routes[].key.headers[]", .fieldName, default: .required, reload: false,
      "The name of a field; case does not matter."),
    ConfigurationOption(
      "routes[].key.cookies", .list, default: .text("[]"), max: "16", unit: "cookies",
      reload: false, "Cookies whose values count."),
    ConfigurationOption(
      "routes[].key.cookies[]", .token, default: .required, reload: false,
      "The name of a cookie."),
    ConfigurationOption(
      "routes[].key.device", .boolean, default: .text("false"), reload: false,
      "Whether mobile, tablet, desktop and bot are different, told from User-Agent; the origin "
        + "gets the class as X-Device-Class."),
  ]

  private static let handlingOptions: [ConfigurationOption] = [
    ConfigurationOption(
      "routes[].accept_encoding", .word, words: ["normalize", "keep"],
      default: .text("normalize"), reload: false,
      "What the origin and Vary see of Accept-Encoding: the codings that matter in one order, or "
        + "the client's own."),
    ConfigurationOption(
      "routes[].languages", .list, default: .text("[]"), max: "64", unit: "languages",
      reload: false, example: "languages: [en, de]",
      "The languages the origin speaks, the first the default: Accept-Language becomes the one "
        + "that fits best (RFC 4647). Empty: the client's own."),
    ConfigurationOption(
      "routes[].languages[]", .token, default: .required, reload: false, "A language tag."),
    ConfigurationOption(
      "routes[].forward_headers", .list, default: .text("[]"), max: "64", unit: "fields",
      reload: false,
      "Request fields that reach the origin although it might answer by them and they are not in "
        + "the key, such as X-HTTP-Method-Override."),
    ConfigurationOption(
      "routes[].forward_headers[]", .fieldName, default: .required, reload: false,
      "The name of a field."),
    ConfigurationOption(
      "routes[].forward_query", .word, words: ["keyed", "all"], default: .text("keyed"),
      reload: false,
      "Which query parameters reach the origin: those in the key, or all, for origins that only "
        + "count them."),
    ConfigurationOption(
      "routes[].no_vary_search", .boolean, default: .text("true"), reload: false,
      "Whether responses may say by No-Vary-Search which query parameters do not matter."),
    ConfigurationOption(
      "routes[].variants", .count, default: .text("64"), min: "1", max: "10000",
      unit: "variants", reload: false,
      "The most variants kept of one URL; the oldest leaves for a new one."),
    ConfigurationOption(
      "routes[].ranges", .word, words: ["part", "whole"], default: .text("part"), reload: false,
      "What a request for a range fetches when it is not stored: the range, or the whole object. "
        + "Stored parts of one object take at most store.memory.largest; choose whole where larger "
        + "ranges of large objects are asked for."),
    ConfigurationOption(
      "routes[].query_body_size", .size, default: .text("64 KiB"), min: "0", max: "1 MiB",
      reload: false,
      "The largest content of a QUERY request that is part of the key; larger ones pass."),
    ConfigurationOption(
      "routes[].tags", .list, default: .text("[Cache-Tag, Surrogate-Key, xkey]"), max: "8",
      unit: "fields", reload: false, "Response fields that carry cache tags."),
    ConfigurationOption(
      "routes[].tags[]", .fieldName, default: .required, reload: false, "The name of a field."),
    ConfigurationOption(
      "routes[].set_cookie", .word, words: ["bypass", "strip", "store"],
      default: .text("bypass"), reload: false,
      "A response with Set-Cookie: bypass does not store it, strip stores it without the field, "
        + "store keeps the field for every client."),
    ConfigurationOption(
      "routes[].request_directives", .word, words: ["ignore", "honour"],
      default: .text("ignore"), reload: false,
      "Whether a client's Cache-Control and Pragma may go past the store."),
    ConfigurationOption(
      "routes[].coalesce", .boolean, default: .text("true"), reload: false,
      "Whether requests for the same object wait for one fetch."),
    ConfigurationOption(
      "routes[].coalesce_timeout", .duration, default: .text("10 s"), min: "10 ms",
      max: "10 minutes", reload: false,
      "How long a request waits for another's fetch before it fetches itself."),
    ConfigurationOption(
      "routes[].unsafe_invalidates", .boolean, default: .text("true"), reload: false,
      "Whether a successful POST, PUT, PATCH or DELETE invalidates its URL (RFC 9111, 4.4)."),
    ConfigurationOption(
      "routes[].websocket", .boolean, default: .text("false"), reload: false,
      "Whether clients may switch to the WebSocket protocol (RFC 6455). An open WebSocket holds a "
        + "place in its origin's pool. Other upgrades are never passed on."),
    ConfigurationOption(
      "routes[].debug_headers", .boolean, default: .text("true"), reload: false,
      "Whether responses carry Cache-Status and X-Cache."),
  ]

  private static let compressionOptions: [ConfigurationOption] = [
    ConfigurationOption(
      "routes[].compression", .boolean, default: .text("true"), reload: false,
      "Whether responses that gain by it are stored gzip'd, once, and served gzip'd or plain as "
        + "Accept-Encoding says. Never with Content-Encoding, no-transform or a digest from the "
        + "origin."),
    ConfigurationOption(
      "routes[].compression_types", .list,
      default: .text(
        "[text/*, application/json, application/*+json, application/javascript, "
          + "application/xml, application/*+xml, application/wasm, application/x-ndjson, "
          + "application/vnd.ms-fontobject, font/ttf, font/otf, image/svg+xml, image/bmp]"),
      max: "100", unit: "media types", reload: false,
      "The media types that are compressed; '*' stands for any characters, once."),
    ConfigurationOption(
      "routes[].compression_types[]", .text, default: .required, reload: false,
      "A media type without parameters, or several by '*'."),
    ConfigurationOption(
      "routes[].compression_min_size", .size, default: .text("1 KiB"), min: "64 B", max: "1 GiB",
      reload: false, "Smaller bodies are not compressed."),
    ConfigurationOption(
      "routes[].compression_max_size", .size, default: .text("8 MiB"), min: "64 B", max: "64 MiB",
      reload: false,
      "Larger bodies are not compressed. Those above store.memory.largest go to the disk as they "
        + "arrive, and are read again for it when a hit would take gzip. At least "
        + "compression_min_size, to which it is raised when not written."),
    ConfigurationOption(
      "routes[].compression_level", .count, default: .text("6"), min: "1", max: "9",
      reload: false, "zlib's level: 1 is fast, 9 is small."),
  ]
}
