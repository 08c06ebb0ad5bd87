import HTTPMessage

extension ForwardedFields {
  /// Whether a request has come through this edge already: CDN-Loop holds its name (RFC 8586
  /// section 2). The answer is 508 (Loop Detected). Letter case does not count, for the name may
  /// be a host; parameters belong to whoever wrote them. One flag test without the field.
  ///
  /// Every comma separates, one in a quoted string, too: a client that sends an opening quote
  /// would otherwise hide all names that are appended behind it, and could set off the very loop
  /// that the field is there to end.
  public static func isLoop(_ head: RequestHead, name: UnsafeRawBufferPointer) -> Bool {
    guard head.fields.contains(.cdnLoop) else { return false }
    var result = false
    head.fields.forEach(.cdnLoop) { line in
      var rest = line
      while !rest.isEmpty, !result {
        let end = rest.firstIndex(of: UInt8(ascii: ",")) ?? rest.count
        let member = rest[..<end]
        let identifier = member[..<(member.firstIndex(of: UInt8(ascii: ";")) ?? end)]
        result = UnsafeRawBufferPointer(rebasing: identifier).trimmed.equalsIgnoringCase(name)
        rest = UnsafeRawBufferPointer(rebasing: rest[min(end + 1, rest.count)...])
      }
    }
    return result
  }

  /// Whether `name` may stand in CDN-Loop and Via: a token, or a host with or without a port.
  public static func isValidName(_ name: UnsafeRawBufferPointer) -> Bool {
    guard !name.isEmpty else { return false }
    if name.allSatisfy(\.isTokenByte) { return true }
    // A registered name may hold what ends a list member or a value; here it must not.
    let isPlain = name.allSatisfy { byte in
      byte.isTokenByte || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "[")
        || byte == UInt8(ascii: "]")
    }
    return isPlain && HostSyntax.isValid(name)
  }
}
