import Testing

@testable import EdgeConfig

@Suite struct DurationTextTests {
  @Test(arguments: [
    ("0", 0), ("0 s", 0), ("250ms", 250), ("250 ms", 250), ("30 s", 30_000), ("5m", 300_000),
    ("5 minutes", 300_000), ("1 minute", 60_000), ("5 Minutes", 300_000), ("1 day", 86_400_000),
    ("1d 12h", 129_600_000), ("1d12h", 129_600_000), ("1 day 12 hours", 129_600_000),
    ("1.5 h", 5_400_000), ("0.25s", 250), ("2 weeks", 1_209_600_000), ("1y", 31_536_000_000),
    ("365 days", 31_536_000_000), ("  10 s  ", 10_000), ("90 sec", 90_000), ("0.001 s", 1),
    ("9223372036854775807 ms", Int.max),
  ])
  func durationsReadAsPeopleWriteThem(_ text: String, _ milliseconds: Int) throws {
    #expect(try DurationText.parse(text) == .milliseconds(milliseconds))
  }

  @Test(arguments: [
    ("", "must be a duration such as 250 ms, 30 s, 5 minutes or 1 day, not ''"),
    ("soon", "must be a duration such as 250 ms, 30 s, 5 minutes or 1 day, not 'soon'"),
    ("30", "needs a unit after '30' (write for example '30 s', '30 minutes' or '30 days')"),
    ("1h 30", "needs a unit after '30' (write for example '30 s', '30 minutes' or '30 days')"),
    ("1h 0", "needs a unit after '0' (write for example '0 s', '0 minutes' or '0 days')"),
    ("5 mintues", "has the unknown unit 'mintues' in '5 mintues' (did you mean 'minutes'?)"),
    (
      "5 parsecs",
      "has the unknown unit 'parsecs' in '5 parsecs' "
        + "(known: ms, s, m or minutes, h or hours, d or days, weeks, years)"
    ),
    (
      "5M",
      "has the unknown unit 'M' in '5M' "
        + "(known: ms, s, m or minutes, h or hours, d or days, weeks, years)"
    ),
    ("-5 s", "cannot be negative, but is '-5 s'"),
    (
      "12h 1d",
      "must name larger units first and each unit once, but is '12h 1d' (such as '1d 12h')"
    ),
    ("1h 1h", "must name larger units first and each unit once, but is '1h 1h' (such as '1d 12h')"),
    ("0.5 ms", "is '0.5 ms', which is too long or finer than a millisecond"),
    (
      "9223372036854775807 s",
      "is '9223372036854775807 s', which is too long or finer than a millisecond"
    ),
    (
      "9223372036854775 s 1000000 ms",
      "is '9223372036854775 s 1000000 ms', which is too long or finer than a millisecond"
    ),
    (
      "99999999999999999999 s",
      "must be a duration such as 250 ms, 30 s, 5 minutes or 1 day, not '99999999999999999999 s'"
    ),
    ("1. s", "must be a duration such as 250 ms, 30 s, 5 minutes or 1 day, not '1. s'"),
    ("1:30", "needs a unit after '1' (write for example '1 s', '1 minutes' or '1 days')"),
  ])
  func otherDurationsAreRefused(_ text: String, _ message: String) {
    #expect(throws: ValueFault(message: message)) { try DurationText.parse(text) }
  }

  @Test(arguments: ["0", "1 ms", "250 ms", "1 s", "1 minute", "1 day 12 hours", "365 days"])
  func formattedDurationsReadBack(_ text: String) throws {
    #expect(DurationText.format(try DurationText.parse(text)) == text)
  }
}

@Suite struct SizeTextTests {
  @Test(arguments: [
    ("0", 0), ("1", 1), ("1 B", 1), ("512 bytes", 512), ("64 KiB", 65_536), ("64k", 65_536),
    ("64K", 65_536), ("64 kB", 64_000), ("64KB", 64_000), ("2 GiB", 2_147_483_648),
    ("2g", 2_147_483_648), ("20GB", 20_000_000_000), ("20 gb", 20_000_000_000),
    ("1.5 GiB", 1_610_612_736), ("0.5 KiB", 512), ("1 TiB", 1_099_511_627_776),
    ("1 TB", 1_000_000_000_000), ("9223372036854775807", Int.max),
    ("8388607 TiB", 8_388_607 << 40),
  ])
  func sizesReadAsPeopleWriteThem(_ text: String, _ bytes: Int) throws {
    #expect(try SizeText.parse(text) == bytes)
  }

  @Test(arguments: [
    ("", "must be a size such as 64 KiB, 100 MiB or 20 GB, not ''"),
    ("big", "must be a size such as 64 KiB, 100 MiB or 20 GB, not 'big'"),
    ("1 GiB 5 MiB", "must be a size such as 64 KiB, 100 MiB or 20 GB, not '1 GiB 5 MiB'"),
    (
      "5 GigaBytes",
      "has the unknown unit 'GigaBytes' in '5 GigaBytes' "
        + "(known: B, KiB, MiB, GiB, TiB; kB, MB, GB, TB; k, m, g, t)"
    ),
    ("-1", "cannot be negative, but is '-1'"),
    ("8388608 TiB", "is '8388608 TiB', which is too large or not a whole number of bytes"),
    ("1.5 B", "is '1.5 B', which is too large or not a whole number of bytes"),
  ])
  func otherSizesAreRefused(_ text: String, _ message: String) {
    #expect(throws: ValueFault(message: message)) { try SizeText.parse(text) }
  }

  @Test(arguments: ["0", "1 B", "1500 B", "16 KiB", "2 GiB", "20 GB", "64 kB", "1 TiB"])
  func formattedSizesReadBack(_ text: String) throws {
    #expect(SizeText.format(try SizeText.parse(text)) == text)
  }
}

@Suite struct SpellingTests {
  @Test(arguments: [
    ("tll", "ttl"), ("orgin", "origin"), ("Origin", "origin"), ("macth", "match"),
    ("while-revalidate", "while_revalidate"), ("origins", "origin"),
  ])
  func aSlipIsRecognized(_ word: String, _ name: String) {
    let known = ["match", "origin", "ttl", "while_revalidate"]
    #expect(Spelling.nearest(to: word, in: known) == name)
  }

  @Test(arguments: ["x", "", "completely", "ab"])
  func anotherWordIsNoSlip(_ word: String) {
    #expect(Spelling.nearest(to: word, in: ["match", "origin", "ttl", "y"]) == nil)
  }
}
