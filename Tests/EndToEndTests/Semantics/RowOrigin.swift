import Foundation
import Synchronization

/// The one origin behind all rows: answers each request as the row of its path says.
final class RowOrigin: Sendable {
  /// A request that the origin got.
  struct Request: Sendable {
    let head: HeadText
    let body: String
    var method: String { String(head.startLine.prefix { $0 != " " }) }
    var isConditional: Bool {
      head.value("If-None-Match") != nil || head.value("If-Modified-Since") != nil
    }
    var target: String {
      let parts = head.startLine.split(separator: " ", omittingEmptySubsequences: false)
      return parts.count > 1 ? String(parts[1]) : ""
    }
  }

  private struct RowState: Sendable {
    var answers: [Answer]
    var text: RowText
    /// Requests since the exchange began, and what was answered.
    var requests: [Request] = []
    var answered: [String] = []
  }

  private let listener: Listener
  private let rows = Mutex<[String: RowState]>([:])
  var port: Int { listener.port }

  init() throws {
    let listener = try Listener()
    self.listener = listener
    Thread.detachNewThread { [self] in
      while let connection = listener.accept() {
        Thread.detachNewThread { self.serve(connection) }
      }
    }
  }

  /// Begins an exchange of the row with this path: from now on these are the answers.
  func begin(_ path: String, text: RowText, answers: [Answer]) {
    rows.withLock { rows in
      var text = text
      text.number = rows[path]?.text.number ?? 0
      rows[path] = RowState(answers: answers, text: text)
    }
  }

  /// What the origin got since the exchange of this row began, and what it answered.
  func seen(_ path: String) -> (requests: [Request], answered: [String]) {
    rows.withLock { ($0[path]?.requests ?? [], $0[path]?.answered ?? []) }
  }

  private func serve(_ connection: RawSocket) {
    let reader = HTTPTextReader(connection)
    while let head = reader.head() {
      var body: [UInt8] = []
      if head.value("Transfer-Encoding") != nil {
        body = reader.chunkedContent().content
      } else if let count = head.value("Content-Length").flatMap({ Int($0) }) {
        body = reader.content(count)
      }
      let request = Request(head: head, body: String(decoding: body, as: UTF8.self))
      guard let (answer, text) = take(request) else {
        connection.send("HTTP/1.1 500 No Such Row\r\nContent-Length: 0\r\n\r\n")
        continue
      }
      guard !answer.isFailure else { return }
      if answer.hangs {
        _ = reader.head()
        return
      }
      if let raw = answer.raw { return connection.send(text.fill(raw)) }
      connection.send(bytes(of: answer, text, isHead: request.method == "HEAD"))
      switch answer.framing {
      case .untilClose, .cutShort, .chunkedCutShort: return
      case .length, .chunked, .none: break
      }
    }
  }

  /// Notes the request and picks its answer; nil when its path is no row's.
  private func take(_ request: Request) -> (Answer, RowText)? {
    rows.withLock { rows in
      let path = Self.rowPath(of: request.target)
      guard var row = rows[path] else { return nil }
      var answer = row.answers[min(row.requests.count, row.answers.count - 1)]
      if answer.isRanged { answer = answer.cut(for: request.head) }
      if answer.status == 304, !answer.isUnconditional, !request.isConditional {
        answer.status = 200
        answer.body = "b{n}"
        answer.framing = .length
      }
      row.text.number += 1
      row.requests.append(request)
      row.answered.append(
        answer.isFailure || answer.hangs
          ? "(no answer)"
          : answer.raw ?? "\(answer.status) \(answer.fields.map { row.text.fill($0) })")
      rows[path] = row
      return (answer, row.text)
    }
  }

  /// The first two segments of the target's path.
  private static func rowPath(of target: String) -> String {
    var path = Substring(target)
    if let scheme = path.range(of: "://") {
      path = path[scheme.upperBound...].drop { $0 != "/" }
    }
    let segments = path.prefix { $0 != "?" }.split(separator: "/").prefix(2)
    return "/" + segments.joined(separator: "/")
  }

  private func bytes(of answer: Answer, _ text: RowText, isHead: Bool) -> String {
    var result = ""
    for interim in answer.interim {
      result += "HTTP/1.1 " + interim.map { text.fill($0) }.joined(separator: "\r\n") + "\r\n\r\n"
    }
    let hasContent = answer.status != 204 && answer.status != 304
    let body = hasContent ? text.content(answer.body) : ""
    let count = body.utf8.count
    result += "HTTP/1.1 \(answer.status) Status\r\n"
    for field in answer.fields { result += text.fill(field) + "\r\n" }
    let hasDate = answer.fields.contains { $0.lowercased().hasPrefix("date:") }
    if answer.sendsDate, !hasDate { result += text.fill("Date: {now}\r\n") }
    switch answer.framing {
    case .length where hasContent: result += "Content-Length: \(count)\r\n"
    case .cutShort(let missing): result += "Content-Length: \(count + missing)\r\n"
    case .chunked, .chunkedCutShort: result += "Transfer-Encoding: chunked\r\n"
    case .untilClose: result += "Connection: close\r\n"
    case .length, .none: break
    }
    result += "\r\n"
    if isHead { return result }
    switch answer.framing {
    case .chunked:
      result += "\(String(count, radix: 16))\r\n\(body)\r\n0\r\n"
      for trailer in answer.trailers { result += text.fill(trailer) + "\r\n" }
      result += "\r\n"
    case .chunkedCutShort: result += "\(String(count, radix: 16))\r\n\(body)\r\n"
    default: result += body
    }
    return result
  }
}

extension Answer {
  /// What a request with a single range gets of this whole answer.
  fileprivate func cut(for request: HeadText) -> Answer {
    guard let range = request.value("Range"), range.hasPrefix("bytes="), !range.contains(",") else {
      return self
    }
    let tag = HeadText("\r\n" + fields.joined(separator: "\r\n")).value("ETag")
    if let condition = request.value("If-Range"), condition != tag { return self }
    let count = body.utf8.count
    let ends = range.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count == 2 else { return self }
    var first = Int(ends[0]) ?? 0
    var last = min(Int(ends[1]) ?? count - 1, count - 1)
    if ends[0].isEmpty {
      first = max(0, count - (Int(ends[1]) ?? 0))
      last = count - 1
    }
    var answer = self
    guard first <= last else {
      answer.status = 416
      answer.fields = ["Content-Range: bytes */\(count)"]
      answer.body = ""
      return answer
    }
    answer.status = 206
    answer.fields.append("Content-Range: bytes \(first)-\(last)/\(count)")
    answer.body = String(body.dropFirst(first).prefix(last - first + 1))
    return answer
  }
}
