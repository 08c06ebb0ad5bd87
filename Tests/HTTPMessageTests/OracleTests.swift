import Testing

/// The parsers against a strict, slow and plain reading of the grammar, over generated messages.
/// A failure prints its seed, the bytes and where they were cut.
@Suite struct OracleTests {
  static let casesPerSeed = 12_500
  static let seeds: [UInt64] = Array(1...8)

  @Test(arguments: seeds)
  func requestsAreReadAsTheGrammarSays(_ seed: UInt64) {
    var generator = MessageGenerator(seed: seed)
    var accepted = 0
    for number in 0..<Self.casesPerSeed {
      let bytes = generator.request()
      let cuts = generator.cuts(bytes.count)
      if case .request = OracleRequestReader.read(bytes) { accepted += 1 }
      guard let mismatch = OracleComparison.mismatch(request: bytes, cuts: cuts) else { continue }
      Issue.record("seed \(seed), case \(number): \(mismatch)\n\(Self.show(bytes)) cut at \(cuts)")
      return
    }
    // A generator that only makes rubbish would prove nothing, and neither would one that makes
    // none.
    #expect((Self.casesPerSeed / 20..<Self.casesPerSeed * 19 / 20).contains(accepted))
  }

  @Test(arguments: seeds)
  func chunkedContentIsReadAsTheGrammarSays(_ seed: UInt64) {
    var generator = MessageGenerator(seed: seed &* 0x1_0001)
    var accepted = 0
    for number in 0..<Self.casesPerSeed {
      let bytes = generator.chunked()
      let cuts = generator.cuts(bytes.count)
      if case .whole = OracleContent.chunked(bytes) { accepted += 1 }
      guard let mismatch = OracleComparison.mismatch(chunked: bytes, cuts: cuts) else { continue }
      Issue.record("seed \(seed), case \(number): \(mismatch)\n\(Self.show(bytes)) cut at \(cuts)")
      return
    }
    #expect((Self.casesPerSeed / 20..<Self.casesPerSeed * 19 / 20).contains(accepted))
  }

  /// Small limits, so that generated messages reach them.
  @Test(arguments: seeds)
  func limitsAreHeldAsTheOracleHoldsThem(_ seed: UInt64) {
    var generator = MessageGenerator(seed: seed &* 0x5_0005)
    for number in 0..<Self.casesPerSeed / 4 {
      let limits = OracleLimits(
        headBytes: 40 + number % 60, targetBytes: 1 + number % 9, fieldCount: 1 + number % 3)
      let bytes = generator.request()
      let cuts = generator.cuts(bytes.count)
      let mismatch = OracleComparison.mismatch(request: bytes, cuts: cuts, limits: limits)
      guard let mismatch else { continue }
      Issue.record(
        "seed \(seed), case \(number), \(limits): \(mismatch)\n\(Self.show(bytes)) cut at \(cuts)")
      return
    }
  }

  /// The oracle itself, where nobody would argue.
  @Test func theOracleKnowsRightFromWrong() {
    func read(_ text: String) -> OracleVerdict { OracleRequestReader.read(Bytes(text.utf8)) }
    guard case .request(let request) = read("GET /a HTTP/1.1\r\nHost: b\r\nX:  c \r\n\r\nrest")
    else {
      Issue.record("a plain request was refused")
      return
    }
    #expect(request.method == Bytes("GET".utf8) && request.target == Bytes("/a".utf8))
    #expect(request.authority == Bytes("b".utf8) && request.count == 36)
    #expect(request.fields == [["Host", "b"], ["X", "c"]].map { $0.map { Bytes($0.utf8) } })
    #expect(read("GET /a HTTP/1.1\r\nHost: b\r\n") == .incomplete)
    #expect(read("GET /a HTTP/1.1\r\nHost: b\r\nHost: b\r\n\r\n") == .refused([400]))
    #expect(read("GET /a HTTP/3.0\r\nHost: b\r\n\r\n") == .refused([505]))
    #expect(
      OracleContent.chunked(Bytes("2\r\nab\r\n0\r\nX: y\r\nHost: z\r\n\r\nGET".utf8))
        == .whole(Bytes("ab".utf8), trailers: [[Bytes("X".utf8), Bytes("y".utf8)]], count: 27))
    #expect(OracleContent.chunked(Bytes("0x2\r\n".utf8)) == .refused)
  }

  private static func show(_ bytes: Bytes) -> String {
    String(decoding: bytes, as: UTF8.self).debugDescription
  }
}
