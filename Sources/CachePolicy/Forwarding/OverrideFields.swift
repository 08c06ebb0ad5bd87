import HTTPMessage

/// Request fields by which frameworks and servers let another party change what a request is for:
/// its host, scheme, port, path, method, client or device.
///
/// Behind a cache each of them is a way to poison it: the attacker sends `X-Forwarded-Host: evil`,
/// the origin builds its links with it, and the answer is stored under a key that does not hold
/// the field. So a request that may be answered from the cache goes on without them, unless the
/// route keys them or lets them through. The classes, by name or beginning of name:
///
/// | class | fields |
/// |---|---|
/// | host, scheme, port, path prefix | `X-Forwarded-*`, `X-Original-*`, `X-Host` and the like |
/// | path | `X-Rewrite-*`, `X-Override-*`, `X-Original-URL`, `Request-URI` |
/// | method | `X-HTTP-Method*`, `X-Method-Override` |
/// | client address | `X-Real-IP`, `True-Client-IP`, `Client-IP` and the like, `Forwarded` |
/// | what the recipient may do | `Surrogate-Capability`, which asks for unprocessed ESI |
/// | environment | `Proxy`, which CGI takes for the address of a proxy |
/// | device | `X-Device-Class`, which is the edge's to say |
/// | another spelling of any field | names with `_`, which CGI and its heirs take for `-` |
enum OverrideFields {
  /// Whether the origin does not get to see the field of a request that may be answered from the
  /// cache. O(bytes of the name) but for names that match; then O(names of the route), too.
  @inline(__always)
  static func withholds(
    _ name: UnsafeRawBufferPointer, _ known: KnownField, rules: KeyRules
  ) -> Bool {
    guard known == .other ? contains(name) : knownFields.contains(known) else { return false }
    return !rules.forwards(name)
  }

  private static let knownFields: KnownFieldSet = [
    .forwarded, .xHTTPMethodOverride, .xOriginalURL, .xRewriteURL, .xDeviceClass,
  ]

  /// Beginnings of names, in lower case.
  private static let prefixes: [StaticString] = [
    "x-forwarded-", "x-original-", "x-rewrite-", "x-override-", "x-http-method", "x-http-host",
  ]

  /// Whole names, in lower case.
  private static let names: [StaticString] = [
    "x-forwarded", "x-host", "x-backend-host", "x-proxy-host", "x-proxy-url", "x-real-host",
    "x-method-override", "x-scheme", "x-url-scheme", "x-script-name", "x-request-uri", "x-uri",
    "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-remote-ip", "x-remote-addr",
    "x-originating-ip", "true-client-ip", "client-ip", "cf-connecting-ip", "fastly-client-ip",
    "front-end-https", "request-uri", "base-url", "http-url", "proxy", "proxy-host", "proxy-url",
    "surrogate-capability",
  ]

  /// A bit for each letter that a row of either table begins with.
  private static let firstLetters: UInt32 = (prefixes + names).reduce(0) { letters, name in
    letters | 1 << UInt32(name.utf8Start[0] - UInt8(ascii: "a"))
  }

  /// Whether a name that the edge has no other use for belongs to a class.
  private static func contains(_ name: UnsafeRawBufferPointer) -> Bool {
    for byte in name where byte == UInt8(ascii: "_") { return true }
    guard let first = name.first else { return false }
    let letter = first.asciiLowercased &- UInt8(ascii: "a")
    guard letter < 26, firstLetters >> UInt32(letter) & 1 == 1 else { return false }
    for prefix in prefixes where name.count >= prefix.utf8CodeUnitCount {
      let start = UnsafeRawBufferPointer(rebasing: name[..<prefix.utf8CodeUnitCount])
      if start.equalsIgnoringCase(prefix) { return true }
    }
    return names.contains { name.equalsIgnoringCase($0) }
  }
}
