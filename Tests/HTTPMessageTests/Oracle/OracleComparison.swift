import HTTPMessage
import NIOCore

/// The real parsers beside the oracle, over the same bytes.
///
/// Shared by the tests and the fuzzer: a mismatch is described, nil is agreement.
enum OracleComparison {
  /// Compares the reading of `bytes` as a request, head and content, when they arrive in pieces
  /// that end at `cuts` (ascending places).
  static func mismatch(
    request bytes: Bytes, cuts: [Int], limits: OracleLimits = OracleLimits()
  ) -> String? {
    let verdict = OracleRequestReader.read(bytes, limits: limits)
    let outcome = readHead(bytes, cuts: cuts, limits: limits)
    switch (verdict, outcome) {
    case (.request(let expected), .request(let read)):
      if expected != read { return "the oracle reads \(expected), the parser \(read)" }
      return mismatch(of: expected, content: Bytes(bytes[expected.count...]), cuts, limits)
    case (.refused(let statuses), .refused(let fault)):
      return statuses.contains(fault.status)
        ? nil : "the oracle refuses with \(statuses.sorted()), the parser: \(fault)"
    case (.incomplete, .incomplete): return nil
    case (.incomplete, .refused(let fault)):
      // Refused early: then nothing that may follow makes it a request.
      for end in headEnds {
        if case .request = OracleRequestReader.read(bytes + end.utf8, limits: limits) {
          return "\(fault), though it may go on with \(end.debugDescription)"
        }
      }
      return nil
    default: return "the oracle says \(verdict), the parser \(outcome)"
    }
  }

  /// Compares the reading of `bytes` as chunked content.
  static func mismatch(
    chunked bytes: Bytes, cuts: [Int], limits: OracleLimits = OracleLimits()
  ) -> String? {
    let verdict = OracleContent.chunked(bytes, limits: limits)
    let (outcome, fault) = readContent(bytes, .streamed, cuts: cuts, limits: limits)
    if verdict == outcome { return nil }
    guard let fault, case .incomplete = verdict else {
      return "the oracle says \(verdict), the decoder \(outcome) \(fault.map { "\($0)" } ?? "")"
    }
    for end in contentEnds {
      if case .whole = OracleContent.chunked(bytes + end.utf8, limits: limits) {
        return "\(fault), though it may go on with \(end.debugDescription)"
      }
    }
    return nil
  }

  private static func mismatch(
    of request: OracleRequest, content bytes: Bytes, _ cuts: [Int], _ limits: OracleLimits
  ) -> String? {
    let cuts = cuts.map { $0 - request.count }.filter { $0 > 0 }
    switch request.framing {
    case .none: return nil
    case .chunked: return mismatch(chunked: bytes, cuts: cuts, limits: limits)
    case .length(let length):
      let verdict = OracleContent.counted(bytes, length)
      let (outcome, _) = readContent(bytes, .length(length), cuts: cuts, limits: limits)
      return verdict == outcome ? nil : "the oracle says \(verdict), the decoder \(outcome)"
    }
  }

  /// What the rest of a message may be, wherever it was cut.
  static let headEnds = [
    "\r\n\r\n", "\n\r\n", "\n", "\r\nHost: a\r\n\r\n", "\nHost: a\r\n\r\n", "Host: a\r\n\r\n",
    ": a\r\nHost: a\r\n\r\n", "a: a\r\nHost: a\r\n\r\n", ":a\r\n\r\n", "GET / HTTP/1.0\r\n\r\n",
    " / HTTP/1.0\r\n\r\n", "/ HTTP/1.0\r\n\r\n", " HTTP/1.0\r\n\r\n", "HTTP/1.0\r\n\r\n",
    ".0\r\n\r\n", "0\r\n\r\n", "1.0\r\n\r\n", "a/ HTTP/1.0\r\n\r\n", "//a/ HTTP/1.0\r\n\r\n",
  ]
  static let contentEnds = [
    "\r\n\r\n", "\n\r\n", "\n", "\r\n0\r\n\r\n", "\n0\r\n\r\n", "0\r\n\r\n", ";\r\n\r\n",
    ";\r\n\r\n0\r\n\r\n", "a\r\n0\r\n\r\n", ":\r\n\r\n", "a:\r\n\r\n",
  ]
}

// MARK: - The real parsers

extension OracleComparison {
  enum Outcome {
    case request(OracleRequest)
    case refused(RequestFault)
    case incomplete
  }

  /// `bytes` in the pieces that end at `cuts`.
  private static func pieces(_ bytes: Bytes, _ cuts: [Int]) -> [ArraySlice<UInt8>] {
    var result: [ArraySlice<UInt8>] = []
    var start = 0
    for cut in cuts + [bytes.count] where cut > start && cut <= bytes.count {
      result.append(bytes[start..<cut])
      start = cut
    }
    return result
  }

  private static func headLimits(_ limits: OracleLimits) -> HeadLimits {
    var result = HeadLimits(headSizeBytes: limits.headBytes, fieldCount: limits.fieldCount)
    result.targetSizeBytes = limits.targetBytes
    return result
  }

  static func readHead(_ bytes: Bytes, cuts: [Int], limits: OracleLimits) -> Outcome {
    var parser = HTTP1RequestParser(limits: headLimits(limits))
    var buffer = ByteBuffer()
    var fed = 0
    for piece in pieces(bytes, cuts) {
      buffer.writeBytes(piece)
      fed += piece.count
      do throws(RequestFault) {
        if let head = try parser.parse(&buffer, isSecure: false) {
          return .request(request(head, count: fed - buffer.readableBytes))
        }
      } catch {
        return .refused(error)
      }
    }
    return .incomplete
  }

  private static func request(_ head: RequestHead, count: Int) -> OracleRequest {
    var request = OracleRequest()
    request.method = head.withBytes(head.methodName) { Bytes($0) }
    request.target = head.withBytes(head.target) { Bytes($0) }
    request.authority = head.withBytes(head.authority) { Bytes($0) }
    request.isHTTP10 = head.version == .http10
    head.fields.forEachLine { name, value, _ in request.fields.append([Bytes(name), Bytes(value)]) }
    switch head.framing {
    case .none: request.framing = .none
    case .length(let length): request.framing = .length(length)
    case .streamed: request.framing = .chunked
    }
    request.keepsAlive = head.keepsAlive
    request.expectsContinue = head.expectsContinue
    request.count = count
    return request
  }

  static func readContent(
    _ bytes: Bytes, _ framing: BodyFraming, cuts: [Int], limits: OracleLimits
  ) -> (OracleContent, RequestFault?) {
    var decoder = HTTP1BodyDecoder(
      framing: framing, contentLimitBytes: nil, limits: headLimits(limits))
    var buffer = ByteBuffer()
    var content = Bytes()
    var fed = 0
    // An empty message has no piece, and may be whole all the same.
    for piece in [bytes[..<0]] + pieces(bytes, cuts) {
      buffer.writeBytes(piece)
      fed += piece.count
      do throws(RequestFault) {
        reading: while true {
          switch try decoder.next(&buffer) {
          case .needMore: break reading
          case .chunk(let chunk): content += chunk.readableBytesView
          case .end(let block):
            var trailers: [[Bytes]] = []
            block?.forEachLine { name, value, _ in trailers.append([Bytes(name), Bytes(value)]) }
            return (.whole(content, trailers: trailers, count: fed - buffer.readableBytes), nil)
          }
        }
      } catch {
        return (.refused, error)
      }
    }
    return (.incomplete(content), nil)
  }
}
