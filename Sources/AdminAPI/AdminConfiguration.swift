import NIOCore

/// Where the admin API listens and what it allows.
public struct AdminConfiguration: Sendable {
  /// Address or name to listen on.
  public var host: String
  /// Port to listen on; 0 takes a free one, which is then reported.
  public var port: Int
  /// Names under which clients reach this listener besides its address, such as a load balancer's:
  /// a PURGE with one of them in Host is for every host.
  public var ownNames: [String]
  /// Connections at once; more wait in the kernel's queue.
  public var connectionLimit = 256
  /// A connection that is quiet for this long is closed.
  public var idleSeconds: Int64 = 60

  /// From which addresses it may be used.
  public var addresses = AdminAddressPolicy()
  /// Makes the TLS handler of a connection; nil speaks clear text.
  public var makeTLSHandler: (@Sendable () -> any ChannelHandler)?

  /// Longest head of a request, and longest field in it.
  static let headLimitBytes = 64 << 10
  /// Most fields in a request's head.
  static let fieldLimit = 200
  /// Where jobs are kept across restarts; nil: nowhere.
  public var jobsFile: String?
  /// CloudFront's API; nil when it is not offered.
  public var cloudFront: CloudFrontConfiguration?
  /// Events that other systems report.
  public var events: [EventConfiguration] = []

  /// Largest content of a request.
  public static let contentLimitBytes = 1 << 20
  /// Most paths in one invalidation.
  public static let pathLimit = 3000

  /// A listener at this address.
  public init(host: String = "127.0.0.1", port: Int, ownNames: [String] = []) {
    self.host = host
    self.port = port
    self.ownNames = ownNames
  }
}

/// Why the admin API does not run.
public enum AdminServerError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The address cannot be listened on; `reason` is the system's.
  case cannotListen(address: String, reason: String)

  /// What happened and what to do.
  public var description: String {
    switch self {
    case .cannotListen(let address, let reason):
      """
      the admin API cannot listen on \(address): \(reason); set admin.address to an address of \
      this machine and a port that no other process uses (ss -ltnp shows who does)
      """
    }
  }
}
