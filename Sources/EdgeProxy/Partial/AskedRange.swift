import HTTPMessage
import NIOCore

/// The one range that a request asks for, before the representation's length is known
/// (RFC 9110 section 14.1.2).
enum AskedRange: Equatable, Sendable {
  /// From a first to a last position, both included.
  case between(Int, Int)
  /// From a position to the end.
  case from(Int)
  /// The last so many bytes.
  case last(Int)

  /// The range of a GET that asks for exactly one, in bytes; nil for anything else, which includes
  /// what cannot be satisfied whatever the length.
  init?(_ request: RequestHead) {
    guard request.method == .get, request.fields.occurrences(of: .range) == 1,
      let range = request.fields.withFirst(.range, { AskedRange(value: $0) }) ?? nil
    else { return nil }
    self = range
  }

  /// Reads a Range field's value; nil when it is no single range of bytes.
  init?(value: UnsafeRawBufferPointer) {
    let (unit, set) = value.nameAndValue
    guard unit.equalsIgnoringCase("bytes"), let set else { return nil }
    var members = ListMembers(set)
    guard let member = members.next(), members.next() == nil,
      let dash = member.firstIndex(of: UInt8(ascii: "-"))
    else { return nil }
    let first = UnsafeRawBufferPointer(rebasing: member[..<dash])
    let last = UnsafeRawBufferPointer(rebasing: member[(dash + 1)...])
    if first.isEmpty {
      guard let count = last.decimal(), count > 0 else { return nil }
      self = .last(Int(count))
    } else if last.isEmpty {
      guard let start = first.decimal() else { return nil }
      self = .from(Int(start))
    } else {
      guard let start = first.decimal(), let end = last.decimal(), start <= end else { return nil }
      self = .between(Int(start), Int(end))
    }
  }

  /// Whether it is the whole representation, whatever its length.
  var isWhole: Bool { self == .from(0) }

  /// Its first position; nil when that depends on the length.
  var start: Int? {
    switch self {
    case .between(let start, _), .from(let start): start
    case .last: nil
    }
  }

  /// Its bytes of a representation of this length; nil when none of them exist.
  func resolved(length: Int) -> Range<Int>? {
    switch self {
    case .between(let start, let end): start < length ? start..<min(end, length - 1) + 1 : nil
    case .from(let start): start < length ? start..<length : nil
    case .last(let count): length > 0 ? max(0, length - count)..<length : nil
    }
  }

  /// The Range field's value that asks for it.
  var fieldValue: ByteBuffer {
    var value = ByteBuffer()
    value.writeStaticString("bytes=")
    switch self {
    case .between(let start, let end):
      value.writeDecimal(start)
      value.writeStaticString("-")
      value.writeDecimal(end)
    case .from(let start):
      value.writeDecimal(start)
      value.writeStaticString("-")
    case .last(let count):
      value.writeStaticString("-")
      value.writeDecimal(count)
    }
    return value
  }
}
