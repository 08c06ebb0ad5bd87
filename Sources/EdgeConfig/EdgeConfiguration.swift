/// All of edge.conf after checks and defaults: plain values, ready to be mapped onto the
/// configuration of each part. Durations are `Duration`, sizes are bytes, paths are absolute.
public struct EdgeConfiguration: Sendable, Equatable {
  /// The name of this edge in Via and Cache-Status; a token.
  public let name: String
  /// The number of event loops; nil is one a core.
  public let threads: Int?
  /// Blocks of proxies before the edge whose account of the client goes on to origins.
  public let trustedProxies: [String]
  /// Whether clients may speak HTTP/2.
  public let isHTTP2Enabled: Bool
  /// At least one.
  public let listeners: [Listener]
  /// What one client may use.
  public let limits: Limits
  /// At least one, in the order of the file; names are unique.
  public let origins: [Origin]
  /// At least one, in the order of the file. `routesBySpecificity` has the order of matching.
  public let routes: [Route]
  /// Where objects are kept.
  public let store: Store
  /// The admin API; nil when there is none.
  public let admin: Admin?
  /// Invalidations over the admin API; nil when there is none.
  public let invalidation: Invalidation?
  /// Who may PURGE on the listeners that serve clients; nil when nobody may.
  public let purge: Purge?
  /// What is logged.
  public let log: Log

  /// The configuration as YAML with every value after defaults, secrets shown as "(set)".
  /// Loading it gives the same configuration apart from the secrets.
  public let effectiveConfiguration: String
  /// Every option with its value, for comparing configurations.
  let settings: [OptionSetting]
  /// What the file allows and its writer probably did not mean, ordered by place.
  public var warnings: [Diagnostic]

  /// The origin of this name, nil when there is none. O(origins).
  public func origin(named name: String) -> Origin? {
    origins.first { $0.name == name }
  }
}

extension EdgeConfiguration {
  /// What one client may use.
  public struct Limits: Sendable, Equatable {
    /// The longest request head.
    public let headSizeBytes: Int
    /// The longest request target; at most `headSizeBytes`.
    public let targetSizeBytes: Int
    /// The most header fields in a request.
    public let fieldCount: Int
    /// The largest request body; nil is unlimited, zero refuses every body.
    public let requestBodySizeBytes: Int?
    /// The longest wait for a whole request head, from its first byte.
    public let headerTimeout: Duration
    /// The longest pause between two pieces of a request body.
    public let bodyTimeout: Duration
    /// How long a connection without a request stays open.
    public let idleTimeout: Duration
    /// How long a response may wait for a client that accepts no bytes.
    public let sendTimeout: Duration
    /// How long no byte may pass on a WebSocket.
    public let webSocketIdleTimeout: Duration
    /// The most client connections at a time.
    public let connections: Int
    /// The number of requests after which a connection is closed; nil is unlimited.
    public let requestsPerConnection: Int?
    /// The least bytes a second of a request body; nil is off.
    public let bodyBytesPerSecond: Int?
    /// The least bytes a second that a client takes of a response; nil is off.
    public let sendBytesPerSecond: Int?
    /// The time over which those rates are taken.
    public let rateWindow: Duration
    /// The most bytes that the kernel takes ahead of what is on its way; nil is off.
    public let unsentBytes: Int?
    /// What one client address may use; nil is off.
    public let perAddress: PerAddress?
    /// How long running requests may take to end when the edge stops.
    public let drain: Duration

    /// What one client address may use.
    public struct PerAddress: Sendable, Equatable {
      /// The most connections at a time; nil is unlimited.
      public let connections: Int?
      /// The most requests a second; nil is unlimited.
      public let requestsPerSecond: Int?
      /// The requests that may come at once after a pause; nil is twice those of a second.
      public let burst: Int?
      /// Blocks of addresses to which the limits do not apply.
      public let exempt: [String]
      /// The most addresses that are kept count of.
      public let addresses: Int
    }
  }

  /// A named group of servers that answer alike.
  public struct Origin: Sendable, Equatable {
    /// The Host field sent to an origin.
    public enum HostField: Sendable, Equatable {
      /// The client's own.
      case client
      /// This one: a lower-case host, with a port if it was written.
      case literal(String)
    }

    /// The name that routes use.
    public let name: String
    /// At least one.
    public let servers: [OriginServer]
    /// The most connections at a time.
    public let pool: Int
    /// The most fetches that wait for a connection.
    public let queue: Int
    /// The longest wait in the queue.
    public let queueTimeout: Duration
    /// The longest wait for a connection, TLS handshake included.
    public let connectTimeout: Duration
    /// The longest wait from the sent request to the first byte of the response.
    public let firstByteTimeout: Duration
    /// The longest pause between two pieces of a response.
    public let idleTimeout: Duration
    /// How long an idle connection is kept.
    public let keepAlive: Duration
    /// The Host field to send.
    public let host: HostField
    /// Whether the certificate of an https server must be valid for its host.
    public let verify: Bool
    /// Absolute path of the trusted certificates (PEM); nil stands for those of the system.
    public let caFile: String?
  }

  /// Where objects are kept.
  public struct Store: Sendable, Equatable {
    /// The memory tier.
    public let memory: Memory
    /// The disk tier; nil when it is off.
    public let disk: Disk?
    /// Whether the disk tier encrypts what it writes.
    public let encryption: Bool
    /// Absolute path of the folder of keys; nil without a disk tier.
    public let keysDirectory: String?
    /// The age at which a key gives way to a new one; nil never.
    public let keysRotation: Duration?

    /// The memory tier.
    public struct Memory: Sendable, Equatable {
      /// The memory for objects: heads, bodies and bookkeeping.
      public let sizeBytes: Int
      /// An object without a hit for this long leaves memory.
      public let idle: Duration
      /// The largest object kept in memory; at most `sizeBytes`.
      public let largestBytes: Int
      /// A power of two; nil fits the number of threads.
      public let shards: Int?
    }

    /// The disk tier.
    public struct Disk: Sendable, Equatable {
      /// When the journal of stored objects is synced.
      public enum Sync: String, Sendable {
        case everySecond = "everysec"
        case always
        case never = "no"
      }

      /// A folder.
      public struct Path: Sendable, Equatable {
        /// Absolute path of the folder.
        public let path: String
        /// The space there for objects.
        public let sizeBytes: Int
      }

      /// The folders; at least one.
      public let paths: [Path]
      /// The largest object kept on disk; at most the largest size.
      public let largestBytes: Int
      /// When the journal of stored objects is synced.
      public let fsync: Sync
      /// The time between two snapshots of the index.
      public let snapshotInterval: Duration
      /// Snapshots that are kept for longer; nil keeps only those that are asked for.
      public let snapshots: Snapshots?

      /// Snapshots that `edge snapshot restore` can bring back.
      public struct Snapshots: Sendable, Equatable {
        /// The time from one to the next.
        public let every: Duration
        /// How long each is kept.
        public let keep: Duration
      }
    }
  }

  /// What is logged.
  public struct Log: Sendable, Equatable {
    /// The least severity that is logged; the names are those of swift-log.
    public enum Level: String, Sendable {
      case trace
      case debug
      case info
      case notice
      case warning
      case error
      case critical
    }

    /// The least severity that is logged.
    public let level: Level
    /// The access log; nil when it is off.
    public let access: Access?

    /// The access log.
    public struct Access: Sendable, Equatable {
      /// Where lines go.
      public enum Destination: Sendable, Equatable {
        case standardOutput
        /// An absolute path.
        case file(String)
      }

      /// How a line looks.
      public enum Format: String, Sendable {
        case json
        case combined
      }

      /// Where lines go.
      public let destination: Destination
      /// How a line looks.
      public let format: Format
    }
  }
}
