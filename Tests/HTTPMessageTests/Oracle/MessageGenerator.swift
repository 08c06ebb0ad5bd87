/// Makes messages that are right, nearly right, and wrong in the ways that parsers disagree about.
struct MessageGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// SplitMix64 (Steele, Lea, Flood 2014).
  private mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }

  private mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(max(limit, 1))) }

  private mutating func pick(_ choices: [String]) -> String { choices[below(choices.count)] }

  /// The first choice mostly, any other one time in `rarity`.
  private mutating func mostly(_ choices: [String], rarity: Int) -> String {
    below(rarity) > 0 ? choices[0] : pick(choices)
  }

  /// A request, mostly with up to three bytes changed.
  mutating func request() -> Bytes {
    var text = mostly(["", "\r\n", "\r\n\r\n", "\r\n\r\n\r\n", "\n", "\r"], rarity: 12)
    let method = pick(Self.methods)
    text += method + mostly([" ", "  ", "\t", "", " \t"], rarity: 24)
    text += pick(Self.targets) + mostly([" ", "  ", "\t", ""], rarity: 24)
    text += mostly(Self.versions, rarity: 6) + lineEnd()
    text += "Host" + colon() + mostly(Self.hosts, rarity: 5) + lineEnd()
    for _ in 0..<below(4) { text += field() }
    text += lineEnd()
    let bytes = Bytes(text.utf8) + (below(3) > 0 ? chunkedBytes() : Bytes("hello, GET /".utf8))
    return mutated(bytes)
  }

  /// Chunked content, mostly with up to three bytes changed.
  mutating func chunked() -> Bytes { mutated(chunkedBytes()) }

  /// Ascending places to cut `count` bytes at.
  mutating func cuts(_ count: Int) -> [Int] {
    switch below(4) {
    case 0: []
    case 1: Array(stride(from: 1, to: count, by: 1))
    default: (0...below(4)).map { _ in below(count) }.sorted()
    }
  }

  private mutating func lineEnd() -> String {
    mostly(["\r\n", "\n", "\r", "\r\r\n", "\r\n ", " \r\n", "\n\r\n", "\0\r\n"], rarity: 40)
  }

  private mutating func colon() -> String {
    mostly([": ", ":", " : ", ":\t", "\t:", ":  \t ", "", "::"], rarity: 8)
  }

  private mutating func field() -> String {
    let (names, values) = Self.fields[below(Self.fields.count)]
    return pick(names) + colon() + pick(values) + lineEnd()
  }

  private mutating func chunkedBytes() -> Bytes {
    var text = ""
    for _ in 0..<below(4) {
      let count = below(20)
      text += size(count) + extensions() + lineEnd()
      text += String("abcdefghijklmnopqrst".prefix(below(16) > 0 ? count : below(20))) + lineEnd()
    }
    text += mostly(["0", "00", "0000000000000000", "", "0x0", "-0", "+0", " 0"], rarity: 8)
    text += extensions() + lineEnd()
    for _ in 0..<below(2) { text += field() }
    return Bytes(text.utf8) + Bytes((lineEnd() + mostly(["", "GET /", "\r\n"], rarity: 3)).utf8)
  }

  private mutating func size(_ count: Int) -> String {
    let digits = String(count, radix: 16)
    return mostly(
      [
        digits, "0" + digits, digits.uppercased(), "0x" + digits, "+" + digits, digits + "_0",
        " " + digits, digits + " ", "7fffffffffffffff", "8000000000000000", "ffffffffffffffff",
        "10000000000000000", "0000000000000000" + digits, digits + "h",
      ], rarity: 8)
  }

  private mutating func extensions() -> String {
    mostly(["", ";a", ";a=b", " ;a", "\t; a=\"b\"", ";", ";a\u{1}", ";\"\n\""], rarity: 6)
  }

  private mutating func mutated(_ bytes: Bytes) -> Bytes {
    var bytes = bytes
    for _ in 0..<max(0, below(6) - 2) where !bytes.isEmpty {
      let place = below(bytes.count)
      switch below(6) {
      case 0: bytes.remove(at: place)
      case 1: bytes.insert(Self.oddBytes[below(Self.oddBytes.count)], at: place)
      case 2: bytes[place] = Self.oddBytes[below(Self.oddBytes.count)]
      case 3: bytes[place] = UInt8(truncatingIfNeeded: next())
      case 4: bytes.insert(contentsOf: bytes[place...].prefix(below(12)), at: below(bytes.count))
      default: bytes.removeLast(bytes.count - place)
      }
    }
    return bytes
  }

  private static let oddBytes =
    Bytes("\r\n\t \0:;,/?#%*@[]\"\u{7f}\u{1}0xX+-_~".utf8) + [0x80, 0xFF]
  private static let methods = [
    "GET", "GET", "POST", "POST", "PUT", "OPTIONS", "CONNECT", "get", "M-SEARCH", "G(T", "PRI",
  ]
  private static let targets = [
    "/", "/", "/a/b?c=d", "/a?b?c", "*", "http://a/", "http://a", "HTTP://A?q", "https://a:8/p",
    "http://b/", "http://u@a/", "http://a:99999/", "http:///", "ftp://a/", "a:80", "/a#b", "//a",
    "/\u{e9}", "/%00", "http://[::1]/", "/a\\b",
  ]
  private static let versions = [
    "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "http/1.1", "HTTP/1.10",
    "HTTP/1", "HTTP/1,1", "HTTP /1.1", "HTTP/01.1", "",
  ]
  private static let hosts = [
    "a", "a", "A", "a:80", "b", "", "a:", "a:65536", "a b", "u@a", "a/b", "[::1]", "[::1",
    "[1:2:3:4:5:6:7:8]", "[::1.2.3.4]:8", "a,b", "a%41", "a%4",
  ]
  private static let fields: [(names: [String], values: [String])] = [
    (
      ["Content-Length", "content-length", "CONTENT-LENGTH", "Content_Length", "Content-Length "],
      [
        "5", "0", "5", "+5", "-5", "0x5", "5_0", "05", "", "5, 5", "5,", "5 5",
        "9223372036854775807",
        "9223372036854775808", "18446744073709551621", "5.0", "5\t",
      ]
    ),
    (
      ["Transfer-Encoding", "transfer-encoding", "Transfer_Encoding", "Transfer-Encoding\u{0}"],
      [
        "chunked", "chunked", "Chunked", "xchunked", "chunked, chunked", "gzip, chunked",
        "chunked,",
        ",chunked", "chunked;q=1", "\"chunked\"", "identity", "chunked, identity", "",
        "\u{b}chunked",
        "chunked gzip", "'chunked'",
      ]
    ),
    (["Connection"], ["close", "keep-alive", "Close, x", "x,close", "content-length", ""]),
    (["Expect"], ["100-continue", "100-Continue", "200-ok", ""]),
    (["Host", "host"], ["a", "b", ""]),
    (
      ["X", "X-Y", "", "X Y", "\tX", "X\u{80}"], ["v", "", "a\tb", "a\u{0}b", "\u{e9}", "a\u{7f}"]
    ),
  ]
}
