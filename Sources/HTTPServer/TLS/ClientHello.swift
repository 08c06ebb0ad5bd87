import NIOCore

/// What of a TLS ClientHello tells which kinds of keys its sender can verify: read before the TLS
/// library sees it, which lets nobody choose by anything but the server's name.
///
/// Nothing here is checked for its own sake: what cannot be read goes to the library as it came,
/// and fails there if it has to.
struct ClientHello: Equatable {
  /// A longer one is not waited for: one record of the largest size (RFC 8446 section 5.1).
  static let limitBytes = 5 + (1 << 14)

  /// Whether it takes a signature by an ECDSA key.
  private(set) var takesECDSA = false
  /// Whether it takes one by an RSA key.
  private(set) var takesRSA = false

  /// A ClientHello of a sender that takes these.
  init(takesECDSA: Bool, takesRSA: Bool) {
    self.takesECDSA = takesECDSA
    self.takesRSA = takesRSA
  }

  enum Result: Equatable {
    /// More bytes have to come.
    case incomplete
    /// No ClientHello, or not one in a single record.
    case unreadable
    case read(ClientHello)
  }

  /// Reads the first record of a connection.
  static func read(_ bytes: ByteBuffer) -> Result {
    var record = bytes
    guard let type = record.readInteger(as: UInt8.self) else { return .incomplete }
    guard type == 22 else { return .unreadable }
    guard record.readInteger(as: UInt16.self) != nil,
      let length = record.readInteger(as: UInt16.self)
    else { return .incomplete }
    guard length <= 1 << 14 else { return .unreadable }
    guard var fragment = record.readSlice(length: Int(length)) else { return .incomplete }
    guard fragment.readInteger(as: UInt8.self) == 1, let hello = fragment.readVector24() else {
      return .unreadable
    }
    return ClientHello(hello).map { .read($0) } ?? .unreadable
  }

  /// Reads the message's body (RFC 8446 section 4.1.2); nil when it ends too early.
  private init?(_ body: ByteBuffer) {
    var body = body
    guard body.readSlice(length: 2 + 32) != nil, body.readVector8() != nil,
      let suites = body.readVector16(), body.readVector8() != nil
    else { return nil }
    var algorithms: [UInt16] = []
    var speaksTLS13 = false
    if var extensions = body.readVector16() {
      while extensions.readableBytes > 0 {
        guard let type = extensions.readInteger(as: UInt16.self),
          var data = extensions.readVector16()
        else { return nil }
        switch type {
        case 13: algorithms = data.readVector16()?.words ?? []
        case 43: speaksTLS13 = data.readVector8()?.words.contains(0x0304) ?? false
        default: break
        }
      }
    }
    // In TLS 1.2 the suite names the kind of key, too (RFC 8422, RFC 7905).
    let suitesForECDSA: [UInt16] = [0xC02B, 0xC02C, 0xCCA9]
    let hasSuite = speaksTLS13 || suites.words.contains { suitesForECDSA.contains($0) }
    takesECDSA = hasSuite && algorithms.contains { [0x0403, 0x0503, 0x0603].contains($0) }
    takesRSA = algorithms.contains {
      [0x0804, 0x0805, 0x0806, 0x0809, 0x080A, 0x080B, 0x0401, 0x0501, 0x0601].contains($0)
    }
  }
}

extension ByteBuffer {
  fileprivate mutating func readVector8() -> ByteBuffer? {
    readInteger(as: UInt8.self).flatMap { readSlice(length: Int($0)) }
  }

  fileprivate mutating func readVector16() -> ByteBuffer? {
    readInteger(as: UInt16.self).flatMap { readSlice(length: Int($0)) }
  }

  fileprivate mutating func readVector24() -> ByteBuffer? {
    guard let high = readInteger(as: UInt8.self), let low = readInteger(as: UInt16.self) else {
      return nil
    }
    return readSlice(length: Int(high) << 16 | Int(low))
  }

  /// The bytes as 16-bit numbers.
  fileprivate var words: [UInt16] {
    var rest = self
    var words: [UInt16] = []
    while let word = rest.readInteger(as: UInt16.self) { words.append(word) }
    return words
  }
}
