import Testing

/// One claim about HTTP caching: a few exchanges through the edge, and what must come of them.
///
/// In the fields and bodies of requests and answers, these stand for values of the run:
/// `{now+60}` a date that many seconds from now, `{850-60}` and `{asctime-60}` likewise in the
/// obsolete forms, `{path}` the row's own path, `{host}` its Host, `{other}` another host,
/// `{n}` how often the origin has been asked in this row, `{length}` the bytes of an answer's usual
/// content.
struct Row: Sendable, CustomTestStringConvertible {
  let claim: String
  let section: String
  /// Options of the row's route, each line as it stands under the route in edge.conf.
  let route: String
  let exchanges: [Exchange]
  /// Given by ``numbered(_:_:)``: unique among all rows.
  private(set) var path = ""

  init(_ claim: String, _ section: String, route: String = "", _ exchanges: Exchange...) {
    self.init(claim, section, route: route, exchanges)
  }

  init(_ claim: String, _ section: String, route: String = "", _ exchanges: [Exchange]) {
    self.claim = claim
    self.section = section
    self.route = route
    self.exchanges = exchanges
  }

  var testDescription: String { "\(claim) (\(section))" }

  /// The rows of a topic, each with a path of its own.
  static func numbered(_ topic: String, _ rows: [Row]...) -> [Row] {
    rows.joined().enumerated().map { index, row in
      var row = row
      row.path = "/\(topic)/\(index)"
      return row
    }
  }
}

/// How an origin answers.
struct Answer: Sendable {
  enum Framing: Sendable {
    case length, chunked
    /// The end of the connection ends the content.
    case untilClose
    /// Content-Length promises this many bytes more than come.
    case cutShort(Int)
    /// Chunked, without its last chunk.
    case chunkedCutShort
    /// No content and no field that frames one.
    case none
  }

  var status = 200
  var fields: [String] = []
  /// `b{n}` unless said otherwise: b1 is the first answer of a row, b2 the second.
  var body = "b{n}"
  var framing = Framing.length
  /// Heads of interim responses that go before: `103` and fields.
  var interim: [[String]] = []
  var trailers: [String] = []
  /// In place of all the rest: what is sent, byte for byte; the connection ends after it.
  var raw: String?
  /// The connection ends without an answer.
  var isFailure = false
  /// Nothing comes until the edge ends the connection.
  var hangs = false
  /// A 304 is sent even to a request without a condition, to which it is a 200 otherwise.
  var isUnconditional = false
  /// A single range of the body that the request asks for is answered with 206.
  var isRanged = false
  /// Sends the origin's Date unless the fields have one.
  var sendsDate = true

  static func ok(_ fields: String...) -> Answer { Answer(fields: fields) }
  static func ok(_ fields: [String], body: String, framing: Framing = .length) -> Answer {
    Answer(fields: fields, body: body, framing: framing)
  }
  static func status(_ status: Int, _ fields: String...) -> Answer {
    Answer(status: status, fields: fields)
  }
  static func status(_ status: Int, _ fields: [String], body: String) -> Answer {
    Answer(status: status, fields: fields, body: body)
  }
  static func notModified(_ fields: String...) -> Answer {
    Answer(status: 304, fields: fields, body: "", framing: .none)
  }
  /// A 304 whatever the request says.
  static func blindlyNotModified(_ fields: String...) -> Answer {
    Answer(status: 304, fields: fields, body: "", framing: .none, isUnconditional: true)
  }
  static func partial(_ range: String, _ body: String, _ fields: String...) -> Answer {
    Answer(status: 206, fields: ["Content-Range: bytes \(range)"] + fields, body: body)
  }
  static let fails = Answer(isFailure: true)
  /// No answer while the edge waits.
  static let hangs = Answer(hangs: true)
}

/// What must be seen of an exchange.
enum Expectation: Sendable {
  /// The origin was asked, at least once.
  case asked
  case askedTimes(Int)
  case notAsked
  case status(Int)
  case body(String)
  case bodyContains(String)
  case bodyIsNot(String)
  case bodyBytesAtMost(Int)
  /// An error of the edge's own: a status of 500 or above.
  case failed
  /// The client got the field with this value, lines joined.
  case field(String, String)
  case fieldContains(String, String)
  case noField(String)
  /// The client's Age lies within this range.
  case age(ClosedRange<Int>)
  case noAge
  /// The client got interim responses of these statuses.
  case interim([Int])
  /// The content ended before what its framing promised, or nothing came.
  case cutShort
  /// A parameter of the edge's entry in Cache-Status; nil: it is not there.
  case cacheStatus(String, String?)
  /// A parameter of the edge's entry in Proxy-Status.
  case proxyStatus(String, String?)
  /// Proxy-Status names an error.
  case proxyError
  /// The ttl that Cache-Status tells lies within this range.
  case ttl(ClosedRange<Int>)
  /// The last request that the origin got in this exchange.
  case originMethod(String)
  case originTarget(String)
  case originBody(String)
  case originGot(String, String)
  case originGotContaining(String, String)
  case originGotNo(String)
  /// The field may be there, but not with this in it.
  case originGotWithout(String, String)
}

/// A request of a client, how the origin would answer it, and what must be seen.
struct Exchange: Sendable {
  var method = "GET"
  /// Appended to the row's path.
  var path = ""
  /// The whole request target, in place of the path.
  var target: String?
  /// In place of the whole request.
  var raw: String?
  var fields: [String] = []
  var body: String?
  var version = "HTTP/1.1"
  /// One for each time the origin is asked; the last one goes on.
  var answers: [Answer] = [.ok("Cache-Control: max-age=3600")]
  var expectations: [Expectation] = []
  /// The answer need not be whole.
  var mayBeCutShort = false
  /// Sent again until the expectations hold, for what happens in the background.
  var isRepeated = false

  /// Any request.
  static func send(
    _ method: String, _ expectations: Expectation..., path: String = "", target: String? = nil,
    fields: [String] = [], body: String? = nil, version: String = "HTTP/1.1",
    answers: [Answer] = [.ok("Cache-Control: max-age=3600")]
  ) -> Exchange {
    Exchange(
      method: method, path: path, target: target, fields: fields, body: body, version: version,
      answers: answers, expectations: expectations)
  }

  /// A GET that the origin answers with 200 and these fields.
  static func fill(_ fields: String...) -> Exchange {
    Exchange(answers: [Answer(fields: fields)], expectations: [.asked, .status(200)])
  }

  /// A GET that the origin must answer.
  static func miss(
    _ answer: Answer = .ok("Cache-Control: max-age=3600"), _ expectations: Expectation...,
    path: String = "", fields: [String] = []
  ) -> Exchange {
    Exchange(
      path: path, fields: fields, answers: [answer],
      expectations: [.asked, .status(answer.status)] + expectations)
  }

  /// A GET that is answered from the store with the origin's answer of this number.
  static func hit(
    _ expectations: Expectation..., path: String = "", fields: [String] = [], of number: Int = 1
  ) -> Exchange {
    Exchange(
      path: path, fields: fields,
      expectations: [.notAsked, .status(200), .body("b\(number)")] + expectations)
  }

  /// A GET answered with an old answer of the origin, whether or not the origin is asked beside.
  static func stale(
    _ answer: Answer = .ok("Cache-Control: max-age=3600"), _ expectations: Expectation...,
    path: String = "", fields: [String] = [], of number: Int = 1
  ) -> Exchange {
    Exchange(
      path: path, fields: fields, answers: [answer],
      expectations: [.status(200), .body("b\(number)")] + expectations)
  }

  /// The same, whether or not the answer comes whole.
  var orCutShort: Exchange {
    var exchange = self
    exchange.mayBeCutShort = true
    return exchange
  }

  /// The same, sent until what is expected of it holds.
  var repeated: Exchange {
    var exchange = self
    exchange.isRepeated = true
    return exchange
  }
}

extension Row {
  /// An answer with these fields is served again without asking the origin. The route adds no
  /// lifetime of its own.
  static func reused(
    _ claim: String, _ section: String, status: Int = 200, _ fields: String...
  ) -> Row {
    Row(
      claim, section, route: "ttl: { default: 0 }",
      [
        .miss(Answer(status: status, fields: fields)),
        .send("GET", .notAsked, .status(status), .body("b1"), answers: [.ok()]),
      ])
  }

  /// An answer with these fields is not served again unasked, although the route's default
  /// lifetime is a day.
  static func notReused(
    _ claim: String, _ section: String, status: Int = 200, route: String = "", _ fields: String...
  ) -> Row {
    Row(
      claim, section, route: route,
      [
        .miss(Answer(status: status, fields: fields)),
        .miss(.ok("Cache-Control: max-age=60"), .body("b2")),
      ])
  }

  /// An answer with these fields leaves nothing behind that could be validated.
  static func notStored(
    _ claim: String, _ section: String, status: Int = 200, route: String = "",
    request: [String] = [], _ fields: String...
  ) -> Row {
    let fields = fields + ["ETag: \"v\"", "Last-Modified: {now-9000}"]
    return Row(
      claim, section, route: route,
      [
        .miss(Answer(status: status, fields: fields), fields: request),
        .miss(
          .ok("Cache-Control: max-age=60"), .body("b2"), .originGotNo("If-None-Match"),
          .originGotNo("If-Modified-Since")),
      ])
  }
}
