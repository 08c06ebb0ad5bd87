import Foundation
import Glibc
import Synchronization

/// A blocking TCP socket on 127.0.0.1, for driving servers byte by byte.
final class RawSocket: @unchecked Sendable {
  // @unchecked: a test hands a socket from thread to thread but never uses it on two at once.
  let descriptor: Int32

  init(descriptor: Int32) { self.descriptor = descriptor }

  /// Connects; reads give up after `timeoutSeconds`, so that no test can hang.
  convenience init(port: Int, timeoutSeconds: Int = 20) throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    self.init(descriptor: descriptor)
    var limit = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = loopback(port)
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw SocketFailure(what: "connect to \(port): errno \(errno)") }
  }

  deinit { Glibc.close(descriptor) }

  func send(_ text: String) { send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      sent += count
    }
  }

  /// Some bytes; empty at the end, on a reset or when nothing came in time.
  func receive(_ limit: Int = 65536) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: limit)
    let count = recv(descriptor, &buffer, limit, 0)
    return count > 0 ? Array(buffer[..<count]) : []
  }

  /// What has come by now, or comes in a moment; empty for nothing.
  func receiveNow() -> String {
    var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return Glibc.poll(&poll, 1, 200) > 0 ? String(decoding: receive(), as: UTF8.self) : ""
  }

  /// Everything up to the end of the connection.
  func receiveAll() -> String {
    var all: [UInt8] = []
    while case let bytes = receive(), !bytes.isEmpty { all += bytes }
    return String(decoding: all, as: UTF8.self)
  }

  /// Reads until `text` has been seen; returns all that was read.
  func receive(until text: String) -> String {
    var all: [UInt8] = []
    let wanted = Array(text.utf8)
    while !all.contains(sequence: wanted) {
      let bytes = receive()
      if bytes.isEmpty { break }
      all += bytes
    }
    return String(decoding: all, as: UTF8.self)
  }

  /// Reads a message's head and nothing behind it; cut short when the connection ends before.
  func receiveHead() -> String {
    var all: [UInt8] = []
    while all.suffix(4) != Array("\r\n\r\n".utf8), case let bytes = receive(1), !bytes.isEmpty {
      all += bytes
    }
    return String(decoding: all, as: UTF8.self)
  }

  /// Reads `count` bytes; fewer when the connection ends before.
  func receive(count: Int) -> [UInt8] {
    var all: [UInt8] = []
    while all.count < count, case let bytes = receive(min(65536, count - all.count)),
      !bytes.isEmpty
    {
      all += bytes
    }
    return all
  }

  /// Ends this side's sending.
  func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Closes with a reset instead of an orderly end.
  func reset() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    shutdown(descriptor, Int32(SHUT_RDWR))
  }
}

struct SocketFailure: Error { let what: String }

func loopback(_ port: Int) -> sockaddr_in {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = in_port_t(port).bigEndian
  address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
  return address
}

extension [UInt8] {
  func contains(sequence: [UInt8]) -> Bool {
    guard count >= sequence.count, !sequence.isEmpty else { return false }
    return indices.dropLast(sequence.count - 1).contains {
      self[$0..<($0 + sequence.count)].elementsEqual(sequence)
    }
  }
}

/// A listening socket on a free port of 127.0.0.1.
final class Listener: Sendable {
  let descriptor: Int32
  let port: Int

  init() throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = loopback(0)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let port = withUnsafeMutablePointer(to: &address) { pointer -> Int in
      _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        guard bind(descriptor, $0, size) == 0, listen(descriptor, 512) == 0 else {
          return Int32(-1)
        }
        return getsockname(descriptor, $0, &size)
      }
      return Int(UInt16(bigEndian: pointer.pointee.sin_port))
    }
    guard port > 0 else { throw SocketFailure(what: "bind: errno \(errno)") }
    self.descriptor = descriptor
    self.port = port
  }

  deinit { Glibc.close(descriptor) }

  /// Waits for a connection; nil once the listener is shut down.
  func accept() -> RawSocket? {
    let connection = Glibc.accept(descriptor, nil, nil)
    return connection >= 0 ? RawSocket(descriptor: connection) : nil
  }

  func stop() { shutdown(descriptor, Int32(SHUT_RDWR)) }
}

/// A port that was free a moment ago.
///
/// The system may name one port twice in a row; this process hands each out once.
func freePort() throws -> Int {
  for _ in 0..<1000 {
    let port = try Listener().port
    if handedOutPorts.withLock({ $0.insert(port).inserted }) { return port }
  }
  throw SocketFailure(what: "no free port was found")
}

private let handedOutPorts = Mutex<Set<Int>>([])

/// A port that is taken and refuses connections for as long as this lives.
final class ClosedPort: Sendable {
  private let descriptor: Int32
  let port: Int

  init() throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = loopback(0)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let port = withUnsafeMutablePointer(to: &address) { pointer -> Int in
      _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) == 0 ? getsockname(descriptor, $0, &size) : -1
      }
      return Int(UInt16(bigEndian: pointer.pointee.sin_port))
    }
    guard port > 0 else { throw SocketFailure(what: "bind: errno \(errno)") }
    self.descriptor = descriptor
    self.port = port
  }

  deinit { Glibc.close(descriptor) }
}
