import Glibc
import NIOCore
import NIOPosix

/// A listener that could not be opened, named as the configuration names it.
public struct ListenerError: Error, Sendable, CustomStringConvertible {
  /// The address, such as `127.0.0.1:8080`.
  public var address: String
  /// What the system said.
  public var reason: String

  /// The address and the reason.
  public var description: String { "cannot listen on \(address): \(reason)" }
}

extension ServerConfiguration.Listener {
  /// As it stands in messages.
  public var text: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// The socket address; asks the resolver for a name, which may block.
  func resolve() throws(ListenerError) -> SocketAddress {
    do {
      if let address = try? SocketAddress(ipAddress: host, port: port) { return address }
      return try SocketAddress.makeAddressResolvingHost(host, port: port)
    } catch {
      throw ListenerError(address: text, reason: "unknown host or bad port: \(error)")
    }
  }

  /// Fails when another process listens there: with SO_REUSEPORT the kernel would give each of
  /// the two a share of the connections, and nobody would notice.
  func checkFree(_ address: SocketAddress) throws(ListenerError) {
    guard port != 0 else { return }
    let family = address.protocol == .inet6 ? AF_INET6 : AF_INET
    let descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw failure() }
    defer { close(descriptor) }
    var on: CInt = 1
    setsockopt(
      descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
    if family == AF_INET6 {
      setsockopt(
        descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &on, socklen_t(MemoryLayout<CInt>.size))
    }
    let result = address.withSockAddr { bind(descriptor, $0, socklen_t($1)) }
    guard result == 0 else { throw failure() }
  }

  private func failure() -> ListenerError {
    ListenerError(address: text, reason: String(cString: strerror(errno)))
  }
}
