import Foundation
import Synchronization

/// An origin on 127.0.0.1 that plays what the test says: plain sockets, one thread a connection.
///
/// `script` gets every connection with its number (from 0) and may block; the connection is
/// closed when it returns.
final class ScriptedServer: Sendable {
  let port: Int
  private let listener: Int32
  private let counters = Mutex<(connections: Int, open: Set<Int32>, isStopped: Bool)>(
    (0, [], false))

  init(_ script: @escaping @Sendable (ScriptedConnection) -> Void) throws {
    let (listener, port) = try Self.listen()
    self.listener = listener
    self.port = port
    let thread = Thread { [self] in accept(script) }
    thread.start()
  }

  /// How many connections were accepted.
  var connections: Int { counters.withLock { $0.connections } }

  /// Closes the port and shuts the connections down; the threads end by that.
  func stop() {
    counters.withLock { counters in
      guard !counters.isStopped else { return }
      counters.isStopped = true
      shutdown(listener, Int32(SHUT_RDWR))
      for socket in counters.open { shutdown(socket, Int32(SHUT_RDWR)) }
    }
  }

  /// A port that nobody listens on.
  static func refusingPort() throws -> Int {
    let (listener, port) = try listen()
    close(listener)
    return port
  }

  private static func listen() throws -> (socket: Int32, port: Int) {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        var result = bind(listener, address, length)
        if result == 0 { result = Glibc.listen(listener, 1024) }
        if result == 0 { result = getsockname(listener, address, &length) }
        return result
      }
    }
    guard listener >= 0, result == 0 else { throw ScriptError(errno: errno) }
    return (listener, Int(UInt16(bigEndian: address.sin_port)))
  }

  private func accept(_ script: @escaping @Sendable (ScriptedConnection) -> Void) {
    while true {
      let socket = Glibc.accept(listener, nil, nil)
      guard socket >= 0 else { break }
      let number: Int? = counters.withLock { counters in
        guard !counters.isStopped else { return nil }
        counters.connections += 1
        counters.open.insert(socket)
        return counters.connections - 1
      }
      guard let number else {
        close(socket)
        break
      }
      let thread = Thread { [self] in
        script(ScriptedConnection(socket: socket, number: number))
        counters.withLock { _ = $0.open.remove(socket) }
        close(socket)
      }
      thread.start()
    }
    close(listener)
  }
}

struct ScriptError: Error { let errno: Int32 }

/// One accepted connection. Confined to its thread but for ``sent``.
final class ScriptedConnection: @unchecked Sendable {
  let number: Int
  private let socket: Int32
  private var unread: [UInt8] = []

  init(socket: Int32, number: Int) {
    self.socket = socket
    self.number = number
  }

  /// The next request's head, its empty line included; nil when the client has closed.
  func readHead() -> String? {
    let end = Array("\r\n\r\n".utf8)
    while true {
      if let position = unread.firstRange(of: end) {
        let head = String(decoding: unread[..<position.upperBound], as: UTF8.self)
        unread.removeSubrange(..<position.upperBound)
        return head
      }
      guard fill() else { return nil }
    }
  }

  /// `count` bytes, fewer when the client closes first.
  func read(_ count: Int) -> String {
    while unread.count < count, fill() {}
    let taken = unread.prefix(count)
    unread.removeFirst(taken.count)
    return String(decoding: taken, as: UTF8.self)
  }

  /// Everything up to and with `end`.
  func read(through end: String) -> String {
    let end = Array(end.utf8)
    while true {
      if let position = unread.firstRange(of: end) {
        let text = String(decoding: unread[..<position.upperBound], as: UTF8.self)
        unread.removeSubrange(..<position.upperBound)
        return text
      }
      guard fill() else { return String(decoding: unread, as: UTF8.self) }
    }
  }

  /// Blocks until the client has closed.
  func waitForClose() { while fill() { unread = [] } }

  /// False when the client has closed.
  @discardableResult
  func write(_ text: String) -> Bool { write(Array(text.utf8)) }

  @discardableResult
  func write(_ bytes: [UInt8]) -> Bool {
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes { bytes in
        send(
          socket, bytes.baseAddress.map { $0 + offset }, bytes.count - offset,
          Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return false }
      offset += count
    }
    return true
  }

  /// What has come by now and in a moment more; nil for nothing.
  func readNow() -> String? {
    var poll = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    guard unread.isEmpty, Glibc.poll(&poll, 1, 200) > 0 else {
      return unread.isEmpty ? nil : read(unread.count)
    }
    return fill() ? read(unread.count) : nil
  }

  /// Makes the close a reset.
  func resetOnClose() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
  }

  private func fill() -> Bool {
    var buffer = [UInt8](repeating: 0, count: 65536)
    let count = recv(socket, &buffer, buffer.count, 0)
    guard count > 0 else { return false }
    unread += buffer[..<count]
    return true
  }
}
