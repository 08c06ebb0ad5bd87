import CachePolicy
import HTTPMessage
import NIOCore
import Testing

@testable import EdgeProxy

/// Random requests against an origin that changes its resource, honours ranges and conditions or
/// neglects them: whatever is stored and combined, no client ever gets bytes of two
/// representations, of another place than the head says, or of a representation past its time.
@Suite struct PartialModelTests {
  /// How an origin answers.
  private enum Manner: CaseIterable {
    case exact, ignoresIfRange, ignoresRange, sendsMore, sendsLess, fails
  }

  /// A resource that changes.
  private struct Origin {
    var version = 0
    var length = 100

    func text(_ version: Int, _ range: Range<Int>) -> String {
      let letters = Array("abcdefghijklmnopqrstuvwxyz")
      return String(range.map { letters[($0 * 5 + $0 / 26 + version * 11) % letters.count] })
    }

    func answer(_ fetch: ScriptedFetch, _ manner: Manner, _ seed: inout SeededGenerator) {
      let fields = fetch.request.fields
      let etag = "\"\(version)\""
      if manner == .fails { return fetch.fail(.reset) }
      if fields.text(.ifNoneMatch) == etag {
        return fetch.answer(304, "Cache-Control: max-age=60\nETag: \(etag)")
      }
      let isWanted =
        manner == .ignoresIfRange || fields.text(.ifRange).map { $0 == etag } ?? true
      guard isWanted, manner != .ignoresRange,
        let asked = fields.withFirst(.range, { AskedRange(value: $0) }) ?? nil
      else {
        return fetch.answer(
          200, "Cache-Control: max-age=60\nETag: \(etag)", text(version, 0..<length))
      }
      guard var range = asked.resolved(length: length) else {
        fetch.head(416, "Content-Range: bytes */\(length)", length: 0)
        return fetch.isCancelled ? () : fetch.end()
      }
      if manner == .sendsMore {
        range = max(0, range.lowerBound - 3)..<min(length, range.upperBound + 5)
      }
      if manner == .sendsLess, range.count > 1 { range = range.lowerBound..<range.upperBound - 1 }
      fetch.part(range, of: length, etag: etag, text(version, range))
    }
  }

  @Test(arguments: [1, 7, 42, 2_026, UInt64.random(in: 0 ... .max)])
  func noClientGetsAByteThatIsNotItsOwn(_ seed: UInt64) throws {
    var random = SeededGenerator(state: seed)
    let edge = try SimulatedEdge(
      PolicyRules(staleWhenUnreachableSeconds: 0),
      largestObjectBytes: Int.random(in: 60...200, using: &random))
    var origin = Origin()
    var changedAt = edge.now
    var answered = 0
    for step in 0..<300 {
      if Int.random(in: 0..<12, using: &random) == 0 {
        origin.version += 1
        origin.length = Int.random(in: 50...120, using: &random)
        changedAt = edge.now
      }
      if Int.random(in: 0..<6, using: &random) == 0 {
        edge.now += Int64.random(in: 1...40, using: &random)
      }
      let path = "/\(Int.random(in: 0..<24, using: &random))"
      let clients = try (0..<Int.random(in: 1...3, using: &random)).map { _ in
        try edge.get(path, anyFields(&random))
      }
      var attempts = 0
      while answered < edge.origin.fetches.count {
        let manner: Manner =
          Int.random(in: 0..<4, using: &random) > 0
          ? .exact : Manner.allCases.randomElement(using: &random) ?? .exact
        origin.answer(edge.origin.fetches[answered], manner, &random)
        answered += 1
        attempts += 1
        try #require(attempts < 40, "seed \(seed), step \(step): asks again and again")
      }
      for client in clients {
        let fault = fault(client, origin, isYoung: edge.now - changedAt < 60)
        #expect(fault == nil, "seed \(seed), step \(step): \(fault ?? "")")
      }
    }
    #expect(edge.metrics.loops[0].value(of: .partsStored) > 10, "seed \(seed)")
  }

  private func anyFields(_ random: inout SeededGenerator) -> String {
    let start = Int.random(in: 0..<110, using: &random)
    let end = start + Int.random(in: 0..<40, using: &random)
    return switch Int.random(in: 0..<8, using: &random) {
    case 0 where Bool.random(using: &random): ""
    case 1: "Range: bytes=\(start)-\n"
    case 2: "Range: bytes=-\(end - start + 1)\n"
    case 3: "Range: bytes=\(start)-\(start + 3),\(end + 10)-\(end + 12)\n"
    default: "Range: bytes=\(start)-\(end)\n"
    }
  }

  /// What is wrong with an answer; nil when nothing is.
  private func fault(_ client: SimulatedClient, _ origin: Origin, isYoung: Bool) -> String? {
    if client.isAborted { return nil }
    guard client.isFinished else { return "not finished, status \(client.status)" }
    if client.status == 502 || client.status == 416 { return nil }
    guard let tag = client.fields.text(.etag), let version = Int(tag.dropFirst().dropLast()) else {
      return "no entity tag with status \(client.status)"
    }
    if version != origin.version, !isYoung { return "version \(version) after its time" }
    switch client.status {
    case 200:
      let whole = origin.text(version, 0..<client.body.utf8.count)
      if client.body != whole { return "a whole of version \(version): \(client.body)" }
      if version == origin.version, client.body.utf8.count != origin.length { return "cut short" }
    case 206:
      if client.fields.text(.contentType)?.hasPrefix("multipart") == true {
        return multipartFault(client, origin, version)
      }
      guard let part = client.fields.withFirst(.contentRange, { ContentRange.parse($0) }) ?? nil,
        let range = part.range
      else { return "no Content-Range" }
      if client.body != origin.text(version, range) { return "\(range): \(client.body)" }
    default: return "status \(client.status)"
    }
    return nil
  }

  private func multipartFault(
    _ client: SimulatedClient, _ origin: Origin, _ version: Int
  ) -> String? {
    if client.framing != .length(client.body.utf8.count) { return "multipart of another length" }
    let parts = client.body.split(separator: "Content-Range: ").dropFirst()
    if parts.count < 2 { return "multipart of one" }
    for part in parts {
      let lines = part.split(separator: "\r\n", maxSplits: 1, omittingEmptySubsequences: false)
      let range = Array(String(lines[0]).utf8).withUnsafeBytes { ContentRange.parse($0) }?.range
      guard let range, lines.count == 2 else { return "no Content-Range in a part" }
      let text = "\r\n" + origin.text(version, range) + "\r\n--"
      if !lines[1].hasPrefix(text) { return "part \(range): \(lines[1])" }
    }
    return nil
  }
}
