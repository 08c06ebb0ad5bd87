/// Parts that the origin sends: stored, combined and completed (RFC 9111, sections 3.3 and 3.4; RFC
/// 9110, section 14).
enum PartRows {
  static let all = Row.numbered("part", stored, notStored, combined, broken, large, whole)

  private static let lasting = "Cache-Control: max-age=3600"
  private static let tagged = "ETag: \"a\""
  private static let digits = Answer.ok([lasting, tagged], body: "0123456789")

  /// The origin's answer to a request for this range of the ten digits.
  private static func part(_ range: ClosedRange<Int>, _ fields: String...) -> Answer {
    let body = String("0123456789".dropFirst(range.lowerBound).prefix(range.count))
    let place = "Content-Range: bytes \(range.lowerBound)-\(range.upperBound)/10"
    return Answer(status: 206, fields: [place] + fields, body: body)
  }

  /// A request for a range that the origin must be asked for.
  private static func asks(
    _ range: String, _ answer: Answer, _ expectations: Expectation..., fields: [String] = []
  ) -> Exchange {
    Exchange(
      fields: ["Range: bytes=\(range)"] + fields, answers: [answer],
      expectations: [.asked, .status(answer.status)] + expectations)
  }

  /// A request for a range that is answered from the store.
  private static func has(
    _ range: String, _ body: String, _ contentRange: String, fields: [String] = []
  ) -> Exchange {
    Exchange(
      fields: ["Range: bytes=\(range)"] + fields,
      expectations: [
        .notAsked, .status(206), .body(body), .field("Content-Range", "bytes \(contentRange)/10"),
      ])
  }

  private static let stored: [Row] = [
    Row(
      "the range goes on to the origin", "RFC 9110, 14.2",
      asks(
        "2-5", part(2...5, lasting, tagged), .originGot("Range", "bytes=2-5"), .body("2345"),
        .field("Content-Range", "bytes 2-5/10"))),
    Row(
      "a part is served again", "RFC 9111, 3.3",
      asks("2-5", part(2...5, lasting, tagged)), has("2-5", "2345", "2-5")),
    Row(
      "a part of a part is served", "RFC 9111, 3.3",
      asks("2-5", part(2...5, lasting, tagged)), has("3-4", "34", "3-4")),
    Row(
      "the end of a part is served by its suffix", "RFC 9111, 3.3",
      asks("-3", part(7...9, lasting, tagged), .originGot("Range", "bytes=-3")),
      has("-2", "89", "8-9"), has("8-", "89", "8-9")),
    Row(
      "a part that reaches the end serves beyond it", "RFC 9110, 14.1.2",
      asks("5-", part(5...9, lasting, tagged)), has("8-100", "89", "8-9")),
    Row(
      "a part has an Age", "RFC 9111, 5.1",
      asks("2-5", part(2...5, lasting, tagged, "Age: 100")),
      .send("GET", .notAsked, .status(206), .age(100...130), fields: ["Range: bytes=2-5"])),
    Row(
      "a part with the default lifetime is served again", "RFC 9110, 15.3.7",
      asks("2-5", part(2...5, tagged)), has("2-5", "2345", "2-5")),
    Row(
      "If-Range with the part's tag", "RFC 9110, 13.1.5",
      asks("2-5", part(2...5, lasting, tagged)),
      has("2-5", "2345", "2-5", fields: ["If-Range: \"a\""])),
    Row(
      "If-None-Match with the part's tag", "RFC 9110, 13.1.2",
      asks("2-5", part(2...5, lasting, tagged)),
      .send(
        "GET", .notAsked, .status(304), fields: ["Range: bytes=2-5", "If-None-Match: \"a\""])),
    Row(
      "a whole answer to a range is stored whole", "RFC 9110, 14.2",
      .send(
        "GET", .asked, .status(206), .body("23"), fields: ["Range: bytes=2-3"], answers: [digits]),
      .send("GET", .notAsked, .status(200), .body("0123456789"))),
  ]

  private static func forgotten(_ claim: String, _ section: String, _ answer: Answer) -> Row {
    Row(claim, section, asks("2-5", answer), asks("2-5", part(2...5, lasting, tagged)))
  }

  private static let notStored: [Row] = [
    forgotten(
      "a part with no-store is not stored", "RFC 9111, 5.2.2.5",
      part(2...5, "Cache-Control: no-store", tagged)),
    forgotten(
      "a part with private is not stored", "RFC 9111, 5.2.2.7",
      part(2...5, "Cache-Control: private", tagged)),
    forgotten(
      "a stale part is asked for", "RFC 9111, 4.2",
      part(2...5, "Cache-Control: max-age=60", "Age: 100", tagged)),
    forgotten(
      "a part without Content-Range is not stored", "RFC 9110, 14.4",
      Answer(status: 206, fields: [lasting, tagged], body: "2345")),
    forgotten(
      "a part with a Content-Range that ends before it begins is not stored", "RFC 9110, 14.4",
      Answer(
        status: 206, fields: [lasting, tagged, "Content-Range: bytes 5-2/10"], body: "2345")),
    forgotten(
      "a part with a Content-Range beyond the whole is not stored", "RFC 9110, 14.4",
      Answer(
        status: 206, fields: [lasting, tagged, "Content-Range: bytes 2-15/10"], body: "2345")),
    forgotten(
      "a part in another unit is not stored", "RFC 9110, 14.4",
      Answer(status: 206, fields: [lasting, tagged, "Content-Range: items 2-5/10"], body: "2345")),
    Row(
      "a part is not the whole", "RFC 9111, 3.3", asks("2-5", part(2...5, lasting, tagged)),
      .send("GET", .asked, .status(200), .body("0123456789"), answers: [digits])),
    Row(
      "a part shorter than promised is not stored", "RFC 9111, 3.3",
      .send(
        "GET", .asked, .cutShort, fields: ["Range: bytes=2-5"],
        answers: [
          Answer(
            status: 206, fields: [lasting, tagged, "Content-Range: bytes 2-5/10"], body: "23",
            framing: .cutShort(2))
        ]),
      asks("2-5", part(2...5, lasting, tagged), .body("2345"))),
    Row(
      "another range is asked for", "RFC 9111, 3.3", asks("2-5", part(2...5, lasting, tagged)),
      asks("7-8", part(7...8, lasting, tagged), .body("78"))),
    Row(
      "If-Range with another tag is asked for", "RFC 9110, 13.1.5",
      asks("2-5", part(2...5, lasting, tagged)),
      .send(
        "GET", .asked, .status(200), .body("0123456789"),
        fields: ["Range: bytes=2-5", "If-Range: \"b\""], answers: [digits])),
    Row(
      "an unsafe method invalidates parts", "RFC 9111, 4.4",
      asks("2-5", part(2...5, lasting, tagged)), .send("POST", .asked, body: "x", answers: [.ok()]),
      asks("2-5", part(2...5, lasting, tagged))),
    Row(
      "a part of another variant is asked for", "RFC 9111, 4.1",
      asks("2-5", part(2...5, lasting, tagged, "Vary: Foo"), fields: ["Foo: 1"]),
      asks("2-5", part(2...5, lasting, tagged, "Vary: Foo"), fields: ["Foo: 2"])),
    Row(
      "a part for Authorization is not shared", "RFC 9111, 3.5",
      asks("2-5", part(2...5, lasting, tagged), fields: ["Authorization: Basic YTpi"]),
      asks("2-5", part(2...5, lasting, tagged))),
  ]

  private static let ranged = Answer(
    fields: [lasting, tagged], body: "0123456789", isRanged: true)
  private static let complete = Exchange.send("GET", .notAsked, .status(200), .body("0123456789"))

  private static let combined: [Row] = [
    Row(
      "two parts that touch are combined", "RFC 9111, 3.4",
      asks("0-4", part(0...4, lasting, tagged)), asks("5-9", part(5...9, lasting, tagged)),
      has("3-6", "3456", "3-6"), complete),
    Row(
      "two parts that overlap are combined", "RFC 9111, 3.4",
      asks("0-6", part(0...6, lasting, tagged)),
      .send(
        "GET", .asked, .status(206), .body("456789"), .field("Content-Range", "bytes 4-9/10"),
        fields: ["Range: bytes=4-9"], answers: [ranged]),
      complete),
    Row(
      "the missing part between two is fetched", "RFC 9111, 3.4",
      asks("0-2", part(0...2, lasting, tagged)), asks("7-9", part(7...9, lasting, tagged)),
      .send("GET", .asked, .status(200), .body("0123456789"), answers: [ranged]), complete),
    Row(
      "a range beyond what the origin has", "RFC 9110, 15.5.17",
      .send(
        "GET", .asked, .status(416), .field("Content-Range", "bytes */10"),
        fields: ["Range: bytes=20-"], answers: [ranged])),
    Row(
      "a stale part is validated or fetched anew, never served", "RFC 9111, 4",
      asks("2-5", part(2...5, "Cache-Control: max-age=60", "Age: 100", tagged)),
      .send(
        "GET", .asked, .status(206), .body("cdef"), fields: ["Range: bytes=2-5"],
        answers: [
          Answer(fields: [lasting, "ETag: \"b\""], body: "abcdefghij", isRanged: true)
        ])),
    Row(
      "a part that changed ends the older parts", "RFC 9111, 3.4",
      asks("0-4", part(0...4, lasting, tagged)),
      .send(
        "GET", .asked, .body("fghij"), fields: ["Range: bytes=5-9"],
        answers: [
          Answer(fields: [lasting, "ETag: \"b\""], body: "abcdefghij", isRanged: true)
        ]),
      .send(
        "GET", .status(200), .body("abcdefghij"),
        answers: [
          Answer(fields: [lasting, "ETag: \"b\""], body: "abcdefghij", isRanged: true)
        ])),
    Row(
      "the missing part alone is fetched", "RFC 9111, 3.4",
      asks("0-4", part(0...4, lasting, tagged)),
      .send(
        "GET", .asked, .status(200), .body("0123456789"),
        .originGotContaining("Range", "bytes=5-"), .originGot("If-Range", "\"a\""),
        answers: [ranged]),
      complete),
    Row(
      "a whole that changed replaces its part", "RFC 9111, 3.4",
      asks("0-4", part(0...4, lasting, tagged)),
      .send(
        "GET", .asked, .status(200), .body("abcdefghij"),
        answers: [.ok([lasting, "ETag: \"b\""], body: "abcdefghij")]),
      .send("GET", .notAsked, .status(200), .body("abcdefghij"))),
    Row(
      "parts with other tags are not combined", "RFC 9111, 3.4",
      asks("0-4", part(0...4, lasting, tagged)), asks("5-9", part(5...9, lasting, "ETag: \"b\"")),
      .send(
        "GET", .asked, .status(200), .body("abcdefghij"),
        answers: [
          .ok([lasting, "ETag: \"b\""], body: "abcdefghij")
        ])),
    Row(
      "parts with weak tags are not combined", "RFC 9111, 3.4",
      asks("0-4", part(0...4, lasting, "ETag: W/\"a\"")),
      asks("5-9", part(5...9, lasting, "ETag: W/\"a\"")),
      .send("GET", .asked, .status(200), .body("0123456789"), answers: [digits])),
    Row(
      "parts without a validator are not combined", "RFC 9111, 3.4",
      asks("0-4", part(0...4, lasting)), asks("5-9", part(5...9, lasting)),
      .send("GET", .asked, .status(200), .body("0123456789"), answers: [digits])),
    Row(
      "parts of wholes of other lengths are not combined", "RFC 9111, 3.4",
      asks("0-4", part(0...4, lasting, tagged)),
      asks("5-9", Answer.partial("5-9/20", "56789", lasting, tagged)),
      .send(
        "GET", .asked, .status(200), .body("0123456789"), answers: [digits])),
    Row(
      "several ranges from stored parts", "RFC 9110, 14.6",
      asks("0-4", part(0...4, lasting, tagged)),
      .send(
        "GET", .notAsked, .status(206), .bodyContains("Content-Range: bytes 0-0/10\r\n"),
        .bodyContains("Content-Range: bytes 3-4/10\r\n"), fields: ["Range: bytes=0-0, 3-4"])),
  ]

  private static let broken: [Row] = [
    Row(
      "a whole whose missing part fails is not whole", "RFC 9111, 3.3",
      asks("0-4", part(0...4, lasting, tagged)),
      Exchange(answers: [.fails], expectations: [.bodyIsNot("01234")], mayBeCutShort: true),
      .send("GET", .status(200), .body("0123456789"), answers: [ranged])),
    Row(
      "another part than the missing one does not complete", "RFC 9111, 3.4",
      asks("0-4", part(0...4, lasting, tagged)),
      Exchange(
        answers: [part(0...4, lasting, tagged), digits],
        expectations: [.bodyIsNot("0123401234")], mayBeCutShort: true),
      .send("GET", .status(200), .body("0123456789"), answers: [ranged])),
    Row(
      "a missing part with another tag does not complete", "RFC 9111, 3.4",
      asks("0-4", part(0...4, lasting, tagged)),
      Exchange(
        answers: [
          .partial("5-9/10", "fghij", lasting, "ETag: \"b\""),
          .ok([lasting, "ETag: \"b\""], body: "abcdefghij"),
        ], expectations: [.bodyIsNot("01234fghij")], mayBeCutShort: true),
      .send(
        "GET", .status(200), .body("abcdefghij"),
        answers: [.ok([lasting, "ETag: \"b\""], body: "abcdefghij")])),
    Row(
      "a missing part of a whole of another length does not complete", "RFC 9111, 3.4",
      asks("0-4", part(0...4, lasting, tagged)),
      Exchange(
        answers: [.partial("5-9/20", "56789", lasting, tagged), digits],
        expectations: [.bodyIsNot("0123456789xxxxxxxxxx")], mayBeCutShort: true),
      .send("GET", .status(200), .body("0123456789"), answers: [ranged])),
    Row(
      "a chunked part is stored", "RFC 9112, 7.1",
      asks(
        "2-5",
        Answer(
          status: 206, fields: [lasting, tagged, "Content-Range: bytes 2-5/10"], body: "2345",
          framing: .chunked), .body("2345")),
      has("2-5", "2345", "2-5")),
    Row(
      "a part of a whole of unknown length is passed on", "RFC 9110, 14.4",
      asks("2-5", .partial("2-5/*", "2345", lasting, tagged), .body("2345"))),
    Row(
      "HEAD of what is stored in part", "RFC 9110, 9.3.2",
      asks("2-5", part(2...5, lasting, tagged)),
      .send("HEAD", .status(200), .noField("Content-Range"), answers: [digits])),
    Row(
      "only-if-cached for a missing part is 504", "RFC 9111, 5.2.1.7",
      asks("2-5", part(2...5, lasting, tagged)),
      .send(
        "GET", .notAsked, .status(504),
        fields: ["Range: bytes=7-9", "Cache-Control: only-if-cached"])),
    Row(
      "only-if-cached for the whole of a part is 504", "RFC 9111, 5.2.1.7",
      asks("2-5", part(2...5, lasting, tagged)),
      .send("GET", .notAsked, .status(504), fields: ["Cache-Control: only-if-cached"])),
    Row(
      "a range of a stale whole that changed", "RFC 9111, 4.3.3",
      .miss(.ok(["Cache-Control: max-age=60", "Age: 100", tagged], body: "0123456789")),
      .send(
        "GET", .asked, .status(206), .body("cdef"), fields: ["Range: bytes=2-5"],
        answers: [.ok([lasting, "ETag: \"b\""], body: "abcdefghij")])),
    Row(
      "a range of a stale whole that the origin cuts itself", "RFC 9111, 4.3.3",
      .miss(.ok(["Cache-Control: max-age=60", "Age: 100", tagged], body: "0123456789")),
      .send(
        "GET", .asked, .status(206), .body("cdef"), fields: ["Range: bytes=2-5"],
        answers: [
          Answer(fields: [lasting, "ETag: \"b\""], body: "abcdefghij", isRanged: true)
        ]),
      .send(
        "GET", .status(200), .body("abcdefghij"),
        answers: [
          Answer(fields: [lasting, "ETag: \"b\""], body: "abcdefghij", isRanged: true)
        ])),
    Row(
      "a part does not replace a fresh whole", "RFC 9111, 3.4", .miss(digits),
      has("2-5", "2345", "2-5"), complete),
  ]

  /// 200,000 bytes, every ten of them different.
  private static let book = (0..<20_000).map { number in
    String(repeating: "0", count: 10 - "\(number)".count) + "\(number)"
  }.joined()
  private static let pages = Answer(fields: [lasting, tagged], body: book, isRanged: true)

  private static func page(_ first: Int, _ last: Int) -> String {
    String(book.dropFirst(first).prefix(last - first + 1))
  }

  private static func reads(_ first: Int, _ last: Int, asks: Bool) -> Exchange {
    .send(
      "GET", asks ? .asked : .notAsked, .status(206), .body(page(first, last)),
      .field("Content-Range", "bytes \(first)-\(last)/200000"),
      fields: ["Range: bytes=\(first)-\(last)"], answers: [pages])
  }

  private static let large: [Row] = [
    Row(
      "large parts are combined across their seams", "RFC 9111, 3.4",
      reads(0, 99_998, asks: true), reads(99_999, 199_999, asks: true),
      reads(65_000, 140_001, asks: false),
      .send("GET", .notAsked, .status(200), .body(book), answers: [pages])),
    Row(
      "a large whole is completed around its middle", "RFC 9111, 3.4",
      reads(70_001, 130_003, asks: true), reads(70_002, 130_000, asks: false),
      .send("GET", .asked, .status(200), .body(book), answers: [pages]),
      .send("GET", .notAsked, .status(200), .body(book), answers: [pages])),
    Row(
      "a range across a missing middle", "RFC 9111, 3.4", reads(0, 9_999, asks: true),
      reads(190_000, 199_999, asks: true), reads(5_000, 195_000, asks: true),
      .send("GET", .notAsked, .status(200), .body(book), answers: [pages])),
    Row(
      "ranges of a large stored whole", "RFC 9110, 14.2", .miss(pages),
      reads(65_535, 65_536, asks: false), reads(1, 199_998, asks: false)),
  ]

  private static let whole: [Row] = [
    Row(
      "ranges whole fetches the object", "ranges", route: "ranges: whole",
      .send(
        "GET", .asked, .status(206), .body("23"), .originGotNo("Range"),
        fields: ["Range: bytes=2-3"], answers: [digits]),
      complete),
    Row(
      "ranges whole forwards no If-Range", "ranges", route: "ranges: whole",
      .send(
        "GET", .asked, .originGotNo("If-Range"), .originGotNo("Range"),
        fields: ["Range: bytes=2-3", "If-Range: \"a\""], answers: [digits]),
      complete),
  ]
}
