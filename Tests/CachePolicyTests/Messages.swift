import HTTPMessage
import NIOCore

@testable import CachePolicy

/// The moment at which most tests receive a response: Sun, 06 Nov 1994 08:49:37 GMT.
let receipt: Int64 = 784_111_777

/// A date as fields carry it.
func httpDate(_ seconds: Int64) -> String {
  var buffer = ByteBuffer()
  HTTPDate.write(seconds, into: &buffer)
  return String(buffer: buffer)
}

/// A request head as a parser would make it: all ranges point into one buffer.
func makeRequest(
  _ method: String = "GET", _ target: String = "/", host: String = "example.com",
  isSecure: Bool = false, framing: BodyFraming = .none, version: HTTPVersion = .http11,
  fields: [(String, String)] = []
) -> RequestHead {
  var bytes = ByteBuffer()
  func append(_ text: String) -> TextRange {
    let offset = bytes.readableBytes
    return TextRange(offset: offset, count: bytes.writeString(text))
  }
  let methodName = append(method)
  let targetRange = append(target)
  let authority = append(host)
  let pathCount = target.utf8.firstIndex(of: UInt8(ascii: "?")).map {
    target.utf8.distance(from: target.utf8.startIndex, to: $0)
  }
  let offset = Int(targetRange.offset)
  let count = Int(targetRange.count)
  var entries: [FieldEntry] = []
  var presence: KnownFieldSet = []
  for (name, value) in fields {
    let known = Array(name.utf8).withUnsafeBytes { KnownField($0) }
    entries.append(FieldEntry(name: append(name), value: append(value), known: known))
    presence.insert(known)
  }
  return RequestHead(
    method: Array(method.utf8).withUnsafeBytes { RequestMethod($0) }, version: version,
    framing: framing, isSecure: isSecure, keepsAlive: true, expectsContinue: false,
    methodName: methodName, target: targetRange,
    path: TextRange(offset: offset, count: pathCount ?? count),
    query: pathCount.map { TextRange(offset: offset + $0 + 1, count: count - $0 - 1) },
    authority: authority,
    fields: FieldBlock(bytes: bytes, entries: entries, presence: presence))
}

/// A response head as the transport would make it.
func makeResponse(_ status: Int = 200, _ fields: [(String, String)] = []) -> OriginResponseHead {
  OriginResponseHead(status: status, fields: makeFields(fields), contentLength: nil)
}

/// A built block.
func makeFields(_ fields: [(String, String)]) -> FieldBlock {
  var block = FieldBlock()
  for (name, value) in fields { block.append(name, value) }
  return block
}

/// The lines of a block as text.
func lines(_ fields: FieldBlock) -> [String] {
  var result: [String] = []
  fields.forEachLine { name, value, _ in result.append("\(name.text): \(value.text)") }
  return result
}

/// Decides about a response received at ``receipt``, sent for at the same second.
func decide(
  _ response: OriginResponseHead, to request: RequestHead = makeRequest(),
  _ rules: PolicyRules = PolicyRules()
) -> StoreDecision {
  StorePolicy.decide(
    request: request, response: response, requestTime: receipt, responseTime: receipt,
    rules: rules)
}

extension StoreDecision {
  /// The freshness when it is stored.
  var freshness: Freshness? {
    if case .store(let freshness, _) = self { return freshness }
    return nil
  }

  /// The lifetime's source when it is stored.
  var source: LifetimeSource? {
    if case .store(_, let source) = self { return source }
    return nil
  }

  /// The reason when it is refused.
  var refusal: StoreRefusal? {
    if case .refuse(let refusal) = self { return refusal }
    return nil
  }
}

/// Calls `body` with the bytes of `text`.
func withBytes<Result>(_ text: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
  Array(text.utf8).withUnsafeBytes { body($0) }
}

/// Numbers that a printed seed brings back.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// SplitMix64 (Steele, Lea and Flood 2014).
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
