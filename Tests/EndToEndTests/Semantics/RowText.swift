import Foundation

/// Fills in what stands in braces in a row's texts; see ``Row``.
struct RowText {
  let path: String
  let host: String
  /// What the usual content of an answer, b1 or b2, goes on with.
  var padding = ""
  var number = 0

  /// A content: filled in, and made longer where it is the usual one.
  func content(_ text: String) -> String {
    let content = fill(text)
    guard content.count > 1, content.first == "b", content.dropFirst().allSatisfy(\.isNumber) else {
      return content
    }
    return content + padding
  }

  func fill(_ text: String) -> String {
    guard text.contains("{") else { return text }
    var result = ""
    var rest = Substring(text)
    while let open = rest.firstIndex(of: "{") {
      result += rest[..<open]
      rest = rest[open...]
      guard let close = rest.firstIndex(of: "}"),
        let value = value(String(rest[rest.index(after: open)..<close]))
      else {
        result.append(rest.removeFirst())
        continue
      }
      result += value
      rest = rest[rest.index(after: close)...]
    }
    return result + rest
  }

  private func value(_ name: String) -> String? {
    switch name {
    case "path": return path
    case "host": return host
    case "other": return "other.test"
    case "n": return "\(number)"
    case "length": return "\(2 + padding.count)"
    default: break
    }
    for (form, format) in Self.formats where name.hasPrefix(form) {
      let offset = name.dropFirst(form.count)
      guard offset.isEmpty || Int(offset) != nil else { continue }
      let date = Self.date(secondsFromNow: Int(offset) ?? 0, format)
      return form == "lower" ? date.lowercased() : date
    }
    return nil
  }

  /// The three forms of a date (RFC 9110, 5.6.7), as strftime writes them.
  private static let formats = [
    ("now", "%a, %d %b %Y %H:%M:%S GMT"),
    ("850", "%A, %d-%b-%y %H:%M:%S GMT"),
    ("asctime", "%a %b %e %H:%M:%S %Y"),
    ("lower", "%a, %d %b %Y %H:%M:%S GMT"),
    // Look like dates, but are none.
    ("noComma", "%a %d %b %Y %H:%M:%S GMT"),
    ("dashes", "%a, %d-%b-%Y %H:%M:%S GMT"),
    ("shortYear", "%a, %d %b %y %H:%M:%S GMT"),
    ("utc", "%a, %d %b %Y %H:%M:%S UTC"),
    ("est", "%a, %d %b %Y %H:%M:%S EST"),
    ("plusZone", "%a, %d %b %Y %H:%M:%S +0000"),
    ("noZone", "%a, %d %b %Y %H:%M:%S"),
    ("iso", "%Y-%m-%dT%H:%M:%SZ"),
    ("unix", "%s"),
    ("oneDigitHour", "%a, %d %b %Y 1:%M:%S GMT"),
    ("noSeconds", "%a, %d %b %Y %H:%M GMT"),
  ]

  private static func date(secondsFromNow: Int, _ format: String) -> String {
    var time = time(nil) + secondsFromNow
    var parts = tm()
    gmtime_r(&time, &parts)
    var text = [CChar](repeating: 0, count: 64)
    let count = strftime(&text, text.count, format, &parts)
    return String(decoding: text[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
