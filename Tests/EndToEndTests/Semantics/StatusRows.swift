/// Which statuses are stored (RFC 9111, section 3; RFC 9110, section 15).
enum StatusRows {
  static let all = Row.numbered("status", explicit, byDefault, notByDefault, understood)

  /// Every final status may be stored when the origin says for how long. Left out: 206 and 304,
  /// which are no whole responses, and 428, 429, 431 and 511, which RFC 6585 keeps out.
  private static let explicit: [Row] = [
    200, 202, 203, 300, 301, 302, 303, 305, 307, 308, 400, 402, 403, 404, 405, 406, 408, 409, 410,
    411, 413, 414, 415, 417, 418, 421, 422, 423, 424, 426, 451, 500, 501, 502, 503, 504, 505, 506,
    507, 508, 510,
    // Unknown ones count as the first of their class.
    299, 399, 499, 599,
  ].map { status in
    .reused(
      "\(status) with a lifetime is stored", "RFC 9111, 3", status: status,
      "Cache-Control: max-age=3600", "Location: {path}/other")
  }

  private static let byDefault: [Row] =
    [200, 203, 300, 301, 308, 404, 405, 410, 414, 501].map { status in
      Row(
        "\(status) is stored by default", "RFC 9110, 15.1",
        .miss(.status(status, "Location: {path}/other")),
        .send("GET", .notAsked, .status(status), .body("b1")))
    } + [
      Row(
        "204 is stored by default", "RFC 9110, 15.3.5", .miss(.status(204)),
        .send("GET", .notAsked, .status(204), .body(""))),
      Row(
        "204 with a lifetime is stored", "RFC 9110, 15.3.5",
        .miss(.status(204, "Cache-Control: max-age=3600")),
        .send("GET", .notAsked, .status(204), .body(""), .noField("Content-Length"))),
    ]

  private static let notByDefault: [Row] = [
    201, 202, 302, 303, 307, 400, 401, 402, 403, 406, 407, 408, 409, 411, 412, 413, 415, 417, 418,
    421, 422, 423, 424, 425, 426, 428, 429, 431, 451, 505, 506, 507, 508, 510, 511, 299, 399, 499,
    599,
  ].map { status in
    .notReused(
      "\(status) is not stored by default", "RFC 9110, 15.1", status: status,
      "Location: {path}/other", "WWW-Authenticate: Basic", "Proxy-Authenticate: Basic")
  }

  private static let understood: [Row] = [
    .reused(
      "must-understand stores an understood status", "RFC 9111, 5.2.2.3",
      "Cache-Control: must-understand, max-age=3600"),
    .reused(
      "must-understand takes no-store back for an understood status", "RFC 9111, 5.2.2.3",
      "Cache-Control: must-understand, no-store, max-age=3600"),
    .reused(
      "must-understand takes no-store back for 404", "RFC 9111, 5.2.2.3", status: 404,
      "Cache-Control: no-store, must-understand, max-age=3600"),
    .notStored(
      "must-understand keeps out an unknown 2xx", "RFC 9111, 5.2.2.3", status: 299,
      "Cache-Control: must-understand, max-age=3600"),
    .notStored(
      "must-understand keeps out an unknown 5xx", "RFC 9111, 5.2.2.3", status: 599,
      "Cache-Control: must-understand, max-age=3600"),
    .notStored(
      "must-understand and no-store keep out an unknown status", "RFC 9111, 5.2.2.3", status: 499,
      "Cache-Control: must-understand, no-store, max-age=3600"),
  ]
}
