/// A bearer token as the edge knows it: whose it is, what it may do, until when, and its digest.
public struct AdminToken: Sendable, Equatable {
  /// Its name; unique in a file.
  public var name: String
  /// What it may do.
  public var scopes: AdminScopes
  /// When it stops to count, in seconds since 1970; nil for never.
  public var expirySeconds: Int64?
  /// SHA-256 of the token.
  let digest: [UInt8]

  /// The entry of a token.
  public init(name: String, scopes: AdminScopes, expirySeconds: Int64?, token: BearerToken) {
    self.name = name
    self.scopes = scopes
    self.expirySeconds = expirySeconds
    digest = token.digest
  }

  /// Whether it counts at this moment.
  public func isExpired(nowSeconds: Int64) -> Bool {
    expirySeconds.map { $0 <= nowSeconds } ?? false
  }

  /// Whether `name` can be a token's: 1 to 64 letters, digits, `-`, `_` or `.`.
  public static func isName(_ name: some StringProtocol) -> Bool {
    1...64 ~= name.utf8.count
      && name.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "-_.".utf8.contains(byte)
        }
      }
  }

  /// One line of a token file: name, scopes, expiry, digest.
  var line: String {
    let hex = digest.map { byte -> String in
      let text = String(byte, radix: 16)
      return byte < 16 ? "0" + text : text
    }.joined()
    return "\(name) \(scopes.names.joined(separator: ",")) "
      + "\(expirySeconds.map(UTCTime.text) ?? "never") sha256:\(hex)"
  }

  /// Reads such a line; nil when it is none.
  init?(line: some StringProtocol) {
    let parts = line.split(separator: " ", omittingEmptySubsequences: true)
    guard parts.count == 4, AdminToken.isName(parts[0]), parts[3].hasPrefix("sha256:"),
      let digest = AdminToken.bytes(ofHex: parts[3].dropFirst(7)),
      digest.count == SHA256.digestBytes
    else { return nil }
    var scopes: AdminScopes = []
    for name in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
      guard let scope = AdminScopes(name: String(name)) else { return nil }
      scopes.formUnion(scope)
    }
    if parts[2] == "never" {
      expirySeconds = nil
    } else {
      guard let seconds = UTCTime.seconds(String(parts[2])) else { return nil }
      expirySeconds = seconds
    }
    name = String(parts[0])
    self.scopes = scopes
    self.digest = digest
  }

  private static func bytes(ofHex text: some StringProtocol) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    for place in stride(from: 0, to: digits.count, by: 2) {
      guard digits[place] != UInt8(ascii: "+"),
        let byte = UInt8(String(decoding: digits[place...(place + 1)], as: UTF8.self), radix: 16)
      else { return nil }
      bytes.append(byte)
    }
    return bytes
  }
}
