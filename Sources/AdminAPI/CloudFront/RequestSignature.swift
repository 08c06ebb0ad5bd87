// AWS Signature Version 4, as a server checks it.
//
// The client signs a text of what it sends (method, path, query, some header fields, the hash of
// the content) with a key that is derived from its secret, the date, the region and the service. We
// make the same text from what arrived and compare.
//
// What is not signed could be changed on the way, so Host and the date must be among the signed
// fields, and a declared hash of the content must be that of the content. A date is good for five
// minutes to either side: who records a request can repeat it for so long, which makes an
// invalidation twice; a caller reference makes it the same one.

import EdgeSecurity

/// A request as its signature covers it.
struct SignedRequest: Sendable {
  var method: String
  /// As received, without the query.
  var path: String
  /// As received, without the question mark; empty for none.
  var query: String
  /// The value of a header field by its name in lower case, several lines joined by commas; nil
  /// when there is none.
  var field: @Sendable (String) -> String?
  var content: [UInt8]
}

/// Checks signatures against the configured keys.
struct SignatureVerifier: Sendable {
  /// An access key.
  struct Key: Sendable {
    /// The public half, which requests name.
    let id: String
    let secret: String

    init(id: String, secret: String) {
      self.id = id
      self.secret = secret
    }
  }

  /// Why a request is not believed. It says nothing of which of key and signature was wrong.
  struct Refusal: Error, Equatable {
    let message: String
  }

  static let service = "cloudfront"
  /// How far a client's clock may be from ours.
  static let clockSkewSeconds: Int64 = 300
  private static let algorithm = "AWS4-HMAC-SHA256"
  private static let mostSignedFields = 64

  let keys: [Key]

  /// The id of the key that signed the request.
  /// - Parameter nowSeconds: wall clock, Unix seconds.
  func verify(_ request: SignedRequest, nowSeconds: Int64) throws(Refusal) -> String {
    let authorization = try Authorization(request.field("authorization"))
    try checkScope(authorization)
    let time = try time(of: request, authorization)
    guard abs(time.seconds - nowSeconds) <= Self.clockSkewSeconds else {
      throw Refusal(
        message: "The request was signed at \(time.text), more than "
          + "\(Self.clockSkewSeconds / 60) minutes from this server's clock. Set the client's "
          + "clock, and sign anew.")
    }
    let contentHash = hexadecimal(
      request.content.withUnsafeBytes { ContentDigest.sha256($0) })
    if let declared = request.field("x-amz-content-sha256"), declared != contentHash {
      throw Refusal(message: "x-amz-content-sha256 is not the hash of the content.")
    }
    let canonical = try canonicalText(request, authorization, contentHash: contentHash)
    let scope = authorization.scope.joined(separator: "/")
    let canonicalHash = hexadecimal(
      Array(canonical.utf8).withUnsafeBytes { ContentDigest.sha256($0) })
    let text = "\(Self.algorithm)\n\(time.text)\n\(scope)\n\(canonicalHash)"
    let key = keys.first { $0.id == authorization.keyID }
    // With an unknown key the same work is done, on a secret that nobody has.
    let expected = signature(of: text, authorization, secret: key?.secret ?? "")
    let isEqual = ConstantTime.areEqual(Array(expected.utf8), Array(authorization.signature.utf8))
    guard isEqual, let key else {
      throw Refusal(
        message: "The signature is not that of a key in admin.cloudfront.keys. Check both halves "
          + "of the access key, and that nothing between client and edge changes the request.")
    }
    return key.id
  }

  private func checkScope(_ authorization: Authorization) throws(Refusal) {
    let scope = authorization.scope
    guard scope.count == 4, scope[2] == Self.service, scope[3] == "aws4_request" else {
      throw Refusal(
        message: "The credential's scope must be DATE/REGION/\(Self.service)/aws4_request.")
    }
    let signed = authorization.signedFields
    guard signed.contains("host"), signed.contains("x-amz-date") || signed.contains("date"),
      signed.count <= Self.mostSignedFields
    else { throw Refusal(message: "Host and X-Amz-Date must be among the signed headers.") }
  }

  private func time(
    of request: SignedRequest, _ authorization: Authorization
  ) throws(Refusal) -> AmazonTime {
    guard authorization.signedFields.contains("x-amz-date"),
      let text = request.field("x-amz-date"), let time = AmazonTime(text),
      time.text.prefix(8) == authorization.scope[0]
    else {
      throw Refusal(
        message: "X-Amz-Date must be signed, of the form 20261128T010500Z, and of the date in the "
          + "credential's scope.")
    }
    return time
  }

  private func canonicalText(
    _ request: SignedRequest, _ authorization: Authorization, contentHash: String
  ) throws(Refusal) -> String {
    var text = "\(request.method)\n\(Self.encoded(request.path, keepsSlash: true))\n"
    text += Self.canonicalQuery(request.query) + "\n"
    for name in authorization.signedFields {
      guard let value = request.field(name) else {
        throw Refusal(message: "The signed header \(name.prefix(80)) is missing.")
      }
      text += "\(name):\(Self.collapsed(value))\n"
    }
    return text + "\n" + authorization.signedFields.joined(separator: ";") + "\n" + contentHash
  }

  private func signature(
    of text: String, _ authorization: Authorization, secret: String
  ) -> String {
    var key = Array("AWS4\(secret)".utf8)
    for part in authorization.scope { key = HMACSHA256.code(part.utf8, key: key) }
    return hexadecimal(HMACSHA256.code(text.utf8, key: key))
  }

  /// Blanks at the ends go, runs of them become one.
  private static func collapsed(_ value: String) -> String {
    value.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " ")
  }

  /// Percent-encodes all but the unreserved bytes (RFC 3986 section 2.3), once more where the text
  /// is encoded already, as every service but S3 does it.
  static func encoded(_ text: String, keepsSlash: Bool) -> String {
    var result: [UInt8] = []
    let digits = Array("0123456789ABCDEF".utf8)
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "~"):
        result.append(byte)
      case UInt8(ascii: "/") where keepsSlash: result.append(byte)
      default: result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Parameters decoded, encoded again and sorted by name, then by value.
  private static func canonicalQuery(_ query: String) -> String {
    let pairs = query.split(separator: "&").map { parameter -> (String, String) in
      let parts = parameter.split(
        separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let texts = parts.map {
        encoded(PercentText.decoded(String($0), isForm: false) ?? String($0), keepsSlash: false)
      }
      return (texts[0], texts.count > 1 ? texts[1] : "")
    }
    return pairs.sorted { $0 < $1 }.map { "\($0)=\($1)" }.joined(separator: "&")
  }
}

/// The Authorization field of a signed request.
private struct Authorization {
  let keyID: String
  /// Date, region, service, `aws4_request`.
  let scope: [String]
  let signedFields: [String]
  let signature: String

  init(_ value: String?) throws(SignatureVerifier.Refusal) {
    guard let value, let blank = value.firstIndex(of: " "),
      value[..<blank] == "AWS4-HMAC-SHA256", value.utf8.count < 4096
    else {
      throw SignatureVerifier.Refusal(
        message: "The request is not signed. Sign it with AWS Signature Version 4 in the "
          + "Authorization header.")
    }
    var parts: [Substring: Substring] = [:]
    for part in value[blank...].split(separator: ",") {
      let pair = part.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
      if pair.count == 2 { parts[pair[0]] = pair[1].prefix { $0 != " " } }
    }
    let credential = parts["Credential"]?.split(separator: "/").map(String.init) ?? []
    guard credential.count == 5, let fields = parts["SignedHeaders"],
      let signature = parts["Signature"]
    else {
      throw SignatureVerifier.Refusal(
        message: "The Authorization header needs Credential, SignedHeaders and Signature.")
    }
    keyID = credential[0]
    scope = Array(credential.dropFirst())
    signedFields = fields.split(separator: ";").map(String.init)
    self.signature = String(signature)
  }
}

/// A time as X-Amz-Date has it: `20261128T010500Z`.
struct AmazonTime: Sendable {
  let text: String
  /// Unix seconds.
  let seconds: Int64

  /// Nil when the text is of another form.
  init?(_ text: String) {
    let bytes = Array(text.utf8)
    guard bytes.count == 16, bytes[8] == UInt8(ascii: "T"), bytes[15] == UInt8(ascii: "Z") else {
      return nil
    }
    func number(_ range: Range<Int>) -> Int64? {
      guard bytes[range].allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else {
        return nil
      }
      return bytes[range].reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }
    guard let year = number(0..<4), let month = number(4..<6), let day = number(6..<8),
      let hour = number(9..<11), let minute = number(11..<13), let second = number(13..<15),
      1...12 ~= month, 1...31 ~= day, hour < 24, minute < 60, second < 61
    else { return nil }
    // Days before 1970 of years that begin in March.
    let shiftedYear = month <= 2 ? year - 1 : year
    let shiftedMonth = month <= 2 ? month + 9 : month - 3
    let days =
      shiftedYear * 365 + shiftedYear / 4 - shiftedYear / 100 + shiftedYear / 400
      + (153 * shiftedMonth + 2) / 5 + day - 1 - 719_468
    self.text = text
    seconds = days * 86_400 + hour * 3600 + minute * 60 + second
  }
}

/// Percent-encoded text.
enum PercentText {
  /// The bytes that the text stands for, as UTF-8; nil when it is malformed.
  /// - Parameter isForm: whether `+` stands for a blank.
  static func decoded(_ text: String, isForm: Bool) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(isForm && byte == UInt8(ascii: "+") ? 0x20 : byte)
        continue
      }
      guard rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16),
        rest.first != UInt8(ascii: "+")
      else { return nil }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}

/// Lowercase hexadecimal digits, two a byte.
func hexadecimal(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef".utf8)
  var text: [UInt8] = []
  text.reserveCapacity(bytes.count * 2)
  for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
  return String(decoding: text, as: UTF8.self)
}
