extension OptionTable {
  /// The rows below `routes`, apart from the table's other rows only for their number.
  static let routeOptions: [ConfigurationOption] =
    [
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
        "routes[].cache", .boolean, default: .text("true"), reload: false,
        "Whether responses may be stored; false passes every request to the origin."),
    ] + freshnessOptions + keyOptions + handlingOptions

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
  ]

  private static let handlingOptions: [ConfigurationOption] = [
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
      "routes[].debug_headers", .boolean, default: .text("true"), reload: false,
      "Whether responses carry Cache-Status and X-Cache."),
  ]
}
