/// A token of the admin API as its owner holds it: `edge_` and 256 random bits in base 64.
///
/// Nobody can guess one, so a plain SHA-256 of it may stand in a file: hashing slowly would only
/// cost whoever presents it. It never shows in a description or a dump.
public struct BearerToken: Sendable {
  /// Its whole text.
  let secret: String

  /// The first characters of every token, so that scanners for leaked secrets know one.
  public static let prefix = "edge_"
  private static let randomBytes = 32
  private static let limitBytes = 512

  /// A fresh token.
  public static func make() -> BearerToken {
    BearerToken(secret: prefix + Base64.encodeForURL(SecureRandom.bytes(randomBytes)))
  }

  /// The text, for the one moment in which its owner is told.
  public var exposedValue: String { secret }

  /// A token of known text.
  public init(secret: String) { self.secret = secret }

  /// Reads an Authorization field's value (RFC 6750 section 2.1); nil when it is of another scheme,
  /// empty, too long, or no token68.
  public init?(authorization value: String) {
    let bytes = Array(value.utf8.prefix(BearerToken.limitBytes + 1))
    guard bytes.count <= BearerToken.limitBytes, bytes.count > 7,
      zip(bytes, "bearer ".utf8).allSatisfy({ $0 | 0x20 == $1 | 0x20 })
    else { return nil }
    let token = bytes.dropFirst(7).drop { $0 == UInt8(ascii: " ") }
    let isToken = token.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"):
        true
      default: "-._~+/=".utf8.contains(byte)
      }
    }
    guard isToken, !token.isEmpty else { return nil }
    secret = String(decoding: token, as: UTF8.self)
  }

  /// What stands in the token file.
  var digest: [UInt8] { SHA256.digest(secret.utf8) }
}

extension BearerToken: CustomStringConvertible, CustomReflectable {
  /// Nothing of the token.
  public var description: String { "BearerToken" }
  /// Nothing of the token.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
