import HTTPMessage

extension CacheControl {
  /// The directives of a targeted field's value (RFC 9213 section 2.1); nil when it is empty or no
  /// Dictionary. O(bytes).
  ///
  /// A value of another type than its directive has does not count: seconds are Integers, so that
  /// `max-age="1"` and `max-age=1.0` say nothing. A directive without an argument is true; `?0` and
  /// arguments say nothing. The names of `private` and `no-cache` stand in a String, or one in a
  /// Token. Parameters are read and not used. Of two members with one key the last counts
  /// (RFC 9651 section 4.2.2). A negative number of seconds is invalid as in Cache-Control, and
  /// makes the response stale.
  init?(targeted value: UnsafeRawBufferPointer) {
    self.init()
    var isEmpty = true
    var noCacheNames: UnsafeRawBufferPointer?
    var privateNames: UnsafeRawBufferPointer?
    let isDictionary = StructuredDictionary.read(value) { key, value in
      isEmpty = false
      if key.equals("no-cache") {
        noCache = value.isTrue
        noCacheNames = value.names
      } else if key.equals("private") {
        isPrivate = value.isTrue
        privateNames = value.names
      } else {
        assign(key, value)
      }
    }
    guard isDictionary, !isEmpty else { return nil }
    if let noCacheNames, !withhold(noCacheNames) { noCache = true }
    if let privateNames, !withhold(privateNames) { isPrivate = true }
  }

  private mutating func assign(_ key: UnsafeRawBufferPointer, _ value: StructuredDictionary.Value) {
    switch key.count {
    case 6 where key.equals("public"): isPublic = value.isTrue
    case 7 where key.equals("max-age"): maxAge = value.seconds
    case 8:
      if key.equals("s-maxage") {
        sMaxAge = value.seconds
      } else if key.equals("no-store") {
        noStore = value.isTrue
      }
    case 9 where key.equals("immutable"): immutable = value.isTrue
    case 12 where key.equals("no-transform"): noTransform = value.isTrue
    case 14 where key.equals("stale-if-error"): staleIfError = value.seconds
    case 15:
      if key.equals("must-revalidate") {
        mustRevalidate = value.isTrue
      } else if key.equals("must-understand") {
        mustUnderstand = value.isTrue
      }
    case 16 where key.equals("proxy-revalidate"): proxyRevalidate = value.isTrue
    case 22 where key.equals("stale-while-revalidate"): staleWhileRevalidate = value.seconds
    default: break
    }
  }
}

extension StructuredDictionary.Value {
  fileprivate var isTrue: Bool {
    if case .boolean(true) = self { return true }
    return false
  }

  fileprivate var seconds: Int64? {
    guard case .integer(let number) = self else { return nil }
    return min(max(0, number), CacheControl.secondsLimit)
  }

  fileprivate var names: UnsafeRawBufferPointer? {
    switch self {
    case .string(let names), .token(let names): names
    default: nil
    }
  }
}
