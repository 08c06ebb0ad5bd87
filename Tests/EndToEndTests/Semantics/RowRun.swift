import Foundation
import Testing

/// Runs one row and reports what does not hold, with the exchanges as they happened.
struct RowRun {
  private let row: Row
  private let edge: RowEdge
  private let client: PlainClient
  private var transcript: [String] = []
  private var faults: [String] = []
  private let text: RowText

  static func run(_ row: Row, on started: Result<RowEdge, any Error> = RowEdge.inMemory) throws {
    let edge = try started.get()
    var run = RowRun(row, edge)
    if let refusal = edge.refusal(of: row) {
      run.faults.append("the edge does not take the route's options: \(refusal)")
    } else {
      for index in row.exchanges.indices { try run.perform(index) }
    }
    guard !run.faults.isEmpty else { return }
    let store = edge.padding.isEmpty ? "" : " (on disk)"
    let route = row.route.isEmpty ? "" : "\nROUTE \(row.route)"
    Issue.record(
      """
      ROW \(row.claim)
      SECTION \(row.section)
      PATH \(row.path)\(store)\(route)
      FAULTS
      \(run.faults.map { "- \($0)" }.joined(separator: "\n"))
      EXCHANGES
      \(run.transcript.joined(separator: "\n"))
      END
      """)
  }

  private init(_ row: Row, _ edge: RowEdge) {
    self.row = row
    self.edge = edge
    client = PlainClient(port: edge.port)
    text = RowText(path: row.path, host: edge.host(of: row), padding: edge.padding)
  }

  private mutating func perform(_ index: Int) throws {
    let exchange = row.exchanges[index]
    let deadline = Date().addingTimeInterval(10)
    while true {
      let (lines, found) = try attempt(exchange)
      if found.isEmpty || !exchange.isRepeated || Date() > deadline {
        transcript += ["\(index + 1).", lines].map { $0 }
        faults += found.map { "exchange \(index + 1): \($0)" }
        return
      }
      usleep(10_000)
    }
  }

  private func attempt(_ exchange: Exchange) throws -> (transcript: String, faults: [String]) {
    edge.origin.begin(row.path, text: text, answers: exchange.answers)
    let request = request(of: exchange)
    let answer = try client.send(request, method: exchange.method)
    let seen = edge.origin.seen(row.path)
    let observed = Observed(answer: answer, requests: seen.requests)
    var lines = ["client sent:", Self.indented(request)]
    for (request, answered) in zip(seen.requests, seen.answered) {
      lines += ["origin got:", Self.indented(request.head.text + "\n" + request.body)]
      lines += ["origin answered:", Self.indented(answered)]
    }
    if seen.requests.isEmpty { lines.append("origin was not asked") }
    for interim in answer.interim { lines += ["client got:", Self.indented(interim.text)] }
    lines += [
      "client got\(answer.isWhole ? "" : " (cut short)"):",
      Self.indented(answer.head.text + "\n\n" + answer.body.prefix(500)),
    ]
    let expectations = exchange.expectations
    var faults = expectations.compactMap { observed.fault($0, text) }
    let mayBeCut =
      exchange.mayBeCutShort
      || expectations.contains { if case .cutShort = $0 { true } else { false } }
    if !mayBeCut, !answer.isWhole { faults.append("the answer was cut short") }
    if answer.isWhole { faults += AnswerRules.faults(of: answer) }
    return (lines.joined(separator: "\n"), faults)
  }

  private func request(of exchange: Exchange) -> String {
    if let raw = exchange.raw { return text.fill(raw) }
    let target = text.fill(exchange.target ?? row.path + exchange.path)
    var lines = ["\(exchange.method) \(target) \(exchange.version)"]
    if !exchange.fields.contains(where: { $0.lowercased().hasPrefix("host:") }) {
      lines.append("Host: \(text.host)")
    }
    lines += exchange.fields.map { text.fill($0) }
    let isFramed = exchange.fields.contains {
      let name = $0.lowercased()
      return name.hasPrefix("content-length:") || name.hasPrefix("transfer-encoding:")
    }
    if let body = exchange.body, !isFramed {
      lines.append("Content-Length: \(text.fill(body).utf8.count)")
    }
    return lines.joined(separator: "\r\n") + "\r\n\r\n" + text.fill(exchange.body ?? "")
  }

  private static func indented(_ text: String) -> String {
    let lines = text.replacingOccurrences(of: "\r\n", with: "\n").split(
      separator: "\n", omittingEmptySubsequences: true)
    return lines.map { "    \($0)" }.joined(separator: "\n")
  }
}

/// What was seen of an exchange, to hold against an expectation.
private struct Observed {
  let answer: HTTPAnswer
  let requests: [RowOrigin.Request]

  /// What is wrong; nil when the expectation holds.
  func fault(_ expectation: Expectation, _ text: RowText) -> String? {
    switch expectation {
    case .asked: requests.isEmpty ? "the origin should have been asked" : nil
    case .notAsked: requests.isEmpty ? nil : "the origin should not have been asked"
    case .askedTimes(let count):
      same("times the origin was asked", "\(requests.count)", "\(count)")
    case .status(let status): same("status", "\(answer.status)", "\(status)")
    case .body(let body): same("body", answer.body, text.content(body))
    case .bodyContains(let part): contains("body", answer.body, text.fill(part))
    case .bodyIsNot(let body): answer.body == text.content(body) ? "body: got \"\(body)\"" : nil
    case .bodyBytesAtMost(let limit):
      answer.body.utf8.count <= limit ? nil : "\(answer.body.utf8.count) bytes, over \(limit)"
    case .failed: answer.status >= 500 ? nil : "status: got \(answer.status), expected an error"
    case .field(let name, let value): same(name, answer.head.value(name), text.fill(value))
    case .fieldContains(let name, let part):
      contains(name, answer.head.value(name), text.fill(part))
    case .noField(let name): same(name, answer.head.value(name), nil)
    case .age(let range): ageFault(range)
    case .noAge: same("Age", answer.head.value("Age"), nil)
    case .interim(let statuses):
      same(
        "interim responses", "\(answer.interim.map { $0.startLine.split(separator: " ")[1] })",
        "\(statuses.map { Substring("\($0)") })")
    case .cutShort: answer.isWhole ? "the answer should have been cut short" : nil
    case .cacheStatus(let name, let value): parameter("Cache-Status", name, value.map(text.fill))
    case .proxyStatus(let name, let value): parameter("Proxy-Status", name, value.map(text.fill))
    case .proxyError:
      parameter("Proxy-Status", "error") == nil ? "no error in Proxy-Status" : nil
    case .ttl(let range):
      parameter("Cache-Status", "ttl").flatMap { Int($0) }.map { range.contains($0) } == true
        ? nil
        : "Cache-Status ttl: got \(parameter("Cache-Status", "ttl") ?? "none"), expected \(range)"
    default: originFault(expectation, text)
    }
  }

  private func originFault(_ expectation: Expectation, _ text: RowText) -> String? {
    guard let request = requests.last else { return "the origin was not asked" }
    switch expectation {
    case .originMethod(let method): return same("method at the origin", request.method, method)
    case .originTarget(let target):
      return same("target at the origin", request.target, text.fill(target))
    case .originBody(let body): return same("content at the origin", request.body, body)
    case .originGot(let name, let value):
      return same("\(name) at the origin", request.head.value(name), text.fill(value))
    case .originGotContaining(let name, let part):
      return contains("\(name) at the origin", request.head.value(name), text.fill(part))
    case .originGotNo(let name):
      return same("\(name) at the origin", request.head.value(name), nil)
    case .originGotWithout(let name, let part):
      return request.head.value(name)?.contains(part) == true
        ? "\(name) at the origin holds \"\(part)\"" : nil
    default: return "unknown expectation"
    }
  }

  private func ageFault(_ range: ClosedRange<Int>) -> String? {
    guard let age = answer.head.value("Age").flatMap({ Int($0) }), range.contains(age) else {
      return "Age: got \(answer.head.value("Age") ?? "none"), expected \(range)"
    }
    return nil
  }

  private func parameter(_ field: String, _ name: String, _ value: String?) -> String? {
    same("\(field) \(name)", parameter(field, name), value)
  }

  /// A parameter of the last entry, which is the edge's own.
  private func parameter(_ field: String, _ name: String) -> String? {
    let members = (try? StructuredFieldText.list(answer.head.value(field) ?? "")) ?? []
    return members.last?.parameter(name)?.text
  }

  private func same(_ what: String, _ got: String?, _ expected: String?) -> String? {
    got == expected ? nil : "\(what): got \(quoted(got)), expected \(quoted(expected))"
  }

  private func contains(_ what: String, _ got: String?, _ part: String) -> String? {
    got?.contains(part) == true
      ? nil : "\(what): got \(quoted(got)), expected to contain \(quoted(part))"
  }

  private func quoted(_ text: String?) -> String { text.map { "\"\($0.prefix(200))\"" } ?? "none" }
}
