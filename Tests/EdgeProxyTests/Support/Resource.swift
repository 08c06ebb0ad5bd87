import NIOCore

@testable import EdgeProxy

/// The resource of the tests of partial content: any byte of it tells its place.
enum Resource {
  /// The bytes at `range`.
  static func text(_ range: Range<Int>) -> String {
    let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789")
    return String(range.map { letters[($0 * 7 + $0 / 36) % letters.count] })
  }

  /// A multipart/byteranges body (RFC 9110 section 14.6) of a resource of 100 bytes.
  static func multipart(_ ranges: [Range<Int>], boundary: String) -> String {
    let parts = ranges.map { range in
      "\r\n--\(boundary)\r\nContent-Type: text/plain\r\n"
        + "Content-Range: bytes \(range.lowerBound)-\(range.upperBound - 1)/100\r\n\r\n"
        + text(range)
    }
    return parts.joined() + "\r\n--\(boundary)--\r\n"
  }
}

extension ScriptedFetch {
  /// The head of a 206 that brings `range`.
  func partHead(
    _ range: Range<Int>, of length: Int = 100, etag: String? = "\"1\"",
    cacheControl: String = "max-age=60", more: String = "", declares: Bool = true
  ) {
    head(
      206,
      "Content-Type: text/plain\nCache-Control: \(cacheControl)\n"
        + (etag.map { "ETag: \($0)\n" } ?? "") + more
        + "Content-Range: bytes \(range.lowerBound)-\(range.upperBound - 1)/\(length)",
      length: declares ? range.count : nil)
  }

  /// A whole 206 that brings `range`: the resource's bytes, unless others are given. Stops after
  /// the head when the edge has given the fetch up.
  func part(
    _ range: Range<Int>, of length: Int = 100, etag: String? = "\"1\"",
    cacheControl: String = "max-age=60", more: String = "", _ body: String? = nil
  ) {
    partHead(range, of: length, etag: etag, cacheControl: cacheControl, more: more)
    if isCancelled { return }
    chunk(body ?? Resource.text(range))
    if isCancelled { return }
    end()
  }
}

extension SimulatedEdge {
  /// A GET for a range that is not stored, answered at once.
  func part(
    _ range: Range<Int>, etag: String? = "\"1\"", cacheControl: String = "max-age=60",
    more: String = ""
  ) throws {
    try get("/a", "Range: bytes=\(range.lowerBound)-\(range.upperBound - 1)\n")
    try origin.last.part(range, etag: etag, cacheControl: cacheControl, more: more)
  }
}
