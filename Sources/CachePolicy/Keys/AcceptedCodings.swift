import HTTPMessage
import NIOCore

/// The content codings that a request accepts (RFC 9110 section 12.5.3), reduced to those that
/// matter: br, gzip, zstd, identity.
///
/// Clients write the same wish in dozens of ways; reduced there are few, so one variant serves
/// many. The reduced value is what a variant is keyed by and what the origin gets
/// (``ForwardedFields``): it cannot answer by what was left out, and so whatever a client writes,
/// odd or malformed, it gets a response that its field allows.
struct AcceptedCodings {
  /// Qualities in thousandths, in the order of ``codings``; -1: not named.
  private var qualities = SIMD4<Int16>(repeating: -1)
  /// The quality of `*`.
  private var anyQuality: Int16 = -1

  /// In the order in which codings of equal quality are written.
  private static let codings: [StaticString] = ["br", "gzip", "zstd", "identity"]
  private static let identity = 3

  /// Of a request's Accept-Encoding lines. A request without any accepts every coding, which no
  /// reduced value says: it is for the caller to tell that case apart.
  init(_ fields: FieldBlock) {
    var parsed = self
    ListMembers.forEach(in: fields, .acceptEncoding) { parsed.add($0) }
    self = parsed
  }

  /// Appends the reduced value, such as `gzip, br`: the accepted codings, best first. `identity`
  /// is among them when it is better than another one or the only one; `identity;q=0` at the end
  /// says that content must be coded.
  func write(into buffer: inout ByteBuffer) {
    var left = accepted
    let isIdentityRefused = left[Self.identity] == 0
    if !isIdentityRefused, !isIdentityWanted(left) { left[Self.identity] = 0 }
    var isFirst = true
    while true {
      var best = 0
      for index in 1..<4 where left[index] > left[best] { best = index }
      if left[best] == 0 { break }
      if !isFirst { buffer.writeStaticString(", ") }
      buffer.writeStaticString(Self.codings[best])
      left[best] = 0
      isFirst = false
    }
    if isIdentityRefused { buffer.writeStaticString(isFirst ? "identity;q=0" : ", identity;q=0") }
  }

  /// The quality of each coding, 0 for what is not accepted. Identity needs no naming: where it
  /// is not refused it is at least acceptable, the least.
  private var accepted: SIMD4<Int16> {
    var result = qualities
    for index in 0..<Self.identity where result[index] < 0 { result[index] = max(0, anyQuality) }
    if result[Self.identity] < 0 { result[Self.identity] = anyQuality == 0 ? 0 : 1 }
    return result
  }

  /// The quality of gzip in thousandths; 0: not accepted.
  var gzipQuality: Int16 { accepted[1] }

  /// The quality of content without a coding, in thousandths; 0: not accepted.
  var identityQuality: Int16 { accepted[Self.identity] }

  private func isIdentityWanted(_ accepted: SIMD4<Int16>) -> Bool {
    var isOnly = true
    for index in 0..<Self.identity where accepted[index] > 0 {
      if qualities[Self.identity] > accepted[index] { return true }
      isOnly = false
    }
    return isOnly
  }

  /// A coding that is named twice has the lower quality; members that are malformed or have
  /// another parameter than `q` do not count.
  private mutating func add(_ member: UnsafeRawBufferPointer) {
    var parts = ListMembers(member, separator: UInt8(ascii: ";"))
    guard let coding = parts.next(), let quality = Self.quality(&parts) else { return }
    if coding.equals("*") {
      anyQuality = anyQuality < 0 ? quality : min(anyQuality, quality)
    } else if let index = Self.index(of: coding) {
      let present = qualities[index]
      qualities[index] = present < 0 ? quality : min(present, quality)
    }
  }

  /// The coding's place; `x-gzip` counts as what it stands for (RFC 9110 section 8.4.1.3).
  private static func index(of coding: UnsafeRawBufferPointer) -> Int? {
    switch coding.count {
    case 2: coding.equalsIgnoringCase("br") ? 0 : nil
    case 4: coding.equalsIgnoringCase("gzip") ? 1 : coding.equalsIgnoringCase("zstd") ? 2 : nil
    case 6: coding.equalsIgnoringCase("x-gzip") ? 1 : nil
    case 8: coding.equalsIgnoringCase("identity") ? identity : nil
    default: nil
    }
  }

  private static func quality(_ parameters: inout ListMembers) -> Int16? {
    guard let parameter = parameters.next() else { return 1_000 }
    let (name, value) = parameter.nameAndValue
    guard name.equalsIgnoringCase("q"), let value, parameters.next() == nil else { return nil }
    return Quality.parse(value)
  }
}
