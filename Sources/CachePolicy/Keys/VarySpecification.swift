import HTTPMessage
import NIOCore

/// The request fields that select among the stored responses of one key
/// (RFC 9110 section 12.5.5, RFC 9111 section 4.1).
public struct VarySpecification: Sendable, Equatable {
  /// More names than this are treated like `*`: no request would meet its variant again.
  public static let nameLimit = 32

  /// The field names in lower case, sorted, each once, joined by commas.
  public private(set) var names: [UInt8]

  /// No names: one response answers all requests.
  public init() { names = [] }

  /// The names in a response's Vary lines; nil when no stored response can be selected by them:
  /// `*` occurs, a name is malformed, or there are more than ``nameLimit``.
  public init?(response fields: FieldBlock) {
    var list: [[UInt8]] = []
    var isSelectable = true
    ListMembers.forEach(in: fields, .vary) { name in
      if name.equals("*") || !name.allSatisfy(\.isTokenByte) { isSelectable = false }
      if isSelectable { list.append(name.map(\.asciiLowercased)) }
    }
    guard isSelectable, let joined = Self.joined(list) else { return nil }
    names = joined
  }

  /// The specification that ``encode(into:)`` wrote.
  public init(encoded: UnsafeRawBufferPointer) { names = Array(encoded) }

  /// Appends the specification for storage: ``names`` as they stand.
  public func encode(into buffer: inout ByteBuffer) { buffer.writeBytes(names) }

  /// Whether there are no names.
  public var isEmpty: Bool { names.isEmpty }

  /// The names of both.
  public func union(_ other: VarySpecification) -> VarySpecification {
    if other.isEmpty || other == self { return self }
    if isEmpty { return other }
    let list = (names + [Self.comma] + other.names).split(separator: Self.comma).map { Array($0) }
    var result = VarySpecification()
    result.names = Self.joined(list, limit: .max) ?? []
    return result
  }

  /// Whether `name` is among the names, letter case aside.
  public func contains(_ name: UnsafeRawBufferPointer) -> Bool {
    var result = false
    forEachName { if $0.equalsIgnoringCase(name) { result = true } }
    return result
  }

  /// Appends what selects a request's variant: a line for each name with the request's value.
  ///
  /// Requests that the origin cannot tell apart should share a variant, so values are normalized
  /// where their meaning allows it (RFC 9111 section 4.1): several lines become one, blanks around
  /// list commas go, and Accept-Encoding becomes the sorted set of codings it accepts. A request
  /// without the field has its name alone. Allocates nothing beyond the buffer's own growth.
  public func writeVariantKey(request: RequestHead, into buffer: inout ByteBuffer) {
    forEachName { name in
      buffer.writeBytes(name)
      let known = KnownField(name)
      var accepted = AcceptedCodings()
      if known == .acceptEncoding { accepted = AcceptedCodings(request.fields) }
      if accepted.isNormalizable {
        // Another mark than "=" keeps the set apart from a value that only looks like one.
        buffer.writeInteger(UInt8(ascii: ":"))
        accepted.write(into: &buffer)
      } else {
        var separator = UInt8(ascii: "=")
        request.fields.forEach(named: name) { value in
          buffer.writeInteger(separator)
          Self.writeCollapsed(value, into: &buffer)
          separator = Self.comma
        }
      }
      buffer.writeInteger(UInt8(ascii: "\n"))
    }
  }

  private static let comma = UInt8(ascii: ",")

  private func forEachName(_ body: (UnsafeRawBufferPointer) -> Void) {
    names.withUnsafeBytes { names in
      var start = 0
      while start < names.count {
        let end = names[start...].firstIndex(of: Self.comma) ?? names.count
        body(UnsafeRawBufferPointer(rebasing: names[start..<end]))
        start = end + 1
      }
    }
  }

  /// Copies a value without the blanks around its commas, those in quoted strings excepted.
  private static func writeCollapsed(
    _ value: UnsafeRawBufferPointer, into buffer: inout ByteBuffer
  ) {
    buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: value.count) { out in
      var count = 0
      var isQuoted = false
      var index = 0
      while index < value.count {
        let byte = value[index]
        index += 1
        if isQuoted, byte == UInt8(ascii: "\\"), index < value.count {
          out[count] = byte
          out[count + 1] = value[index]
          count += 2
          index += 1
          continue
        }
        if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
        if byte == comma, !isQuoted {
          while count > 0, out[count - 1].isOptionalWhitespace { count -= 1 }
          while index < value.count, value[index].isOptionalWhitespace { index += 1 }
        }
        out[count] = byte
        count += 1
      }
      return count
    }
  }

  /// Sorted, each once, joined by commas; nil above the limit.
  private static func joined(_ list: [[UInt8]], limit: Int = nameLimit) -> [UInt8]? {
    var result: [UInt8] = []
    var previous: [UInt8] = []
    var count = 0
    for name in list.sorted(by: { $0.lexicographicallyPrecedes($1) }) where name != previous {
      if !result.isEmpty { result.append(comma) }
      result += name
      previous = name
      count += 1
    }
    return count <= limit ? result : nil
  }
}
