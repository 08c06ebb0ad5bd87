import Foundation

/// The head of a message as it stands on the wire: a start line and field lines in their order.
struct HeadText: Sendable {
  let startLine: String
  let fields: [(name: String, value: String)]

  /// Takes the text up to and without the empty line.
  init(_ text: String) {
    let lines = text.components(separatedBy: "\r\n")
    startLine = lines.first ?? ""
    fields = lines.dropFirst().filter { !$0.isEmpty }.map { line in
      let colon = line.firstIndex(of: ":") ?? line.endIndex
      return (
        String(line[..<colon]),
        line[colon...].dropFirst().trimmingCharacters(in: .whitespaces)
      )
    }
  }

  /// The values of all lines called `name`, in their order.
  func values(_ name: String) -> [String] {
    fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
  }

  /// The field's value with its lines joined; nil when there is none.
  func value(_ name: String) -> String? {
    let values = values(name)
    return values.isEmpty ? nil : values.joined(separator: ", ")
  }

  /// Start line and fields, one a line.
  var text: String {
    ([startLine] + fields.map { "\($0.name): \($0.value)" }).joined(separator: "\n")
  }
}

/// Takes HTTP/1.1 messages apart as they come from a socket, byte for byte and without judging.
final class HTTPTextReader {
  private let socket: RawSocket
  private var buffer: [UInt8] = []

  init(_ socket: RawSocket) { self.socket = socket }

  /// The next head; nil when the connection ends before its empty line.
  func head() -> HeadText? {
    let mark = Array("\r\n\r\n".utf8)
    while true {
      if let end = buffer.firstRange(of: mark) {
        let head = HeadText(String(decoding: buffer[..<end.lowerBound], as: UTF8.self))
        buffer.removeSubrange(..<end.upperBound)
        return head
      }
      if !more() { return nil }
    }
  }

  /// The next `count` bytes, or fewer when the connection ends before.
  func content(_ count: Int) -> [UInt8] {
    while buffer.count < count, more() {}
    let content = Array(buffer.prefix(count))
    buffer.removeFirst(content.count)
    return content
  }

  /// Everything to the end of the connection.
  func contentToTheEnd() -> [UInt8] {
    while more() {}
    defer { buffer = [] }
    return buffer
  }

  /// A chunked content; `isWhole` tells whether its last chunk and trailer section came.
  func chunkedContent() -> (content: [UInt8], trailers: HeadText?, isWhole: Bool) {
    var content: [UInt8] = []
    while let line = line() {
      let size = line.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces)
      guard let count = Int(size, radix: 16) else { return (content, nil, false) }
      if count == 0 { return (content, trailers(), true) }
      let chunk = self.content(count)
      content += chunk
      guard chunk.count == count, self.line() == "" else { return (content, nil, false) }
    }
    return (content, nil, false)
  }

  private func trailers() -> HeadText? {
    var lines: [String] = []
    while let line = line(), !line.isEmpty { lines.append(line) }
    return HeadText((["trailers"] + lines).joined(separator: "\r\n"))
  }

  private func line() -> String? {
    while true {
      if let end = buffer.firstRange(of: [13, 10]) {
        let line = String(decoding: buffer[..<end.lowerBound], as: UTF8.self)
        buffer.removeSubrange(..<end.upperBound)
        return line
      }
      if !more() { return nil }
    }
  }

  private func more() -> Bool {
    let bytes = socket.receive()
    buffer += bytes
    return !bytes.isEmpty
  }
}

/// What a client got.
struct HTTPAnswer: Sendable {
  var interim: [HeadText] = []
  var head = HeadText("")
  var body = ""
  var trailers: HeadText?
  /// Whether the content came as far as its framing promised.
  var isWhole = false

  var status: Int { Int(head.startLine.split(separator: " ").dropFirst().first ?? "") ?? 0 }
}

/// A keep-alive connection of a client that sends what it is told, right or wrong.
final class PlainClient {
  private let port: Int
  private var socket: RawSocket?
  private var reader: HTTPTextReader?

  init(port: Int) { self.port = port }

  /// Sends a request and reads its answer; an empty answer when the connection ended first.
  func send(_ request: String, method: String) throws -> HTTPAnswer {
    let (socket, reader) = try connected()
    socket.send(request)
    let answer = read(from: reader, method: method)
    let isClosed = answer.head.value("Connection")?.lowercased().contains("close") == true
    if isClosed || !answer.isWhole || answer.head.startLine.hasPrefix("HTTP/1.0") { close() }
    return answer
  }

  func close() {
    socket = nil
    reader = nil
  }

  private func connected() throws -> (RawSocket, HTTPTextReader) {
    if let socket, let reader { return (socket, reader) }
    let socket = try RawSocket(port: port)
    let reader = HTTPTextReader(socket)
    self.socket = socket
    self.reader = reader
    return (socket, reader)
  }

  private func read(from reader: HTTPTextReader, method: String) -> HTTPAnswer {
    var answer = HTTPAnswer()
    while true {
      guard let head = reader.head() else { return answer }
      answer.head = head
      guard (100..<200).contains(answer.status), answer.status != 101 else { break }
      answer.interim.append(head)
    }
    if method == "HEAD" || answer.status == 204 || answer.status == 304 {
      answer.isWhole = true
      return answer
    }
    let content: [UInt8]
    if answer.head.value("Transfer-Encoding") != nil {
      (content, answer.trailers, answer.isWhole) = reader.chunkedContent()
    } else if let count = answer.head.value("Content-Length").flatMap({ Int($0) }) {
      content = reader.content(count)
      answer.isWhole = content.count == count
    } else {
      content = reader.contentToTheEnd()
      answer.isWhole = true
    }
    answer.body = String(decoding: content, as: UTF8.self)
    return answer
  }
}
