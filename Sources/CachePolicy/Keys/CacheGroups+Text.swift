import NIOCore

extension CacheGroups {
  /// The tag of a group as ``forEachTag(request:_:)`` writes it, for whoever invalidates one by
  /// hand.
  /// - Parameters:
  ///   - origin: scheme and authority, such as `https://www.example.com`.
  ///   - group: the group's name.
  /// - Returns: nil when one of them is not what it should be.
  public static func tagText(origin: String, group: String) -> String? {
    let isSecure = origin.lowercased().hasPrefix("https://")
    guard isSecure || origin.lowercased().hasPrefix("http://"),
      (1...lengthLimitBytes).contains(group.utf8.count)
    else { return nil }
    var authority = origin.dropFirst(isSecure ? 8 : 7)
    if authority.hasSuffix("/") { authority = authority.dropLast() }
    guard !authority.isEmpty, !authority.utf8.contains(where: { $0 <= 0x20 || $0 == 0x2F }) else {
      return nil
    }
    var tag = ByteBuffer(string: isSecure ? "https://" : "http://")
    ByteBuffer(substring: authority).withUnsafeReadableBytes {
      CacheKeyBuilder.writeHost($0, isSecure: isSecure, into: &tag)
    }
    tag.writeString(" \"" + group)
    return String(buffer: tag)
  }
}
