import HTTPMessage

/// The kind of device that a User-Agent field speaks of: four coarse classes, so that a key that
/// includes them has four variants and not thousands.
///
/// The first row with a substring that occurs decides, letter case aside:
///
/// | class | substrings |
/// |---|---|
/// | bot | `bot` (but not the phones of `cubot`), `crawl`, `spider`, `slurp`, |
/// | bot | `facebookexternalhit`, `mediapartners` |
/// | tablet | `ipad`, `tablet`, `kindle`, `silk/`, `playbook` |
/// | mobile | `mobi`, `iphone`, `ipod`, `windows phone`, `blackberry`, `opera mini` |
/// | tablet | `android` (phones say `mobile` as well) |
/// | desktop | anything else, and no field at all |
public enum DeviceClass: UInt8, Sendable, CaseIterable {
  case bot, tablet, mobile, desktop

  /// As it stands in the key and in X-Device-Class.
  public var name: StaticString {
    switch self {
    case .bot: "bot"
    case .tablet: "tablet"
    case .mobile: "mobile"
    case .desktop: "desktop"
    }
  }

  /// The class of a request's User-Agent lines. O(bytes), allocates nothing.
  public init(_ fields: FieldBlock) {
    var found: UInt8 = 0
    fields.forEach(.userAgent) { found |= Self.marks(in: $0) }
    if found & Mark.bot != 0 {
      self = .bot
    } else if found & Mark.tablet != 0 {
      self = .tablet
    } else if found & Mark.mobile != 0 {
      self = .mobile
    } else {
      self = found & Mark.android != 0 ? .tablet : .desktop
    }
  }

  private enum Mark {
    static let bot: UInt8 = 1
    static let tablet: UInt8 = 2
    static let mobile: UInt8 = 4
    static let android: UInt8 = 8
  }

  private static let table: [(text: StaticString, mark: UInt8)] = [
    ("bot", Mark.bot), ("crawl", Mark.bot), ("spider", Mark.bot), ("slurp", Mark.bot),
    ("facebookexternalhit", Mark.bot), ("mediapartners", Mark.bot), ("ipad", Mark.tablet),
    ("tablet", Mark.tablet), ("kindle", Mark.tablet), ("silk/", Mark.tablet),
    ("playbook", Mark.tablet), ("mobi", Mark.mobile), ("iphone", Mark.mobile),
    ("ipod", Mark.mobile), ("windows phone", Mark.mobile), ("blackberry", Mark.mobile),
    ("opera mini", Mark.mobile), ("android", Mark.android),
  ]

  /// A bit for each letter that a row of the table begins with.
  private static let firstLetters: UInt32 = table.reduce(0) { letters, row in
    letters | 1 << UInt32(row.text.utf8Start[0] - UInt8(ascii: "a"))
  }

  private static func marks(in text: UnsafeRawBufferPointer) -> UInt8 {
    let letters = firstLetters
    var found: UInt8 = 0
    for offset in text.indices {
      let letter = text[offset].asciiLowercased &- UInt8(ascii: "a")
      guard letter < 26, letters >> UInt32(letter) & 1 == 1 else { continue }
      for row in table where found & row.mark == 0 {
        let count = row.text.utf8CodeUnitCount
        guard text.count - offset >= count,
          UnsafeRawBufferPointer(rebasing: text[offset..<offset + count])
            .equalsIgnoringCase(row.text)
        else { continue }
        if count == 3, isCubot(text, at: offset) { continue }
        found |= row.mark
      }
    }
    return found
  }

  private static func isCubot(_ text: UnsafeRawBufferPointer, at offset: Int) -> Bool {
    offset >= 2
      && UnsafeRawBufferPointer(rebasing: text[(offset - 2)..<offset]).equalsIgnoringCase("cu")
  }
}
