import CachePolicy
import HTTPMessage
import NIOCore

/// The request that a stored key came from, as far as the key tells: scheme, host, path and query,
/// and the fields and cookies by which keys and variants differ.
///
/// It is a guess. Whoever uses it makes the key of the request and compares; what the key does not
/// tell, such as the content of a QUERY, then shows.
struct StoredKey {
  private let url: Substring
  /// Lines behind the URL: `name=value`, `name:value`, `cookie:name=value`.
  private let lines: [Substring]

  /// Nil when the key does not begin with scheme and host.
  init?(_ key: [UInt8]) {
    guard let parts = Self.split(key) else { return nil }
    url = parts.url
    lines = parts.tail.split(separator: "\n")
  }

  /// The same for the key of a variant, whose values come behind a number of 8 bytes.
  init?(variant key: [UInt8]) {
    guard let end = key.firstIndex(of: UInt8(ascii: "\n")), key.count > end + 9,
      let parts = Self.split(Array(key[..<end]))
    else { return nil }
    url = parts.url
    lines = String(decoding: key[(end + 9)...], as: UTF8.self).split(separator: "\n")
      .map { Substring($0) }
  }

  private static func split(_ key: [UInt8]) -> (url: Substring, tail: Substring)? {
    let text = String(decoding: key, as: UTF8.self)
    guard text.hasPrefix("http://") || text.hasPrefix("https://") else { return nil }
    let url = text.prefix { $0 != "\n" }
    return (Substring(url), text[url.endIndex...])
  }

  /// The request's head; nil when it cannot be one.
  var head: RequestHead? {
    var fields: [(name: String, value: String)] = []
    var cookies: [String] = []
    for line in lines {
      if line.hasPrefix("cookie:") {
        for value in line.dropFirst(7).split(separator: ";") { cookies.append(String(value)) }
        continue
      }
      guard let mark = line.firstIndex(where: { $0 == "=" || $0 == ":" }), mark > line.startIndex
      else { continue }
      fields.append((String(line[..<mark]), String(line[line.index(after: mark)...])))
    }
    if !cookies.isEmpty { fields.append(("cookie", cookies.joined(separator: "; "))) }
    // A cut of some characters is no text: the parser would refuse it.
    return try? ExplainedRequest(method: "GET", url: String(url), fields: fields).head()
  }
}
