import Foundation

/// Reads trace files into `Trace`.
enum TraceReader {
  /// The most bytes of an unpacked trace that are held in memory.
  static let sizeLimitBytes = 1 << 30

  /// Reads the trace at `path`.
  ///
  /// - Parameter objectSizeBytes: the size of every object of a trace that names none.
  static func read(
    path: String, format: TraceFormat, objectSizeBytes: Int
  ) throws(TraceError) -> Trace {
    let content = path.hasSuffix(".xz") ? try unpacked(path) : try plain(path)
    return try parse(content, format: format, objectSizeBytes: objectSizeBytes)
  }

  /// Reads a trace from its unpacked bytes.
  static func parse(
    _ content: [UInt8], format: TraceFormat, objectSizeBytes: Int
  ) throws(TraceError) -> Trace {
    let trace =
      switch format == .auto ? detected(content) : format {
      case .nasa: try tabSeparated(content)
      case .cache2k, .auto: try keys(content, objectSizeBytes: objectSizeBytes)
      }
    if trace.requests.isEmpty { throw .empty }
    return trace
  }

  private static func detected(_ content: [UInt8]) -> TraceFormat {
    let line = content.prefix(while: { $0 != UInt8(ascii: "\n") }).prefix(4096)
    let columns = String(decoding: line, as: UTF8.self).split(separator: "\t")
    return columns.contains("url") && columns.contains("method") ? .nasa : .cache2k
  }

  // MARK: Forms

  private static func tabSeparated(_ content: [UInt8]) throws(TraceError) -> Trace {
    var lines = content.split(separator: UInt8(ascii: "\n")).makeIterator()
    guard let header = lines.next() else { throw .empty }
    let names = columns(of: header)
    let method = try index(of: "method", in: names)
    let url = try index(of: "url", in: names)
    let response = try index(of: "response", in: names)
    let size = try index(of: "bytes", in: names)
    let needed = max(method, url, response, size) + 1

    var trace = Trace()
    var number = 1
    while let line = lines.next() {
      number += 1
      let fields = columns(of: line)
      guard fields.count >= needed else { throw .malformedLine(number) }
      guard fields[method].elementsEqual("GET".utf8) else { continue }
      let status = String(decoding: fields[response], as: UTF8.self)
      guard status == "200" || status == "304" else { continue }
      let bytes = Int(String(decoding: fields[size], as: UTF8.self)) ?? 0
      try trace.append(path: requestTarget(fields[url]), sizeBytes: max(0, bytes))
    }
    return trace
  }

  private static func keys(
    _ content: [UInt8], objectSizeBytes: Int
  ) throws(TraceError) -> Trace {
    guard content.count.isMultiple(of: 4) else { throw .partialKey(sizeBytes: content.count) }
    var trace = Trace()
    for offset in stride(from: 0, to: content.count, by: 4) {
      let key = content[offset..<offset + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      try trace.append(path: "/object/\(key)", sizeBytes: objectSizeBytes)
    }
    return trace
  }

  private static func columns(of line: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
  }

  private static func index(
    of name: String, in names: [ArraySlice<UInt8>]
  ) throws(TraceError) -> Int {
    guard let index = names.firstIndex(where: { $0.elementsEqual(name.utf8) }) else {
      throw .missingColumn(name)
    }
    return index
  }

  /// Makes a recorded URL safe to send: bytes that RFC 3986 does not allow in a path or a query
  /// are percent-encoded, and so is a `%` that opens no valid escape.
  static func requestTarget(_ url: some Collection<UInt8>) -> String {
    let bytes = Array(url)
    var target: [UInt8] = bytes.first == UInt8(ascii: "/") ? [] : [UInt8(ascii: "/")]
    for (position, byte) in bytes.enumerated() {
      let isEscape =
        byte == UInt8(ascii: "%") && position + 2 < bytes.count
        && isHexadecimal(bytes[position + 1]) && isHexadecimal(bytes[position + 2])
      if isEscape || isAllowed(byte) {
        target.append(byte)
      } else {
        let digits = Array("0123456789ABCDEF".utf8)
        target += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: target, as: UTF8.self)
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default:
      "-._~!$&'()*+,;=:@/?".utf8.contains(byte)
    }
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    Character(UnicodeScalar(byte)).isHexDigit
  }

  // MARK: Files

  private static func plain(_ path: String) throws(TraceError) -> [UInt8] {
    do {
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      return try bounded(handle, path: path)
    } catch let error as TraceError {
      throw error
    } catch {
      throw .unreadable(path: path, reason: error.localizedDescription)
    }
  }

  private static func unpacked(_ path: String) throws(TraceError) -> [UInt8] {
    guard FileManager.default.isReadableFile(atPath: path) else {
      throw .unreadable(path: path, reason: "no such file, or not readable")
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["xz", "-dc", "--", path]
    let output = Pipe()
    process.standardOutput = output
    do {
      try process.run()
      let content = try bounded(output.fileHandleForReading, path: path)
      process.waitUntilExit()
      if process.terminationStatus == 0 { return content }
    } catch let error as TraceError {
      process.terminate()
      throw error
    } catch {
      throw .unpackFailed(path: path, reason: error.localizedDescription)
    }
    let reason =
      process.terminationStatus == 127
      ? "xz is not installed" : "xz ended with status \(process.terminationStatus)"
    throw .unpackFailed(path: path, reason: reason)
  }

  private static func bounded(_ handle: FileHandle, path: String) throws -> [UInt8] {
    var content: [UInt8] = []
    while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty {
      content += piece
      if content.count > sizeLimitBytes {
        throw TraceError.tooLarge(path: path, limitBytes: sizeLimitBytes)
      }
    }
    return content
  }
}
