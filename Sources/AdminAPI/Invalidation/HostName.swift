/// A host, with a port where one other than 80 and 443 was named; in lower case.
struct HostName: Sendable {
  let text: String

  /// Nil when the text is no host name or IP address.
  init?(_ text: String) {
    let isUsable = text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: ":"):
        true
      default: "-._[]".utf8.contains(byte)
      }
    }
    guard isUsable, !text.isEmpty, text.utf8.count <= 255 else { return nil }
    self.text = AdminTarget.withoutDefaultPort(text)
  }
}
