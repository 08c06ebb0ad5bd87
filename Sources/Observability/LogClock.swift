import NIOCore

/// Wall clock times as text, in UTC. Remembers the second it wrote last: a loop writes thousands
/// of lines in one.
struct LogClock: Sendable {
  private var rfc3339Second = Int64.min
  private var rfc3339 = ByteBuffer()
  private var commonLogSecond = Int64.min
  private var commonLog = ByteBuffer()

  /// `2026-11-22T19:24:28.123Z` (RFC 3339).
  mutating func writeRFC3339(
    _ seconds: Int64, nanoseconds: Int64, to line: inout ByteBuffer
  ) {
    if seconds != rfc3339Second {
      rfc3339Second = seconds
      let time = CivilTime(unixSeconds: seconds)
      rfc3339.clear()
      rfc3339.writeLogDecimal(time.year, digits: 4)
      rfc3339.writeStaticString("-")
      rfc3339.writeLogDecimal(time.month, digits: 2)
      rfc3339.writeStaticString("-")
      rfc3339.writeLogDecimal(time.day, digits: 2)
      rfc3339.writeStaticString("T")
      writeTimeOfDay(time, to: &rfc3339)
      rfc3339.writeStaticString(".")
    }
    line.writeImmutableBuffer(rfc3339)
    line.writeLogDecimal(Int(min(max(nanoseconds, 0), 999_999_999) / 1_000_000), digits: 3)
    line.writeStaticString("Z")
  }

  /// `22/Nov/2026:19:24:28 +0000`, as Apache writes it.
  mutating func writeCommonLog(_ seconds: Int64, to line: inout ByteBuffer) {
    if seconds != commonLogSecond {
      commonLogSecond = seconds
      let time = CivilTime(unixSeconds: seconds)
      commonLog.clear()
      commonLog.writeLogDecimal(time.day, digits: 2)
      commonLog.writeStaticString("/")
      commonLog.writeStaticString(time.monthName)
      commonLog.writeStaticString("/")
      commonLog.writeLogDecimal(time.year, digits: 4)
      commonLog.writeStaticString(":")
      writeTimeOfDay(time, to: &commonLog)
      commonLog.writeStaticString(" +0000")
    }
    line.writeImmutableBuffer(commonLog)
  }

  private func writeTimeOfDay(_ time: CivilTime, to text: inout ByteBuffer) {
    text.writeLogDecimal(time.hour, digits: 2)
    text.writeStaticString(":")
    text.writeLogDecimal(time.minute, digits: 2)
    text.writeStaticString(":")
    text.writeLogDecimal(time.second, digits: 2)
  }
}

/// Date and time of day in UTC (proleptic Gregorian calendar).
///
/// Counts years from March, so that the leap day is a year's last: within the 146,097 days of
/// 400 years the year follows by taking the leap days out, and the month from the day of the year,
/// as 153 days make five months from March on.
struct CivilTime: Equatable {
  var year: Int
  var month: Int
  var day: Int
  var hour: Int
  var minute: Int
  var second: Int

  init(unixSeconds: Int64) {
    // Years 0 to 9999, which is what the formats can write.
    let bounded = Int(min(max(unixSeconds, -62_167_219_200), 253_402_300_799))
    // 719,468 days lie between 1 March of year 0 and 1 January 1970.
    let days = (bounded >= 0 ? bounded / 86_400 : (bounded - 86_399) / 86_400) + 719_468
    let secondOfDay = bounded - (days - 719_468) * 86_400
    let era = (days >= 0 ? days : days - 146_096) / 146_097
    let dayOfEra = days - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    hour = secondOfDay / 3_600
    minute = secondOfDay / 60 % 60
    second = secondOfDay % 60
  }

  var monthName: StaticString {
    switch month {
    case 1: "Jan"
    case 2: "Feb"
    case 3: "Mar"
    case 4: "Apr"
    case 5: "May"
    case 6: "Jun"
    case 7: "Jul"
    case 8: "Aug"
    case 9: "Sep"
    case 10: "Oct"
    case 11: "Nov"
    default: "Dec"
    }
  }
}
