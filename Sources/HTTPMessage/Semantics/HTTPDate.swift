import NIOCore

/// Dates as HTTP writes them (RFC 9110 section 5.6.7), to and from Unix seconds.
///
/// Reading takes the three forms of the grammar and nothing else: a date that is off by a letter
/// is invalid, and the fields that carry dates each say what an invalid one means.
public enum HTTPDate {
  /// The `now` against which two-digit years are read when the caller has none: 1 January 2026.
  public static let referenceSeconds: Int64 = 1_767_225_600

  /// Reads a date; nil when it has none of the three forms or names no day of the calendar.
  ///
  /// - Parameter now: Unix seconds. A two-digit year that seems to lie more than 50 years after it
  ///   is the latest year before it with those digits.
  /// The name of the weekday must be one, but is not checked against the day.
  public static func parse(
    _ bytes: UnsafeRawBufferPointer, now: Int64 = referenceSeconds
  ) -> Int64? {
    var scanner = DateScanner(bytes: bytes)
    guard let calendar = bytes.count < 4 ? nil : scanner.readDate(now: now) else { return nil }
    return scanner.isAtEnd ? calendar.unixSeconds : nil
  }

  /// Appends the preferred form, such as `Sun, 06 Nov 1994 08:49:37 GMT`: always 29 bytes.
  /// Years outside 0 to 9999 are pinned to that range.
  public static func write(_ seconds: Int64, into buffer: inout ByteBuffer) {
    // The first and the last second that four digits can name.
    let seconds = min(max(seconds, -62_167_219_200), 253_402_300_799)
    let date = CalendarTime(unixSeconds: seconds)
    buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 29) { out in
      Self.copyName(Self.weekdays, date.weekday, to: out, at: 0)
      out[3] = UInt8(ascii: ",")
      out[4] = 0x20
      Self.writeDigits(date.day, 2, to: out, at: 5)
      out[7] = 0x20
      Self.copyName(Self.months, date.month - 1, to: out, at: 8)
      out[11] = 0x20
      Self.writeDigits(date.year, 4, to: out, at: 12)
      out[16] = 0x20
      Self.writeDigits(date.hour, 2, to: out, at: 17)
      out[19] = UInt8(ascii: ":")
      Self.writeDigits(date.minute, 2, to: out, at: 20)
      out[22] = UInt8(ascii: ":")
      Self.writeDigits(date.second, 2, to: out, at: 23)
      out[25] = 0x20
      out[26] = UInt8(ascii: "G")
      out[27] = UInt8(ascii: "M")
      out[28] = UInt8(ascii: "T")
      return 29
    }
  }

  fileprivate static let weekdays: StaticString = "SunMonTueWedThuFriSat"
  fileprivate static let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"
  fileprivate static let longWeekdays: [StaticString] = [
    "Sunday, ", "Monday, ", "Tuesday, ", "Wednesday, ", "Thursday, ", "Friday, ", "Saturday, ",
  ]

  private static func copyName(
    _ names: StaticString, _ index: Int, to out: UnsafeMutableRawBufferPointer, at offset: Int
  ) {
    for letter in 0..<3 { out[offset + letter] = names.utf8Start[index * 3 + letter] }
  }

  private static func writeDigits(
    _ number: Int, _ count: Int, to out: UnsafeMutableRawBufferPointer, at offset: Int
  ) {
    var rest = number
    for place in (0..<count).reversed() {
      out[offset + place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
  }
}

/// A moment in the Gregorian calendar, UTC.
///
/// Days are counted in eras of 400 years (146,097 days) whose years begin in March, so that the
/// leap day is the last of its year and month lengths follow one linear formula.
private struct CalendarTime {
  var year: Int
  var month: Int
  var day: Int
  var hour = 0
  var minute = 0
  var second = 0
  /// 0 is Sunday.
  var weekday = 0

  /// 1 January 1970 counted in days from 1 March of year 0.
  private static let epochDay = 719_468

  init(year: Int, month: Int, day: Int) {
    self.year = year
    self.month = month
    self.day = day
  }

  init(unixSeconds: Int64) {
    let days = Int((unixSeconds >= 0 ? unixSeconds : unixSeconds - 86_399) / 86_400)
    let secondOfDay = Int(unixSeconds) - days * 86_400
    let marchDay = days + Self.epochDay
    let era = (marchDay >= 0 ? marchDay : marchDay - 146_096) / 146_097
    let dayOfEra = marchDay - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
    month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    hour = secondOfDay / 3_600
    minute = secondOfDay / 60 % 60
    second = secondOfDay % 60
    // Day 0 was a Thursday.
    weekday = ((days + 4) % 7 + 7) % 7
  }

  var unixSeconds: Int64 {
    let marchYear = month <= 2 ? year - 1 : year
    let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
    let yearOfEra = marchYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    let days = era * 146_097 + dayOfEra - Self.epochDay
    return Int64(days * 86_400 + hour * 3_600 + minute * 60 + second)
  }

  /// Whether the day exists and the time is one of a day; a leap second counts as one.
  var isValid: Bool {
    guard (1...12).contains(month), day >= 1, hour < 24, minute < 60, second <= 60 else {
      return false
    }
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let length =
      switch month {
      case 2: isLeap ? 29 : 28
      case 4, 6, 9, 11: 30
      default: 31
      }
    return day <= length
  }
}

/// Reads the three date forms from left to right; every reader answers nil at the first byte that
/// does not fit.
private struct DateScanner {
  let bytes: UnsafeRawBufferPointer
  var offset = 0

  var isAtEnd: Bool { offset == bytes.count }

  mutating func readDate(now: Int64) -> CalendarTime? {
    if bytes[3] == UInt8(ascii: ",") { return readFixedDate() }
    if bytes[3] == 0x20 { return readAsctimeDate() }
    return readRFC850Date(now: now)
  }

  /// `Sun, 06 Nov 1994 08:49:37 GMT`
  private mutating func readFixedDate() -> CalendarTime? {
    guard readName(HTTPDate.weekdays) != nil, skip(", "),
      let day = readDigits(2), skip(" "), let month = readName(HTTPDate.months), skip(" "),
      let year = readDigits(4), skip(" ")
    else { return nil }
    return finish(CalendarTime(year: year, month: month + 1, day: day), zone: " GMT")
  }

  /// `Sunday, 06-Nov-94 08:49:37 GMT`
  private mutating func readRFC850Date(now: Int64) -> CalendarTime? {
    guard HTTPDate.longWeekdays.contains(where: { skip($0) }),
      let day = readDigits(2), skip("-"), let month = readName(HTTPDate.months), skip("-"),
      let digits = readDigits(2), skip(" ")
    else { return nil }
    let thisYear = CalendarTime(unixSeconds: now).year
    let century = thisYear - thisYear % 100
    let date = CalendarTime(year: century + digits, month: month + 1, day: day)
    guard var date = finish(date, zone: " GMT", isYearKnown: false) else { return nil }
    // The latest year that is not more than 50 years ahead: never two centuries off.
    let limit = CalendarTime(unixSeconds: now)
    if date.year + 100 - thisYear <= 50 { date.year += 100 }
    if isMoreThanFiftyYears(date, after: limit) { date.year -= 100 }
    return date.isValid ? date : nil
  }

  private func isMoreThanFiftyYears(_ date: CalendarTime, after now: CalendarTime) -> Bool {
    if date.year != now.year + 50 { return date.year > now.year + 50 }
    var moved = date
    moved.year = now.year
    return moved.unixSeconds > now.unixSeconds
  }

  /// `Sun Nov  6 08:49:37 1994`
  private mutating func readAsctimeDate() -> CalendarTime? {
    guard readName(HTTPDate.weekdays) != nil, skip(" "),
      let month = readName(HTTPDate.months), skip(" "),
      let day = skip(" ") ? readDigits(1) : readDigits(2), skip(" "),
      var date = readTime(), skip(" "), let year = readDigits(4)
    else { return nil }
    date.year = year
    date.month = month + 1
    date.day = day
    return date.isValid ? date : nil
  }

  private mutating func finish(
    _ date: CalendarTime, zone: StaticString, isYearKnown: Bool = true
  ) -> CalendarTime? {
    guard var time = readTime(), skip(zone) else { return nil }
    time.year = date.year
    time.month = date.month
    time.day = date.day
    return !isYearKnown || time.isValid ? time : nil
  }

  private mutating func readTime() -> CalendarTime? {
    guard let hour = readDigits(2), skip(":"), let minute = readDigits(2), skip(":"),
      let second = readDigits(2)
    else { return nil }
    var time = CalendarTime(year: 1970, month: 1, day: 1)
    time.hour = hour
    time.minute = minute
    time.second = second
    return time
  }

  private mutating func readDigits(_ count: Int) -> Int? {
    guard bytes.count - offset >= count else { return nil }
    var number = 0
    for index in offset..<offset + count {
      guard bytes[index].isASCIIDigit else { return nil }
      number = number * 10 + Int(bytes[index] - UInt8(ascii: "0"))
    }
    offset += count
    return number
  }

  /// Reads a three-letter name; its place in `names`. Names are case-sensitive.
  private mutating func readName(_ names: StaticString) -> Int? {
    guard bytes.count - offset >= 3 else { return nil }
    // Byte by byte: comparing slices made the dates of a response an eighth of a miss.
    let (first, second, third) = (bytes[offset], bytes[offset + 1], bytes[offset + 2])
    var index = 0
    while index * 3 < names.utf8CodeUnitCount {
      // Bound: names are three letters each, so all three stand before the text's end.
      let name = names.utf8Start + index * 3
      if name[0] == first, name[1] == second, name[2] == third {
        offset += 3
        return index
      }
      index += 1
    }
    return nil
  }

  private mutating func skip(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard bytes.count - offset >= count else { return false }
    var index = 0
    while index < count {
      guard bytes[offset + index] == text.utf8Start[index] else { return false }
      index += 1
    }
    offset += count
    return true
  }
}
