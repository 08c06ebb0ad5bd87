/// User name and password of an Authorization field with the Basic scheme (RFC 7617).
///
/// It never shows the password: descriptions and dumps leave it out.
public struct BasicCredentials: Sendable {
  /// Longest field value that is read; a longer one is no credentials.
  public static let limitBytes = 4096

  /// The user name.
  public let user: String
  /// The password.
  let password: String

  /// Credentials of known parts.
  public init(user: String, password: String) {
    self.user = user
    self.password = password
  }

  /// Reads an Authorization field's value; nil when it is of another scheme, malformed, too long,
  /// not UTF-8, or holds a control character (RFC 7617 section 2).
  public init?(authorization value: String) {
    let bytes = Array(value.utf8.prefix(BasicCredentials.limitBytes + 1))
    guard bytes.count <= BasicCredentials.limitBytes, bytes.count > 6,
      zip(bytes, "basic ".utf8).allSatisfy({ $0 | 0x20 == $1 })
    else { return nil }
    let token = bytes.dropFirst(6).drop { $0 == UInt8(ascii: " ") }
    guard let decoded = Base64.decode(token),
      let text = String(validating: decoded, as: UTF8.self),
      text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }),
      let colon = text.firstIndex(of: ":")
    else { return nil }
    user = String(text[..<colon])
    password = String(text[text.index(after: colon)...])
  }
}

extension BasicCredentials: CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  /// The user name alone.
  public var description: String { "BasicCredentials(user: \(user.debugDescription))" }
  /// The user name alone.
  public var debugDescription: String { description }
  /// The user name alone.
  public var customMirror: Mirror { Mirror(self, children: ["user": user]) }
}
