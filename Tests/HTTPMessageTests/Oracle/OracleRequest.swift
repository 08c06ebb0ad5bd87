/// What the oracle reads in a request head.
struct OracleRequest: Equatable {
  enum Framing: Equatable { case none, length(Int), chunked }

  var method = Bytes()
  var target = Bytes()
  var authority = Bytes()
  var isHTTP10 = false
  var fields: [[Bytes]] = []
  var framing = Framing.none
  var keepsAlive = true
  var expectsContinue = false
  /// Bytes of the head, empty lines before it and its closing line included.
  var count = 0
}

/// What the oracle says of some bytes.
enum OracleVerdict: Equatable {
  case request(OracleRequest)
  /// Not a request; a strict server answers with one of these statuses, whichever fault it finds
  /// first.
  case refused(Set<Int>)
  /// The head's end has not come.
  case incomplete
}

/// Limits that a request is held to besides the grammar.
struct OracleLimits {
  var headBytes = 32 << 10
  var targetBytes = 8 << 10
  var fieldCount = 100
}

/// Reads a request head as RFC 9112 sections 2 to 6 write it, in the strictest reading: every rule
/// is looked at on its own, and each that is broken adds the status that answers it.
struct OracleRequestReader {
  private var faults: Set<Int> = []
  private var request = OracleRequest()

  static func read(_ bytes: Bytes, limits: OracleLimits = OracleLimits()) -> OracleVerdict {
    var start = 0
    // Section 2.2: an empty line before a request is ignored; two of them here.
    while start < 4, bytes.count >= start + 2, bytes[start] == 0x0D, bytes[start + 1] == 0x0A {
      start += 2
    }
    if start == 4, bytes.count >= 6, bytes[4] == 0x0D, bytes[5] == 0x0A { return .refused([400]) }
    var lines: [Bytes] = []
    var place = start
    while let end = OracleGrammar.lineEnd(bytes, from: place) {
      let line = Bytes(bytes[place..<end])
      place = end + 2
      if line.isEmpty { break }
      lines.append(line)
    }
    let isComplete = place >= 2 && !lines.isEmpty && bytes[..<place].suffix(4) == [13, 10, 13, 10]
    let size = isComplete ? place : bytes.count
    guard size <= limits.headBytes, isComplete else {
      return size < limits.headBytes ? .incomplete : .refused(Set([400, 414, 417, 431, 501, 505]))
    }
    var reader = OracleRequestReader()
    reader.request.count = place
    reader.readRequestLine(lines[0], limits)
    for line in lines.dropFirst() { reader.readField(line) }
    if lines.count - 1 > limits.fieldCount { reader.faults.insert(431) }
    reader.readHost()
    reader.readFraming()
    reader.readConnection()
    return reader.faults.isEmpty ? .request(reader.request) : .refused(reader.faults)
  }

  /// `request-line = method SP request-target SP HTTP-version` (section 3).
  private mutating func readRequestLine(_ line: Bytes, _ limits: OracleLimits) {
    let parts = OracleGrammar.pieces(line, 0x20)
    guard parts.count == 3 else {
      // However many pieces, any of them may be what a server stumbles over.
      faults.formUnion([400, 414, 505])
      return
    }
    request.method = parts[0]
    request.target = parts[1]
    if !OracleGrammar.isToken(parts[0]) { faults.insert(400) }
    let isVisible = parts[1].allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }
    if parts[1].isEmpty || !isVisible { faults.insert(400) }
    if parts[1].count > limits.targetBytes { faults.insert(414) }
    readVersion(parts[2])
    if parts[0] == Bytes("CONNECT".utf8) { faults.insert(501) }
    readTarget()
  }

  /// `HTTP-version = "HTTP/" DIGIT "." DIGIT` (section 2.3).
  private mutating func readVersion(_ text: Bytes) {
    guard text.count == 8, text.starts(with: "HTTP/".utf8), text[6] == UInt8(ascii: "."),
      OracleGrammar.digits.contains(text[5]), OracleGrammar.digits.contains(text[7])
    else {
      faults.insert(400)
      return
    }
    if text[5] != UInt8(ascii: "1") { faults.insert(505) }
    request.isHTTP10 = text[7] == UInt8(ascii: "0")
  }

  /// Section 3.2: origin-form, absolute-form (from which the origin-form is made), asterisk-form.
  private mutating func readTarget() {
    let target = request.target
    if target.first == UInt8(ascii: "/") { return }
    if target == [UInt8(ascii: "*")] {
      if request.method != Bytes("OPTIONS".utf8) { faults.insert(400) }
      return
    }
    let lower = OracleGrammar.lowercased(target)
    let scheme = ["http://", "https://"].first { lower.starts(with: $0.utf8) }
    guard let scheme else {
      faults.insert(400)
      return
    }
    let rest = Bytes(target.dropFirst(scheme.utf8.count))
    let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.count
    request.authority = Bytes(rest[..<end])
    if !OracleGrammar.isHost(request.authority) { faults.insert(400) }
    let pathAndQuery = Bytes(rest[end...])
    if pathAndQuery.isEmpty {
      request.target = Bytes((request.method == Bytes("OPTIONS".utf8) ? "*" : "/").utf8)
    } else {
      request.target = (pathAndQuery[0] == UInt8(ascii: "?") ? [0x2F] : []) + pathAndQuery
    }
  }

  /// `field-line = field-name ":" OWS field-value OWS` (section 5).
  private mutating func readField(_ line: Bytes) {
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
      faults.insert(400)
      return
    }
    let name = Bytes(line[..<colon])
    let value = OracleGrammar.withoutBlanks(Bytes(line[(colon + 1)...]))
    if !OracleGrammar.isToken(name) || name.count > 65535 { faults.insert(400) }
    if !OracleGrammar.isFieldValue(value) { faults.insert(400) }
    request.fields.append([name, value])
  }

  private func values(_ name: String) -> [Bytes] {
    request.fields.filter { OracleGrammar.isText($0[0], name) }.map { $0[1] }
  }

  /// Section 3.2: one Host and no other, which an absolute target does not contradict.
  private mutating func readHost() {
    let hosts = values("host")
    if hosts.isEmpty, !request.isHTTP10 { faults.insert(400) }
    if hosts.count > 1 { faults.insert(400) }
    guard let host = hosts.first else { return }
    if !OracleGrammar.isHost(host) { faults.insert(400) }
    if request.authority.isEmpty {
      request.authority = host
    } else if OracleGrammar.lowercased(request.authority) != OracleGrammar.lowercased(host) {
      faults.insert(400)
    }
  }

  /// Section 6: at most one Content-Length of digits, or Transfer-Encoding that is `chunked`.
  private mutating func readFraming() {
    let lengths = values("content-length")
    let codings = values("transfer-encoding").flatMap {
      OracleGrammar.pieces($0, UInt8(ascii: ",")).map { OracleGrammar.withoutBlanks($0) }
    }
    let hasCoding = !values("transfer-encoding").isEmpty
    for length in lengths {
      guard let count = OracleGrammar.number(length) else {
        faults.insert(400)
        continue
      }
      request.framing = .length(count)
    }
    if lengths.count > 1 || (hasCoding && !lengths.isEmpty) { faults.insert(400) }
    if hasCoding {
      request.framing = .chunked
      if request.isHTTP10 { faults.insert(400) }
      let isChunked = codings.map { OracleGrammar.isText($0, "chunked") }
      if codings.contains([]) || isChunked.last != true || isChunked.count(where: { $0 }) != 1 {
        faults.insert(400)
      } else if codings.count > 1 {
        faults.insert(501)
      }
    }
    let expectations = values("expect")
    for expectation in expectations where !OracleGrammar.isText(expectation, "100-continue") {
      faults.insert(417)
    }
    let hasContent = request.framing != .none && request.framing != .length(0)
    request.expectsContinue = !expectations.isEmpty && hasContent && !request.isHTTP10
  }

  /// Section 9.3.
  private mutating func readConnection() {
    let options = values("connection").flatMap {
      OracleGrammar.pieces($0, UInt8(ascii: ",")).map { OracleGrammar.withoutBlanks($0) }
    }
    let closes = options.contains { OracleGrammar.isText($0, "close") }
    let keeps = options.contains { OracleGrammar.isText($0, "keep-alive") }
    request.keepsAlive = !closes && (!request.isHTTP10 || keeps)
  }
}
