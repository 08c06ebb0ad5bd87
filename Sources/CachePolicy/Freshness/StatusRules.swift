/// What status codes mean to a cache.
enum StatusRules {
  /// Whether a response of this status may be stored when it declares no lifetime: the
  /// heuristically cacheable ones (RFC 9110 section 15.1) but 206, which is partial.
  static func isCacheableByDefault(_ status: Int) -> Bool {
    switch status {
    case 200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501: true
    default: false
    }
  }

  /// Whether the status is one of those whose lifetimes ``ErrorLifetimes`` governs.
  static func isError(_ status: Int) -> Bool {
    switch status {
    case 404, 405, 410, 414, 500...504: true
    default: false
    }
  }

  /// Whether the edge implements what the status asks of a cache, as `must-understand` demands
  /// (RFC 9111 section 5.2.2.3).
  static func isUnderstood(_ status: Int) -> Bool {
    switch status {
    case 200, 203, 204, 300...303, 307, 308, 400...418, 421...424, 426, 451, 500...505:
      true
    default: false
    }
  }

  /// Whether a cache must not store the status, whatever the response says (RFC 6585 sections 3 to
  /// 6): these tell one client about its requests.
  static func isNeverStored(_ status: Int) -> Bool {
    status == 428 || status == 429 || status == 431 || status == 511
  }

  /// Whether the response is final (RFC 9110 section 15.2); interim ones are never stored.
  static func isFinal(_ status: Int) -> Bool { status >= 200 }

  /// Whether the response holds a part, or nothing, of what it stands for.
  static func isPartial(_ status: Int) -> Bool { status == 206 || status == 304 }
}
