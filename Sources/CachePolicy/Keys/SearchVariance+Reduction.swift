import HTTPMessage
import NIOCore

extension SearchVariance {
  /// More parameters than this are not reduced: sorting and decoding are for what people write.
  public static let parameterLimit = 256

  /// Whether two queries, nil for none, name the same resource under this variance (section 6 of
  /// the draft).
  public func areEquivalent(
    _ left: UnsafeRawBufferPointer?, _ right: UnsafeRawBufferPointer?
  ) -> Bool {
    var one = ByteBuffer()
    var other = ByteBuffer()
    writeReducedQuery(left, into: &one)
    writeReducedQuery(right, into: &other)
    return one == other
  }

  /// Appends what counts of a query in one form: two queries have the same one when and only when
  /// this variance calls them equivalent.
  ///
  /// The parameters that count, in order of their names where their order does not, each as
  /// `?name=value` and then `&name=value`, decoded as the URL standard decodes forms (`+` is a
  /// space, `%61` an `a`, ill-formed UTF-8 U+FFFD, no `=` an empty value) and encoded again in one
  /// way. Where every difference counts: the query as it stands, after `?!`. So stands one with
  /// more than ``parameterLimit`` parameters, too, and then equals only itself.
  ///
  /// - Parameters:
  ///   - query: without its `?`; nil when the target has none.
  ///   - rule: which parameters the route keys at all.
  public func writeReducedQuery(
    _ query: UnsafeRawBufferPointer?, keeping rule: QueryRule = .all, into buffer: inout ByteBuffer
  ) {
    if isDefault {
      if let query {
        buffer.writeStaticString("?!")
        buffer.writeBytes(query)
      }
      return
    }
    guard let query, !(countsOnlyNames && names.isEmpty) else { return }
    var parameters: [(name: [UInt8], value: UnsafeRawBufferPointer)] = []
    var count = 0
    for parameter in QueryParameters(query) where rule.keeps(parameter) {
      count += 1
      if count > Self.parameterLimit {
        buffer.writeStaticString("?!")
        buffer.writeBytes(query)
        return
      }
      let text = QueryParameters.name(of: parameter)
      let name = FormText.decoded(text)
      guard names.contains(name) == countsOnlyNames else { continue }
      let value = parameter[Swift.min(text.count + 1, parameter.count)...]
      parameters.append((name, UnsafeRawBufferPointer(rebasing: value)))
    }
    if ignoresOrder { Self.sort(&parameters) }
    var separator = UInt8(ascii: "?")
    for parameter in parameters {
      buffer.writeInteger(separator)
      FormText.write(parameter.name, into: &buffer)
      buffer.writeInteger(UInt8(ascii: "="))
      FormText.write(FormText.decoded(parameter.value), into: &buffer)
      separator = UInt8(ascii: "&")
    }
  }

  /// By name; those of one name stay as they are, for their order always counts.
  private static func sort(
    _ parameters: inout [(name: [UInt8], value: UnsafeRawBufferPointer)]
  ) {
    let numbered = parameters.enumerated().sorted { left, right in
      if left.element.name == right.element.name { return left.offset < right.offset }
      return left.element.name.lexicographicallyPrecedes(right.element.name)
    }
    parameters = numbered.map(\.element)
  }
}

/// Text of a form in a query, as the URL standard has it (`application/x-www-form-urlencoded`).
enum FormText {
  /// The bytes that `text` stands for, in well-formed UTF-8.
  static func decoded(_ text: UnsafeRawBufferPointer) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var isASCII = true
    var index = 0
    while index < text.count {
      var byte = text[index]
      if byte == UInt8(ascii: "+") {
        byte = 0x20
      } else if byte == UInt8(ascii: "%"), index + 2 < text.count,
        let high = QueryParameters.hexadecimal(text[index + 1]),
        let low = QueryParameters.hexadecimal(text[index + 2])
      {
        byte = high << 4 | low
        index += 2
      }
      if byte >= 0x80 { isASCII = false }
      result.append(byte)
      index += 1
    }
    // Decoding as UTF-8 replaces what is ill-formed; few queries have anything to replace.
    return isASCII ? result : Array(String(decoding: result, as: UTF8.self).utf8)
  }

  /// Appends bytes in the one way in which the standard's serializer writes them: letters, digits
  /// and `*-._` as they are, a space as `+`, the rest as `%` and two digits.
  static func write(_ bytes: [UInt8], into buffer: inout ByteBuffer) {
    for byte in bytes {
      let isLetter = byte.asciiLowercased &- UInt8(ascii: "a") < 26
      if isLetter || byte.isASCIIDigit || isPlainMark(byte) {
        buffer.writeInteger(byte)
      } else if byte == 0x20 {
        buffer.writeInteger(UInt8(ascii: "+"))
      } else {
        buffer.writeInteger(UInt8(ascii: "%"))
        buffer.writeInteger(digit(byte >> 4))
        buffer.writeInteger(digit(byte & 0xF))
      }
    }
  }

  private static func isPlainMark(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "*") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
      || byte == UInt8(ascii: "_")
  }

  private static func digit(_ number: UInt8) -> UInt8 {
    number < 10 ? UInt8(ascii: "0") + number : UInt8(ascii: "A") + number - 10
  }
}
