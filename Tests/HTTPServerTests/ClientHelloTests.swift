import NIOCore
import Testing

@testable import HTTPServer

/// What is read out of a ClientHello, and what is left to the TLS library.
@Suite struct ClientHelloTests {
  /// A record with a ClientHello of these suites and extensions.
  private func hello(
    suites: [UInt16] = [0x1301, 0xC02B, 0xC02F], algorithms: [UInt16]? = [0x0403, 0x0804],
    versions: [UInt16]? = [0x0304, 0x0303]
  ) -> [UInt8] {
    func words(_ list: [UInt16]) -> [UInt8] { list.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] } }
    func vector16(_ bytes: [UInt8]) -> [UInt8] { words([UInt16(bytes.count)]) + bytes }
    var extensions: [UInt8] = words([0]) + vector16([0, 0])
    if let algorithms { extensions += words([13]) + vector16(vector16(words(algorithms))) }
    if let versions {
      let list = words(versions)
      extensions += words([43]) + vector16([UInt8(list.count)] + list)
    }
    let body =
      words([0x0303]) + [UInt8](repeating: 7, count: 32) + [32]
      + [UInt8](repeating: 9, count: 32) + vector16(words(suites)) + [1, 0]
      + vector16(extensions)
    let message = [1, 0] + words([UInt16(body.count)]) + body
    return [22, 3, 1] + vector16(message)
  }

  private func read(_ bytes: [UInt8]) -> ClientHello.Result { .init(bytes) }

  @Test func theKindsOfSignaturesAreRead() {
    #expect(read(hello()) == .read(ClientHello(takesECDSA: true, takesRSA: true)))
    #expect(
      read(hello(algorithms: [0x0804, 0x0401]))
        == .read(ClientHello(takesECDSA: false, takesRSA: true)))
    #expect(
      read(hello(algorithms: [0x0503])) == .read(ClientHello(takesECDSA: true, takesRSA: false)))
    #expect(
      read(hello(algorithms: nil)) == .read(ClientHello(takesECDSA: false, takesRSA: false)))
  }

  @Test func ofTLS12TheSuitesCountToo() {
    #expect(
      read(hello(suites: [0xC02F], versions: nil))
        == .read(ClientHello(takesECDSA: false, takesRSA: true)))
    #expect(
      read(hello(suites: [0xC02C], versions: nil))
        == .read(ClientHello(takesECDSA: true, takesRSA: true)))
    #expect(
      read(hello(suites: [0x1301]))
        == .read(ClientHello(takesECDSA: true, takesRSA: true)))
  }

  @Test func everyPrefixIsIncomplete() {
    let bytes = hello()
    for count in 0..<bytes.count { #expect(read(Array(bytes[..<count])) == .incomplete) }
    // What follows the record does not matter.
    #expect(read(bytes + [1, 2, 3]) == read(bytes))
  }

  @Test func whatIsNoHelloIsLeftToTheLibrary() {
    #expect(read(Array("GET / HTTP/1.1\r\n".utf8)) == .unreadable)
    #expect(read([22, 3, 1, 0xFF, 0xFF]) == .unreadable)
    #expect(read([22, 3, 1, 0, 4, 2, 0, 0, 0]) == .unreadable)
    #expect(read([22, 3, 1, 0, 1, 1]) == .unreadable)
    // Every byte cut out of the body, its lengths left as they were.
    let bytes = hello()
    for count in 10..<(bytes.count - 5) {
      let fragment = Array(bytes[5..<(5 + count)])
      let record = [22, 3, 1, UInt8(count >> 8), UInt8(count & 0xFF)] + fragment
      #expect(read(record) == .unreadable)
    }
  }
}

extension ClientHello.Result {
  fileprivate init(_ bytes: [UInt8]) { self = ClientHello.read(ByteBuffer(bytes: bytes)) }
}
