import HTTPMessage
import NIOCore

/// What the origin transport has to know. Made by whoever reads edge.conf; checked by
/// ``CurlTransport/init(configuration:eventLoops:)``.
public struct Configuration: Sendable {
  /// The origins; ``OriginRequest/origin`` is an index into this list.
  public var origins: [Origin]
  /// Longest response head (interim heads before it included), in bytes.
  public var headLimitBytes = 64 << 10
  /// Most field lines in one response head or trailer section.
  public var fieldLimit = 200
  /// Asked before every connection, with the resolved address: false refuses it. Called on a
  /// transport thread, must not block. nil allows every address.
  ///
  /// The name is resolved by the transport, so only a check of the resolved address holds against
  /// a name that points into a private network.
  public var mayConnect: (@Sendable (SocketAddress) -> Bool)?

  /// A configuration for these origins.
  public init(origins: [Origin]) { self.origins = origins }

  /// One origin: a name, and the servers that answer for it.
  public struct Origin: Sendable {
    /// The name, for log and metrics.
    public var name: String
    /// Its servers, taken in turn; 1 to 64.
    public var servers: [Server]
    /// Most fetches under way at once, over all threads.
    public var pool = 50
    /// Most fetches waiting for a place in the pool, over all threads.
    public var queueLimit = 1000
    /// The time limits.
    public var timeouts = Timeouts()
    /// How long an idle connection may be used again: keep it below the origin's own limit.
    public var keepAlive: Duration = .seconds(55)
    /// What the Host field says.
    public var host: Host = .client
    /// How `https` servers are verified.
    public var tls = TLS()

    /// An origin with the default limits.
    public init(name: String, servers: [Server]) {
      self.name = name
      self.servers = servers
    }
  }

  /// One server of an origin.
  public struct Server: Sendable, Equatable {
    /// The scheme of a server's URL.
    public enum Scheme: String, Sendable { case http, https }
    /// The scheme.
    public var scheme: Scheme
    /// A host name or an address; an IPv6 address without its brackets.
    public var host: String
    /// The port, 1 to 65535.
    public var port: Int

    /// A server.
    public init(_ scheme: Scheme, host: String, port: Int) {
      self.scheme = scheme
      self.host = host
      self.port = port
    }
  }

  /// The limits in time of one fetch.
  public struct Timeouts: Sendable {
    /// Name resolution, connection and TLS handshake together.
    public var connect: Duration = .seconds(5)
    /// From the request (its content included) to the response's first byte.
    public var firstByte: Duration = .seconds(60)
    /// Between two pieces of a response; time in which the consumer holds back does not count.
    public var idle: Duration = .seconds(60)
    /// Waiting for a place in the pool.
    public var queue: Duration = .seconds(10)
    /// The default limits.
    public init() {}
  }

  /// What the Host field of a request says.
  public enum Host: Sendable, Equatable {
    /// The request's ``OriginRequest/authority``, or the server's own where that is empty.
    case client
    /// Always this.
    case literal(String)
  }

  /// How a TLS server is verified.
  public struct TLS: Sendable {
    /// Whether certificate and host name are checked. Off only for tests.
    public var verify = true
    /// A PEM file of authorities instead of the system's.
    public var authoritiesFile: String?
    /// The default: the system's authorities.
    public init() {}
  }
}

/// Why a transport could not be made.
public enum ConfigurationFault: Error, Sendable, Equatable {
  /// The origin has no server, or more than 64.
  case serverCount(origin: String)
  /// The server's host is empty or has a byte that no URL may carry, or the port is out of range.
  case badServer(origin: String, host: String)
  /// The literal Host has a control character or is empty.
  case badHost(origin: String)
  /// A limit is below its minimum (pool 1, queue 0, times above zero).
  case badLimit(origin: String)
  /// There is no event loop.
  case noEventLoop
  /// The system refused a descriptor or a thread.
  case system(errno: Int32)
}

extension Configuration {
  func check() throws(ConfigurationFault) {
    for origin in origins {
      guard 1...ServerSelection.serverLimit ~= origin.servers.count else {
        throw .serverCount(origin: origin.name)
      }
      for server in origin.servers where !server.isWellFormed {
        throw .badServer(origin: origin.name, host: server.host)
      }
      if case .literal(let host) = origin.host {
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
          throw .badHost(origin: origin.name)
        }
      }
      let times = [
        origin.timeouts.connect, origin.timeouts.firstByte, origin.timeouts.idle,
        origin.timeouts.queue, origin.keepAlive,
      ]
      guard origin.pool >= 1, origin.queueLimit >= 0, times.allSatisfy({ $0 > .zero }) else {
        throw .badLimit(origin: origin.name)
      }
    }
  }
}

extension Configuration.Server {
  /// Letters, digits, `.`, `-`, `_` and, for IPv6, `:` and `%`: nothing that ends a URL's host.
  var isWellFormed: Bool {
    !host.isEmpty && 1...65535 ~= port
      && host.utf8.allSatisfy { byte in
        byte.isASCIIDigit || byte.asciiLowercased &- 0x61 < 26 || byte == UInt8(ascii: ".")
          || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ":")
          || byte == UInt8(ascii: "%")
      }
  }

  /// The URL of the server's root; the request's own target replaces its path.
  var url: String {
    let address = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
    return "\(scheme.rawValue)://\(address):\(port)/"
  }
}

extension Duration {
  /// Whole nanoseconds, at most some 292 years.
  var wholeNanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds < 9_000_000_000 else { return UInt64(Int64.max) }
    return UInt64(max(0, seconds)) * 1_000_000_000 + UInt64(max(0, attoseconds)) / 1_000_000_000
  }

  /// Whole milliseconds, at least 1.
  var wholeMilliseconds: Int {
    max(1, Int(clamping: wholeNanoseconds / 1_000_000))
  }
}
