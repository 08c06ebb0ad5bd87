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
  /// `*` occurs, a name is malformed, there are more than ``nameLimit``, or X-Forwarded-For is
  /// among them, to which the edge adds the client's address: no two clients share a value.
  public init?(response fields: FieldBlock) {
    var list: [[UInt8]] = []
    var isSelectable = true
    ListMembers.forEach(in: fields, .vary) { name in
      if name.equals("*") || !name.allSatisfy(\.isTokenByte) || KnownField(name) == .xForwardedFor {
        isSelectable = false
      }
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
  /// list commas and empty members go, Accept and Accept-Language are put in order,
  /// Accept-Encoding and, where the route names languages, Accept-Language are reduced. Of a field
  /// that the edge writes its own word counts; a field that it withholds from the origin
  /// (``OverrideFields``) counts as absent. A request without the field has its name alone.
  /// Allocates nothing beyond the buffer's own growth.
  public func writeVariantKey(
    request: RequestHead, rules: KeyRules = KeyRules(), into buffer: inout ByteBuffer
  ) {
    forEachName { name in
      buffer.writeBytes(name)
      let known = KnownField(name)
      if !SelectingField.writeNormalized(known, of: request, rules: rules, into: &buffer),
        !OverrideFields.withholds(name, known, rules: rules)
      {
        Self.writeRaw(name, known, of: request, into: &buffer)
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

  /// Fields that are no lists: what stands between their commas is theirs.
  private static let singletons: KnownFieldSet = [
    .authorization, .cookie, .userAgent, .referer, .origin, .from, .contentType, .range, .ifRange,
    .ifModifiedSince, .ifUnmodifiedSince,
  ]

  /// Appends `=` and the field's lines as one; nothing when the request lacks it.
  private static func writeRaw(
    _ name: UnsafeRawBufferPointer, _ known: KnownField, of request: RequestHead,
    into buffer: inout ByteBuffer
  ) {
    let isList = known == .other || !singletons.contains(known)
    var isPresent = false
    var hasMember = false
    request.fields.forEach(named: name) { value in
      if !isPresent { buffer.writeInteger(UInt8(ascii: "=")) }
      isPresent = true
      let start = buffer.writerIndex
      // Cookie lines go to the origin joined like this (RFC 9113 section 8.2.3).
      if hasMember { buffer.writeStaticString(known == .cookie ? "; " : ",") }
      let count = isList ? writeCollapsed(value, into: &buffer) : buffer.writeBytes(value)
      // A line without members adds none to the list.
      if count == 0 { buffer.moveWriterIndex(to: start) } else { hasMember = true }
    }
  }

  /// Copies a value without empty list members and the blanks around its commas, those in quoted
  /// strings excepted; how many bytes that is.
  private static func writeCollapsed(
    _ value: UnsafeRawBufferPointer, into buffer: inout ByteBuffer
  ) -> Int {
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
          while index < value.count, value[index].isOptionalWhitespace || value[index] == comma {
            index += 1
          }
          if count == 0 || index == value.count { continue }
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
