import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore
import Testing

@testable import EdgeProxy

@Suite struct GzipTests {
  private func object(_ bytes: [UInt8], pieces: Int = 1) -> StoredObject {
    let size = max(1, bytes.count / pieces)
    let buffers = stride(from: 0, to: bytes.count, by: size).map {
      ByteBuffer(bytes: bytes[$0..<min($0 + size, bytes.count)])
    }
    return .make(
      hash: KeyHash(high: 1, low: 1), key: .init(start: nil, count: 0),
      head: .init(start: nil, count: 0), body: .buffers(buffers), metadata: ObjectMetadata())
  }

  @Test(arguments: [1000, 65_535, 65_536, 65_537, 200_000, 1 << 20])
  func whatIsCompressedInflatesToTheSameHoweverItIsFed(count: Int) throws {
    var generator = SeededGenerator(state: UInt64(count))
    // Sixteen different bytes: half of the size is to be saved.
    let bytes = (0..<count).map { _ in UInt8.random(in: 0..<16, using: &generator) }
    let gzip = try #require(Gzip.compress(object(bytes, pieces: 7), level: 6))
    let all = gzip.flatMap { [UInt8]($0.readableBytesView) }
    #expect(all.count < count * 7 / 8)
    for step in [1, 100, all.count] where count / step < 100_000 {
      let inflater = try #require(GzipInflater(.exactly(count)))
      var plain: [UInt8] = []
      var offset = 0
      var isDone = false
      while !isDone {
        switch inflater.next(limitBytes: 1000) {
        case .plain(let piece):
          #expect(piece.readableBytes <= 1000)
          plain += piece.readableBytesView
        case .needsInput:
          try #require(offset < all.count)
          let end = min(all.count, offset + step)
          inflater.feed(ByteBuffer(bytes: all[offset..<end]))
          offset = end
        case .end: isDone = true
        case .damaged:
          Issue.record("damaged at \(offset)")
          isDone = true
        }
      }
      #expect(plain == bytes)
    }
  }

  @Test func anotherMemberBehindTheEndIsDamage() throws {
    let bytes = [UInt8](repeating: 1, count: 500)
    let gzip = try #require(Gzip.compress(object(bytes), level: 6))
    let all = gzip.flatMap { [UInt8]($0.readableBytesView) }
    let inflater = try #require(GzipInflater(.exactly(500)))
    inflater.feed(ByteBuffer(bytes: all + all))
    var isDamaged = false
    loop: while true {
      switch inflater.next() {
      case .plain: continue
      case .damaged:
        isDamaged = true
        break loop
      case .end, .needsInput: break loop
      }
    }
    #expect(isDamaged)
  }

  @Test(arguments: [
    ("text/html", true), ("TEXT/HTML ; charset=utf-8", true), ("text/", true), ("text", false),
    ("application/json", true), ("application/jsonp", false), ("application/ld+json", true),
    ("application/+json", true), ("image/png", false), ("", false),
  ])
  func mediaTypesMatchWithOneStar(type: String, isCovered: Bool) {
    let rules = CompressionRules(
      types: ["text/*", "Application/JSON", "application/*+json"], sizes: 1...1000)
    var fields = FieldBlock()
    fields.append("Content-Type", type)
    #expect(
      rules.cover(status: 200, fields: fields, contentLength: 10, flags: []) == isCovered)
  }

  @Test(arguments: [
    ("Vary: Accept-Encoding\r\n", true), ("vary:accept-encoding\r\n", true),
    ("A: b\r\nVary: Accept, ACCEPT-ENCODING , X\r\nC: d\r\n", true), ("Vary: Accept\r\n", false),
    ("Vary: Accept-Encodings\r\n", false), ("", false), ("V\r\n", false), ("Vary:\r\n", false),
    ("X: Vary: Accept-Encoding\r\n", false),
  ])
  func varyIsFoundInStoredLines(lines: String, isFound: Bool) {
    let found = ByteBuffer(string: lines).withUnsafeReadableBytes { StoredLines.varyByCoding($0) }
    #expect(found == isFound)
  }
}
