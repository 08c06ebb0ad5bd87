import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore

/// All that the edge knows of a stored object but its body: for `GET /v1/objects/{hash}`.
public struct ObjectDetail: Sendable {
  /// Its hash, 32 hexadecimal digits.
  public var hash: String
  /// The key up to its variant: the URL.
  public var url: String
  /// What it is: `response`, `variants` (a list of those of a URL) or `parts`.
  public var kind: String
  /// Status, tier and freshness.
  public var stored: Explanation.Stored
  /// The stored fields, in their order. Values of Set-Cookie are withheld.
  public var fields: [(name: String, value: String)]
  /// Hashes of its cache tags; nil when there were more than are kept.
  public var tags: [String]?
  /// Whether a soft invalidation has marked it stale.
  public var isMarkedStale: Bool
  /// Hits that eviction counts, 0 to 3.
  public var hits: Int
}

extension Explainer {
  /// What is stored under a hash of 32 hexadecimal digits; nil when that is nothing.
  public func object(hash text: String) async -> ObjectDetail? {
    guard let hash = KeyHash(text: text),
      let object = await store.object(under: hash)
    else { return nil }
    return ObjectDetail(object, now: LoopClock.system().wallNanoseconds / 1_000_000_000)
  }

  /// The hash of a stored object's key, 32 hexadecimal digits.
  public func hashText(ofKey key: [UInt8]) -> String {
    key.withUnsafeBytes { store.hasher.hash($0).text }
  }

  /// Takes what is stored under a hash out of both tiers; false when that was nothing.
  public func remove(hash text: String) async -> Bool {
    guard let hash = KeyHash(text: text), await store.object(under: hash) != nil else {
      return false
    }
    store.remove(hash)
    return true
  }
}

extension ObjectDetail {
  init(_ object: StoredObject, now: Int64) {
    let metadata = object.metadata
    hash = object.hash.text
    url = object.withKey { key in
      String(decoding: key.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
    kind =
      switch metadata.kind {
      case .response, .compressible, .compressed, .inflatable: "response"
      case .variantList: "variants"
      case .partial: "parts"
      }
    stored = Explanation.Stored(object, tier: object.isOnDisk ? "disk" : "memory", now: now)
    fields = metadata.kind == .variantList ? [] : ObjectDetail.fields(of: object)
    tags = object.tagCount.map { _ in object.tags.map { ObjectDetail.hexadecimal($0) } }
    isMarkedStale = object.isMarkedStale
    hits = Int(object.hits)
  }

  private static func fields(of object: StoredObject) -> [(name: String, value: String)] {
    let block = FieldBlock(lines: object.withLines { ByteBuffer(bytes: $0) })
    return block.bytes.withUnsafeReadableBytes { bytes in
      block.entries.map { entry in
        let name = String(decoding: entry.name.slice(of: bytes), as: UTF8.self)
        let value = String(decoding: entry.value.slice(of: bytes), as: UTF8.self)
        return (name, name.lowercased() == "set-cookie" ? "(withheld)" : value)
      }
    }
  }

  private static func hexadecimal(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

extension KeyHash {
  /// The hash of 32 hexadecimal digits; nil for another text.
  init?(text: String) {
    let digits = Array(text.utf8)
    guard digits.count == 32, digits.allSatisfy(\.isHexDigitByte),
      let high = UInt64(text.prefix(16), radix: 16), let low = UInt64(text.suffix(16), radix: 16)
    else { return nil }
    self.init(high: high, low: low)
  }
}

extension UInt8 {
  fileprivate var isHexDigitByte: Bool {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
      UInt8(ascii: "A")...UInt8(ascii: "F"):
      true
    default: false
    }
  }
}
