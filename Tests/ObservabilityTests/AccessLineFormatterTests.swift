import Foundation
import NIOCore
import Testing

@testable import Observability

/// A record whose fields live long enough for one call.
func withRecord<Result>(
  target: [UInt8] = Array("/a?b=1".utf8), userAgent: [UInt8] = Array("curl/8".utf8),
  host: [UInt8] = Array("example.com".utf8), method: [UInt8] = Array("GET".utf8),
  _ body: (inout AccessRecord) throws -> Result
) rethrows -> Result {
  try target.withUnsafeBytes { target in
    try userAgent.withUnsafeBytes { userAgent in
      try host.withUnsafeBytes { host in
        try method.withUnsafeBytes { method in
          var record = AccessRecord()
          record.wallSeconds = 1_795_375_468
          record.wallNanoseconds = 123_999_999
          record.method = method
          record.target = target
          record.host = host
          record.userAgent = userAgent
          record.status = 200
          record.bytes = 1_024
          record.durationNanoseconds = 1_234_567
          record.cacheResult = "Hit"
          record.reason = "fresh in memory"
          return try body(&record)
        }
      }
    }
  }
}

func line(_ format: AccessLogFormat, _ record: AccessRecord, edgeName: String = "") -> String {
  var formatter = AccessLineFormatter(format: format, edgeName: edgeName)
  var buffer = ByteBuffer()
  formatter.write(record, to: &buffer)
  return String(buffer: buffer)
}

struct AccessLineFormatterTests {
  @Test func jsonLineHoldsEveryMember() throws {
    let text = try withRecord { record in
      record.remoteAddress = try SocketAddress(ipAddress: "192.0.2.10", port: 4711)
      return line(.json, record, edgeName: "edge \"1\"")
    }
    let expected: String =
      #"{"time":"2026-11-22T19:24:28.123Z","remote":"192.0.2.10","method":"GET","#
      + #""scheme":"http","host":"example.com","target":"/a?b=1","version":"1.1","#
      + #""status":200,"bytes":1024,"duration_ms":1.234,"cache":"Hit","#
      + #""reason":"fresh in memory","referer":"","user_agent":"curl/8","#
      + #""edge":"edge \"1\""}"#
    #expect(text == expected + "\n")
  }

  @Test func combinedLineIsApachesWithThreeMoreFields() throws {
    let text = try withRecord { record in
      record.remoteAddress = try SocketAddress(ipAddress: "2001:db8::1", port: 1)
      return line(.combined, record)
    }
    let expected: String =
      #"2001:db8::1 - - [22/Nov/2026:19:24:28 +0000] "GET /a?b=1 HTTP/1.1" 200 1024 "#
      + #""-" "curl/8" "Hit" "fresh in memory" 1.234"#
    #expect(text == expected + "\n")
  }

  @Test func unreadRequestIsADash() {
    let text = withRecord(target: [], method: []) { line(.combined, $0) }
    #expect(text.contains(#"] "-" 200"#))
    #expect(text.hasPrefix("- - - ["))
  }

  @Test func mappedAddressIsWrittenAsIPv4() throws {
    let text = try withRecord { record in
      record.remoteAddress = try SocketAddress(ipAddress: "::ffff:198.51.100.7", port: 1)
      return line(.combined, record)
    }
    #expect(text.hasPrefix("198.51.100.7 "))
  }

  @Test func anyBytesLeaveOneParsableJSONLine() throws {
    let hostile: [[UInt8]] = [
      Array(0...255), Array("\"}\n{\"status\":200,\"x\":\"".utf8), [0xC3], [0xE2, 0x80],
      [0xFF, 0xFE],
      [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xC0, 0xAF], Array("\u{1B}[31mred".utf8),
      Array("\u{85}\u{2028}\u{2029}\u{7F}".utf8), Array("Grüße, 世界 🌍".utf8), [0x5C], [],
    ]
    for bytes in hostile {
      let text = withRecord(target: bytes, userAgent: bytes, host: bytes) { line(.json, $0) }
      #expect(text.filter { $0 == "\n" }.count == 1 && text.hasSuffix("\n"))
      #expect(text.dropLast().unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F })
      let object = try #require(
        try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
      #expect(object["status"] as? Int == 200)
      #expect(object.count == 14)
      #expect(
        object["target"] as? String == String(decoding: bytes, as: UTF8.self)
          || String(validating: bytes, as: UTF8.self) == nil)
    }
  }

  @Test func validUTF8StaysReadable() {
    let text = withRecord(target: Array("/grüße/世界/🌍".utf8)) { line(.json, $0) }
    #expect(text.contains(#""target":"/grüße/世界/🌍""#))
  }

  @Test func eachByteOfIllFormedUTF8BecomesAReplacement() {
    let text = withRecord(target: [0x61, 0xE2, 0x82, 0x62, 0xFF]) { line(.json, $0) }
    #expect(text.contains(#""target":"a\ufffd\ufffdb\ufffd""#))
  }

  @Test func controlsBecomeEscapesInBothFormats() {
    let bytes: [UInt8] = [0x00, 0x0A, 0x0D, 0x09, 0x1B, 0x7F, 0xC2, 0x9B]
    #expect(
      withRecord(target: bytes) { line(.json, $0) }
        .contains(#""target":"\u0000\n\r\t\u001b\u007f\u009b""#))
    #expect(
      withRecord(target: bytes) { line(.combined, $0) }
        .contains(#""GET \x00\x0a\x0d\x09\x1b\x7f\xc2\x9b HTTP/1.1""#))
  }

  @Test func quotesCannotEndAFieldOfACombinedLine() {
    let text = withRecord(userAgent: Array("a\" 200 0 \"\\".utf8)) { line(.combined, $0) }
    #expect(text.contains(#""a\" 200 0 \"\\" "Hit""#))
  }

  @Test func overlongFieldsAreCutAndMarked() {
    let limit = AccessLineFormatter.fieldLimitBytes
    let long = [UInt8](repeating: UInt8(ascii: "x"), count: limit + 1)
    #expect(withRecord(userAgent: long) { line(.json, $0) }.contains("x...\""))
    #expect(!withRecord(userAgent: Array(long.dropLast())) { line(.json, $0) }.contains("..."))
  }

  @Test func timeIsCachedPerSecondAndNotBeyond() {
    var formatter = AccessLineFormatter(format: .json, edgeName: "")
    var buffer = ByteBuffer()
    withRecord { record in
      for (seconds, nanoseconds) in [(59, 1_000_000), (59, 999_999_999), (60, 0)]
        as [(Int64, Int64)]
      {
        record.wallSeconds = seconds
        record.wallNanoseconds = nanoseconds
        formatter.write(record, to: &buffer)
      }
    }
    let times = String(buffer: buffer).split(separator: "\n").map { $0.prefix(34).dropFirst(9) }
    #expect(
      times == [
        "1970-01-01T00:00:59.001Z\"", "1970-01-01T00:00:59.999Z\"", "1970-01-01T00:01:00.000Z\"",
      ])
  }

  @Test func civilTimeAgreesWithTheSystemsCalendar() {
    var generator = SystemRandomNumberGenerator()
    let special: [Int64] = [0, -1, 951_782_400, 951_868_799, 4_107_542_400, 253_402_300_799]
    for seconds in special
      + (0..<2_000).map({ _ in
        Int64.random(in: -62_167_219_200...253_402_300_799, using: &generator)
      })
    {
      var clock = time_t(seconds)
      var expected = tm()
      gmtime_r(&clock, &expected)
      let time = CivilTime(unixSeconds: seconds)
      #expect(time.year == Int(expected.tm_year) + 1900, "\(seconds)")
      #expect(time.month == Int(expected.tm_mon) + 1, "\(seconds)")
      #expect(time.day == Int(expected.tm_mday), "\(seconds)")
      #expect(time.hour == Int(expected.tm_hour), "\(seconds)")
      #expect(time.minute == Int(expected.tm_min), "\(seconds)")
      #expect(time.second == Int(expected.tm_sec), "\(seconds)")
    }
  }
}
