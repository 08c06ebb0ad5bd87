import HTTPMessage
import NIOCore

@testable import CachePolicy

/// The cache key of whatever the parser takes for a request.
enum KeyHarness {
  private static let names = [Bytes("id".utf8), Bytes("a b".utf8)]
  private static let rules = [
    KeyRules(), KeyRules(query: .none), KeyRules(query: .allow(names)),
    KeyRules(query: .deny(names), sortsQuery: true, includesScheme: false, includesHost: false),
    KeyRules(headers: [Bytes("x".utf8), Bytes("accept".utf8)], cookies: [Bytes("c".utf8)]),
    KeyRules(sortsQuery: true, includesDeviceClass: true, languages: [Bytes("de".utf8)]),
  ]

  static func run(_ bytes: Bytes) {
    var parser = HTTP1RequestParser(limits: HeadLimits())
    var buffer = ByteBuffer(bytes: bytes)
    guard let head = try? parser.parse(&buffer, isSecure: bytes.count % 2 == 0) else { return }
    for rules in rules {
      var key = ByteBuffer()
      CacheKeyBuilder.write(head, rules: rules, routeSalt: 7, into: &key)
      checkLocation(key, head, rules)
      // The key is a matter of the request, not of where its bytes lie.
      var again = ByteBuffer(string: "before")
      again.moveReaderIndex(forwardBy: 6)
      CacheKeyBuilder.write(head.compacted(), rules: rules, routeSalt: 7, into: &again)
      require(key == again, "two keys for one request")
      checkTarget(head, rules)
    }
  }

  /// The part before the first line feed holds nothing that could end it early.
  private static func checkLocation(_ key: ByteBuffer, _ head: RequestHead, _ rules: KeyRules) {
    let location = key.readableBytesView.prefix { $0 != 0x0A }
    require(location.allSatisfy { (0x21...0x7E).contains($0) }, "a control in a key's location")
    let text = String(decoding: location, as: UTF8.self)
    let path = head.text(head.path)
    require(text.contains(path), "the path \(path) is not in the key \(text)")
    if rules.query == .all, !rules.sortsQuery {
      require(text.hasSuffix(head.text(head.target)), "the target is not in the key \(text)")
    }
  }

  /// What goes to the origin is a target again, with the same path.
  private static func checkTarget(_ head: RequestHead, _ rules: KeyRules) {
    guard head.method != .options else { return }
    var text = ByteBuffer(string: "GET ")
    CacheKeyBuilder.writeTarget(head, rules: rules, into: &text)
    text.writeString(" HTTP/1.1\r\nHost: a\r\n\r\n")
    var parser = HTTP1RequestParser(limits: HeadLimits())
    do {
      guard let read = try parser.parse(&text, isSecure: false) else {
        fatalError("the target has no end")
      }
      require(read.text(read.path) == head.text(head.path), "another path at the origin")
      require(text.readableBytes == 0, "more than one request at the origin")
    } catch {
      fatalError("no target: \(error)")
    }
  }
}
