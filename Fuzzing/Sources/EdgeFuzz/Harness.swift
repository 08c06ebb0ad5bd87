/// What the fuzzer's bytes are fed to. The name is also that of its corpus, `fixtures/fuzz/NAME`.
enum Harness: String, CaseIterable {
  /// A request's head and content, in pieces, beside the oracle.
  case request
  /// Chunked content, in pieces, beside the oracle.
  case chunked
  /// An HTTP/1.1 connection with a responder behind it.
  case connection
  /// An origin's response: the check of its head.
  case response
  /// An HTTP/2 connection, behind its preface.
  case http2
  /// Ranges, dates, entity tags, lists, Cache-Control and structured fields.
  case fields
  /// The cache key of a request, and the target that goes to the origin.
  case key

  func run(_ bytes: UnsafeRawBufferPointer) {
    switch self {
    case .request: RequestHarness.request(Bytes(bytes))
    case .chunked: RequestHarness.chunked(Bytes(bytes))
    case .connection: ConnectionHarness.http1(Bytes(bytes))
    case .response: ResponseHarness.run(Bytes(bytes))
    case .http2: ConnectionHarness.http2(Bytes(bytes))
    case .fields: FieldHarness.run(bytes)
    case .key: KeyHarness.run(Bytes(bytes))
    }
  }
}

/// Places to cut an input at: drawn from the input itself, so that a kept input repeats its run.
struct Cuts {
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325

  init(_ bytes: Bytes) {
    // FNV-1a.
    for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
  }

  private mutating func below(_ limit: Int) -> Int {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Int(state % UInt64(limit))
  }

  /// Ascending places, at most eight.
  mutating func places(_ count: Int) -> [Int] {
    guard count > 0 else { return [] }
    return (0..<below(9)).map { _ in below(count) }.sorted()
  }
}

/// Stops the process with what is wrong: libFuzzer then keeps the input.
func require(_ condition: Bool, _ text: @autoclosure () -> String) {
  if !condition { fatalError(text()) }
}
