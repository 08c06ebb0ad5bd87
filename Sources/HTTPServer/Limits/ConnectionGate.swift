import EdgeSecurity
import HTTPMessage
import NIOCore
import Synchronization

/// A connection's place among those that are open; given back when it ends.
struct ConnectionPlace {
  /// Why the connection is turned away; nil when it may stay.
  var rejection: RequestFault?
  /// What its address has in use; nil when no limit applies to it.
  var client: ClientEntry?
}

/// Decides which connections may stay: shared by all loops.
final class ConnectionGate: Sendable {
  private let limit: Int
  private let taken = Atomic<Int>(0)
  private let clients: ClientTable?

  init(limit: Int, clients: ClientLimits? = nil) {
    self.limit = limit
    self.clients = clients.map { ClientTable($0) }
  }

  /// Connections that no limit of their address applied to because too many addresses were in use.
  var unlimitedCount: Int { clients?.unlimitedCount ?? 0 }

  /// Counts a new connection.
  func admit(_ address: SocketAddress?, now: NIODeadline) -> ConnectionPlace {
    guard taken.add(1, ordering: .relaxed).newValue <= limit else {
      taken.subtract(1, ordering: .relaxed)
      return ConnectionPlace(rejection: .tooManyConnections)
    }
    guard let clients, let address = address.flatMap(NetworkAddress.init(socket:)) else {
      return ConnectionPlace()
    }
    switch clients.admit(address, now: now) {
    case .admitted(let entry): return ConnectionPlace(client: entry)
    case .tooMany:
      taken.subtract(1, ordering: .relaxed)
      return ConnectionPlace(rejection: .tooManyConnectionsOfAddress)
    }
  }

  /// A connection has ended that held `place`; one that was turned away holds nothing.
  func giveBack(_ place: ConnectionPlace, now: NIODeadline) {
    guard place.rejection == nil else { return }
    taken.subtract(1, ordering: .relaxed)
    if let client = place.client { clients?.giveBack(client, now: now) }
  }
}

extension NetworkAddress {
  /// The address of a socket; nil for one that has none, such as a Unix socket.
  init?(socket: SocketAddress) {
    switch socket {
    case .v4(let address):
      var number = address.address.sin_addr
      self.init(octets: withUnsafeBytes(of: &number) { Array($0) })
    case .v6(let address):
      var number = address.address.sin6_addr
      self.init(octets: withUnsafeBytes(of: &number) { Array($0) })
    case .unixDomainSocket: return nil
    }
  }
}
