import HTTPMessage
import NIOCore

/// The content codings that a request accepts (RFC 9110 section 12.5.3), preferences left out.
///
/// Clients write the same wish in dozens of ways; as a set of codings there are few, so one
/// variant serves many. What the set cannot express (a coding not known here, a quality that is
/// no number, `*` beside refused codings) is not normalized.
struct AcceptedCodings {
  /// Whether the set says all that the field says.
  private(set) var isNormalizable = false

  private var bits: UInt16 = 0
  private var acceptsAny = false
  private var refusesAny = false
  private var refusesNamed = false
  private var refusesIdentity = false
  private var namesIdentity = false

  /// Codings in the order in which they are written.
  private static let codings: [StaticString] = [
    "br", "compress", "dcb", "dcz", "deflate", "gzip", "zstd",
  ]

  /// Of no field: not normalizable.
  init() {}

  /// Of a request's Accept-Encoding lines; not normalizable when there are none.
  init(_ fields: FieldBlock) {
    guard fields.contains(.acceptEncoding) else { return }
    var set = AcceptedCodings()
    set.isNormalizable = true
    ListMembers.forEach(in: fields, .acceptEncoding) { set.add($0) }
    if set.acceptsAny && (set.refusesNamed || set.refusesIdentity || set.refusesAny) {
      set.isNormalizable = false
    }
    if set.refusesAny && !set.namesIdentity { set.refusesIdentity = true }
    self = set
  }

  /// Appends the set, such as `br,gzip`; `!identity` in it says that content must be coded.
  func write(into buffer: inout ByteBuffer) {
    var isFirst = true
    func append(_ text: StaticString) {
      if !isFirst { buffer.writeInteger(UInt8(ascii: ",")) }
      buffer.writeStaticString(text)
      isFirst = false
    }
    if refusesIdentity { append("!identity") }
    if acceptsAny { append("*") }
    for index in 0..<Self.codings.count where bits >> UInt16(index) & 1 == 1 {
      append(Self.codings[index])
    }
  }

  private mutating func add(_ member: UnsafeRawBufferPointer) {
    var parts = ListMembers(member, separator: UInt8(ascii: ";"))
    guard let coding = parts.next(), let isAccepted = Self.isAccepted(&parts) else {
      isNormalizable = false
      return
    }
    if coding.equals("*") {
      if isAccepted { acceptsAny = true } else { refusesAny = true }
    } else if coding.equalsIgnoringCase("identity") {
      namesIdentity = true
      if !isAccepted { refusesIdentity = true }
    } else if let index = Self.index(of: coding) {
      if isAccepted { bits |= 1 << UInt16(index) } else { refusesNamed = true }
    } else {
      isNormalizable = false
    }
  }

  /// The coding's place; the aliases of RFC 9110 section 8.4.1 count as what they stand for.
  private static func index(of coding: UnsafeRawBufferPointer) -> Int? {
    let candidate: Int
    switch coding.count {
    case 2: candidate = 0
    case 3: candidate = coding[2].asciiLowercased == UInt8(ascii: "b") ? 2 : 3
    case 4: candidate = coding[0].asciiLowercased == UInt8(ascii: "g") ? 5 : 6
    case 6: return coding.equalsIgnoringCase("x-gzip") ? 5 : nil
    case 7: candidate = 4
    case 8: candidate = 1
    case 10: return coding.equalsIgnoringCase("x-compress") ? 1 : nil
    default: return nil
    }
    if coding.equalsIgnoringCase(codings[candidate]) { return candidate }
    return nil
  }

  /// Whether the quality is above zero (RFC 9110 section 12.4.2); nil when it is malformed or
  /// another parameter stands there.
  private static func isAccepted(_ parameters: inout ListMembers) -> Bool? {
    guard let parameter = parameters.next() else { return true }
    let (name, value) = parameter.nameAndValue
    guard name.equalsIgnoringCase("q"), let value, let first = value.first,
      first == UInt8(ascii: "0") || first == UInt8(ascii: "1"), value.count <= 5,
      value.count < 2 || value[1] == UInt8(ascii: "."), parameters.next() == nil
    else { return nil }
    var isAboveZero = first == UInt8(ascii: "1")
    for digit in value.dropFirst(2) {
      guard digit.isASCIIDigit else { return nil }
      if digit != UInt8(ascii: "0") { isAboveZero = true }
    }
    return isAboveZero
  }
}
