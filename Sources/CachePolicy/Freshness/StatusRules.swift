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

  /// Whether the edge implements what the status asks of a cache, as `must-understand` demands
  /// (RFC 9111 section 5.2.2.3).
  static func isUnderstood(_ status: Int) -> Bool {
    switch status {
    case 200, 203, 204, 300...303, 307, 308, 400...405, 406...418, 421...424, 426, 428, 429,
      431, 451, 500...505:
      true
    default: false
    }
  }

  /// Whether the response holds a part, or nothing, of what it stands for.
  static func isPartial(_ status: Int) -> Bool { status == 206 || status == 304 }
}
