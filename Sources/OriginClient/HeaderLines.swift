import CCurl
import HTTPMessage
import NIOCore

/// A request's header lines as the list that libcurl reads, in one block of memory that is used
/// again for the next request.
///
/// libcurl's own list costs two allocations a line; it only ever reads the list it is given, so
/// nodes and text can stand in one block: the nodes first, the text after them. Owned by one easy
/// handle; the list is valid until the next ``build(_:host:)`` or the end of this value.
///
/// For every field that libcurl might write itself it searches the whole list, a dozen times a
/// request, and it formats node by node: with a node a line that was a tenth of what a fetch costs.
/// So all lines stand in one node, CR LF between them, which goes out as it is; only what libcurl
/// has to find by name, Host and Accept, and what takes its own lines away has nodes of its own.
struct HeaderLines: ~Copyable {
  private var memory: UnsafeMutableRawPointer
  private var capacity: Int

  init() {
    capacity = 2048
    memory = .allocate(byteCount: capacity, alignment: MemoryLayout<curl_slist>.alignment)
  }

  deinit { memory.deallocate() }

  /// What the transport writes itself, or never sends.
  private static let ownFields: KnownFieldSet = [
    .host, .contentLength, .transferEncoding, .connection, .keepAlive, .proxyConnection, .expect,
    .upgrade, .te, .http2Settings,
  ]
  private static let apartFields = ownFields.union([.accept])

  /// The list for `request`; `host` replaces its authority. nil when a field has a byte that could
  /// end it early on the wire.
  mutating func build(
    _ request: borrowing OriginRequest, host: [UInt8]?
  ) -> UnsafeMutablePointer<curl_slist>? {
    let fields = request.fields
    let nodeLimit = fields.count + 8
    // A line is name, colon, space, value, and CR LF or NUL; the transport's own eight take less
    // than 160 bytes beside the host.
    var textLimit = 160 + (host?.count ?? request.authority.readableBytes)
    for entry in fields.entries { textLimit += Int(entry.nameCount) + Int(entry.valueCount) + 4 }
    let needed = nodeLimit * MemoryLayout<curl_slist>.stride + textLimit
    if needed > capacity { grow(to: needed) }

    var writer = LineWriter(memory: memory, capacity: capacity, nodeLimit: nodeLimit)
    if let host {
      host.withUnsafeBytes { writer.append("Host", value: $0) }
    } else if request.authority.readableBytes > 0 {
      request.authority.withUnsafeReadableBytes { writer.append("Host", value: $0) }
    }
    if fields.contains(.accept) {
      fields.forEach(.accept) { writer.append("Accept", value: $0) }
    } else {
      // A name with nothing after its colon keeps libcurl from adding its own line.
      writer.suppress("Accept:")
    }
    fields.forEachLine { name, value, known in
      guard known == .other || !Self.apartFields.contains(known) else { return }
      writer.join(name: name, value: value)
    }
    writer.endJoined()
    if request.asksForWebSocket {
      writer.suppress("Connection: Upgrade")
      writer.suppress("Upgrade: websocket")
      // libcurl knows the request as an upload of unknown length.
      writer.suppress("Transfer-Encoding:")
      writer.suppress("Expect:")
    }
    switch request.framing {
    case .none: break
    case .length(0): writer.suppress("Content-Length: 0")
    case .length, .streamed: writer.suppress("Expect:")
    }
    return writer.isWellFormed ? writer.first : nil
  }

  private mutating func grow(to needed: Int) {
    memory.deallocate()
    capacity = max(needed, capacity * 2)
    memory = .allocate(byteCount: capacity, alignment: MemoryLayout<curl_slist>.alignment)
  }
}

/// Writes nodes and lines into the block. Bounds: `nodeLimit` nodes from its start, text from
/// there to `capacity`; both are checked at every line.
private struct LineWriter {
  private let nodes: UnsafeMutablePointer<curl_slist>
  private let nodeLimit: Int
  private var nodeCount = 0
  private var text: UnsafeMutablePointer<UInt8>
  private let textEnd: UnsafeMutablePointer<UInt8>
  private(set) var isWellFormed = true
  /// Where the node that lines are being joined in begins; nil while there is none.
  private var joined: UnsafeMutablePointer<UInt8>?

  init(memory: UnsafeMutableRawPointer, capacity: Int, nodeLimit: Int) {
    nodes = memory.bindMemory(to: curl_slist.self, capacity: nodeLimit)
    self.nodeLimit = nodeLimit
    let textOffset = nodeLimit * MemoryLayout<curl_slist>.stride
    text = (memory + textOffset).bindMemory(to: UInt8.self, capacity: capacity - textOffset)
    textEnd = text + (capacity - textOffset)
  }

  var first: UnsafeMutablePointer<curl_slist>? { nodeCount > 0 ? nodes : nil }

  mutating func append(_ name: StaticString, value: UnsafeRawBufferPointer) {
    append(
      name: UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount),
      value: value)
  }

  /// Adds a line to the node of joined lines; of all nodes only one at a time is open for that.
  mutating func join(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    guard check(name, value) else { return }
    let isBlank = value.allSatisfy(\.isOptionalWhitespace)
    if joined == nil {
      // A node that begins with a field without a value would be taken for its removal.
      if isBlank { return append(name: name, value: value) }
      joined = beginLine(limit: name.count + value.count + 4)
    } else {
      precondition(name.count + value.count + 5 <= textEnd - text, "header lines out of bounds")
      write(0x0D)
      write(0x0A)
    }
    write(name)
    write(UInt8(ascii: ":"))
    if isBlank { return }
    write(0x20)
    write(value)
  }

  /// Ends the node of joined lines.
  mutating func endJoined() {
    guard let joined else { return }
    self.joined = nil
    endLine(joined)
  }

  private mutating func check(
    _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
  ) -> Bool {
    for byte in name where !byte.isTokenByte { isWellFormed = false }
    for byte in value where !byte.isFieldValueByte { isWellFormed = false }
    if name.isEmpty { isWellFormed = false }
    return isWellFormed
  }

  /// Adds a line in a node of its own.
  mutating func append(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    guard check(name, value) else { return }
    let start = beginLine(limit: name.count + value.count + 3)
    write(name)
    if value.allSatisfy(\.isOptionalWhitespace) {
      // libcurl's spelling of a field without a value; with a colon it would leave the line out.
      write(UInt8(ascii: ";"))
    } else {
      write(UInt8(ascii: ":"))
      write(0x20)
      write(value)
    }
    endLine(start)
  }

  mutating func suppress(_ line: StaticString) {
    let start = beginLine(limit: line.utf8CodeUnitCount + 1)
    write(UnsafeRawBufferPointer(start: line.utf8Start, count: line.utf8CodeUnitCount))
    endLine(start)
  }

  private mutating func beginLine(limit: Int) -> UnsafeMutablePointer<UInt8> {
    precondition(nodeCount < nodeLimit && limit <= textEnd - text, "header lines out of bounds")
    return text
  }

  private mutating func endLine(_ start: UnsafeMutablePointer<UInt8>) {
    write(0)
    let data = UnsafeMutableRawPointer(start).assumingMemoryBound(to: CChar.self)
    nodes[nodeCount] = curl_slist(data: data, next: nil)
    if nodeCount > 0 { nodes[nodeCount - 1].next = nodes + nodeCount }
    nodeCount += 1
  }

  private mutating func write(_ byte: UInt8) {
    text.pointee = byte
    text += 1
  }

  private mutating func write(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    UnsafeMutableRawPointer(text).copyMemory(from: base, byteCount: bytes.count)
    text += bytes.count
  }
}
