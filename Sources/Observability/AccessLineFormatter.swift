import NIOCore

/// Writes a record as one line. One a loop: it remembers the text of the current second.
struct AccessLineFormatter: Sendable {
  /// Bytes of a field beyond this are left out of the line, which then shows `...` in their place:
  /// a client decides how long its User-Agent is.
  static let fieldLimitBytes = 8192

  private let format: AccessLogFormat
  private let lineEnd: ByteBuffer
  private var clock = LogClock()

  init(format: AccessLogFormat, edgeName: String) {
    self.format = format
    var end = ByteBuffer()
    if format == .json {
      if !edgeName.isEmpty {
        end.writeStaticString(",\"edge\":\"")
        var name = edgeName
        name.withUTF8 { end.writeJSONEscaped(UnsafeRawBufferPointer($0)) }
        end.writeStaticString("\"")
      }
      end.writeStaticString("}")
    }
    end.writeStaticString("\n")
    lineEnd = end
  }

  /// Appends the record's line.
  mutating func write(_ record: AccessRecord, to line: inout ByteBuffer) {
    switch format {
    case .json: writeJSON(record, to: &line)
    case .combined: writeCombined(record, to: &line)
    }
    line.writeImmutableBuffer(lineEnd)
  }

  private mutating func writeJSON(_ record: AccessRecord, to line: inout ByteBuffer) {
    line.writeStaticString("{\"time\":\"")
    clock.writeRFC3339(record.wallSeconds, nanoseconds: record.wallNanoseconds, to: &line)
    line.writeStaticString("\",\"remote\":\"")
    line.writeAddress(record.remoteAddress)
    line.writeStaticString("\",\"method\":\"")
    writeJSON(record.method, to: &line)
    line.writeStaticString("\",\"scheme\":\"")
    line.writeStaticString(record.isSecure ? "https" : "http")
    line.writeStaticString("\",\"host\":\"")
    writeJSON(record.host, to: &line)
    line.writeStaticString("\",\"target\":\"")
    writeJSON(record.target, to: &line)
    line.writeStaticString("\",\"version\":\"")
    line.writeStaticString(record.version)
    line.writeStaticString("\",\"status\":")
    line.writeLogDecimal(record.status)
    line.writeStaticString(",\"bytes\":")
    line.writeLogDecimal(record.bytes)
    line.writeStaticString(",\"duration_ms\":")
    line.writeMilliseconds(record.durationNanoseconds)
    line.writeStaticString(",\"cache\":\"")
    line.writeStaticString(record.cacheResult)
    line.writeStaticString("\",\"reason\":\"")
    line.writeStaticString(record.reason)
    line.writeStaticString("\",\"referer\":\"")
    writeJSON(record.referer, to: &line)
    line.writeStaticString("\",\"user_agent\":\"")
    writeJSON(record.userAgent, to: &line)
    line.writeStaticString("\"")
  }

  private mutating func writeCombined(_ record: AccessRecord, to line: inout ByteBuffer) {
    line.writeAddress(record.remoteAddress)
    line.writeStaticString(" - - [")
    clock.writeCommonLog(record.wallSeconds, to: &line)
    line.writeStaticString("] \"")
    if record.method.isEmpty {
      line.writeStaticString("-")
    } else {
      writeCombined(record.method, to: &line)
      line.writeStaticString(" ")
      writeCombined(record.target, to: &line)
      line.writeStaticString(" HTTP/")
      line.writeStaticString(record.version)
    }
    line.writeStaticString("\" ")
    line.writeLogDecimal(record.status)
    line.writeStaticString(" ")
    line.writeLogDecimal(record.bytes)
    line.writeStaticString(" \"")
    writeCombined(record.referer, to: &line)
    line.writeStaticString("\" \"")
    writeCombined(record.userAgent, to: &line)
    line.writeStaticString("\" \"")
    line.writeStaticString(record.cacheResult)
    line.writeStaticString("\" \"")
    line.writeStaticString(record.reason)
    line.writeStaticString("\" ")
    line.writeMilliseconds(record.durationNanoseconds)
  }

  private func writeJSON(_ field: UnsafeRawBufferPointer, to line: inout ByteBuffer) {
    line.writeJSONEscaped(AccessLineFormatter.bounded(field))
    if field.count > AccessLineFormatter.fieldLimitBytes { line.writeStaticString("...") }
  }

  private func writeCombined(_ field: UnsafeRawBufferPointer, to line: inout ByteBuffer) {
    if field.isEmpty { line.writeStaticString("-") }
    line.writeApacheEscaped(AccessLineFormatter.bounded(field))
    if field.count > AccessLineFormatter.fieldLimitBytes { line.writeStaticString("...") }
  }

  private static func bounded(_ field: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: field.prefix(fieldLimitBytes))
  }
}
