import HTTPMessage
import NIOCore

@testable import OriginClient

/// The check of an origin's response head, line by line as libcurl hands them over.
enum ResponseHarness {
  static func run(_ bytes: Bytes) {
    var parser = ResponseHeadParser(limitBytes: 1024, fieldLimit: 8)
    parser.start(answersHead: bytes.first == UInt8(ascii: "h"))
    var received = 0
    for line in lines(bytes) {
      received += line.count
      do {
        let event = try line.withUnsafeBytes { line throws(ResponseFault) in
          try parser.receive(line)
        }
        switch event {
        case .head(let head): check(head.status, head.fields, isFinal: true)
        case .informational(let status, let fields): check(status, fields, isFinal: false)
        case nil: break
        }
        if parser.isHeadComplete { return }
        require(received <= 1024, "\(received) bytes of head were taken")
      } catch {
        return
      }
    }
  }

  /// Cut behind every line feed.
  private static func lines(_ bytes: Bytes) -> [Bytes] {
    var lines: [Bytes] = []
    var line: Bytes = []
    for byte in bytes {
      line.append(byte)
      guard byte == 0x0A else { continue }
      lines.append(line)
      line = []
    }
    return lines
  }

  /// What goes on from here must read as field lines again, the very same.
  private static func check(_ status: Int, _ fields: FieldBlock, isFinal: Bool) {
    require(isFinal ? (200...999) ~= status : (102...199) ~= status, "status \(status)")
    require(fields.entries.count <= 8, "\(fields.entries.count) fields")
    var text = Bytes("HTTP/1.1 200 OK\r\n".utf8)
    text += fields.bytes.readableBytesView
    text += Bytes("\r\n".utf8)
    var parser = ResponseHeadParser(limitBytes: 4096, fieldLimit: 8)
    parser.start(answersHead: true)
    for line in lines(text) {
      do {
        let event = try line.withUnsafeBytes { line throws(ResponseFault) in
          try parser.receive(line)
        }
        if case .head(let head) = event {
          require(head.fields.bytes == fields.bytes, "the fields change when they are read again")
          return
        }
      } catch {
        fatalError("not field lines: \(error)")
      }
    }
    fatalError("the head has no end")
  }
}
