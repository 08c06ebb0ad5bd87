import Glibc

/// Times as people and programs both read them: `2026-11-28T01:02:03Z` (RFC 3339, in UTC).
public enum UTCTime {
  /// The text of a moment in seconds since 1970.
  public static func text(_ seconds: Int64) -> String {
    var moment = time_t(seconds)
    var parts = tm()
    guard gmtime_r(&moment, &parts) != nil else { return "?" }
    func digits(_ number: Int32, _ width: Int = 2) -> String {
      let text = String(number)
      return String(repeating: "0", count: max(0, width - text.count)) + text
    }
    return "\(digits(parts.tm_year + 1900, 4))-\(digits(parts.tm_mon + 1))-\(digits(parts.tm_mday))"
      + "T\(digits(parts.tm_hour)):\(digits(parts.tm_min)):\(digits(parts.tm_sec))Z"
  }

  /// Seconds since 1970 of such a text; nil when it is none, or names no moment.
  public static func seconds(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    guard bytes.count == 20 else { return nil }
    for (place, mark) in [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":"), (19, "Z")]
    where bytes[place] != mark.utf8.first {
      return nil
    }
    func number(_ range: Range<Int>) -> Int32? {
      guard bytes[range].allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
      return Int32(String(decoding: bytes[range], as: UTF8.self))
    }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
      let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19)
    else { return nil }
    var parts = tm()
    parts.tm_year = year - 1900
    parts.tm_mon = month - 1
    parts.tm_mday = day
    parts.tm_hour = hour
    parts.tm_min = minute
    parts.tm_sec = second
    let moment = Int64(timegm(&parts))
    // timegm takes 31 February for a day of March.
    return UTCTime.text(moment) == text ? moment : nil
  }

  /// Now, in seconds since 1970.
  public static var nowSeconds: Int64 { Int64(time(nil)) }
}
