import HTTPMessage
import NIOCore

/// What the front listens on and the limits it holds its clients to.
public struct ServerConfiguration: Sendable {
  /// An address to listen on.
  public struct Listener: Sendable, Equatable {
    /// A name or an address, such as `127.0.0.1` or `::1`.
    public var host: String
    /// The port; 0 takes a free one.
    public var port: Int
    /// How it speaks TLS; nil is clear text.
    public var tls: TLS?
    /// What it tells browsers about TLS; nil is nothing. Only responses over TLS carry it.
    public var strictTransportSecurity: StrictTransportSecurity?

    /// A listener on this host and port, in clear text.
    public init(host: String, port: Int) {
      self.host = host
      self.port = port
    }
  }

  /// The addresses; every event loop listens on each of them.
  public var listeners: [Listener]
  /// The limits on each connection.
  public var limits: ConnectionLimits
  /// Connections of all loops together; the next one is answered 503.
  public var maxConnections: Int
  /// What one client address may use; nil for no such limit.
  public var clientLimits: ClientLimits?
  /// Connections that wait in the kernel to be accepted, a listening socket.
  public var backlog: Int

  /// Whether clients may speak HTTP/2: in clear text when their first bytes say so, over TLS by
  /// ALPN (RFC 7301), where it is offered before HTTP/1.1.
  public var isHTTP2Enabled = true

  /// A configuration of these parts.
  public init(
    listeners: [Listener], limits: ConnectionLimits = ConnectionLimits(),
    maxConnections: Int = 10_000, backlog: Int = 4096
  ) {
    self.listeners = listeners
    self.limits = limits
    self.maxConnections = maxConnections
    self.backlog = backlog
  }
}

/// The limits that one connection is held to. Times are checked every 250 ms.
public struct ConnectionLimits: Sendable {
  /// Size and count of a request's head, and of a trailer section.
  public var head = HeadLimits()
  /// Bytes of one request's content; nil for no limit. More is answered 413.
  public var requestBodyBytes: Int?
  /// From a head's first byte to its last, then 408; and how long a new connection may be silent.
  public var headerTimeout = TimeAmount.seconds(15)
  /// Between two pieces of a request's content that is being waited for. Then 408.
  public var bodyTimeout = TimeAmount.seconds(30)
  /// Between two requests. Then the connection closes without a word.
  public var idleTimeout = TimeAmount.seconds(60)
  /// How long a client may take none of the bytes that wait for it. Then the connection is reset.
  public var sendTimeout = TimeAmount.seconds(30)
  /// Bytes a second that a request's content has to come with while it is waited for; 0 for any
  /// rate. Then 408.
  public var contentBytesPerSecond = 128
  /// Bytes a second that a client has to take while a response waits for it; 0 for any rate. Then
  /// the connection is reset.
  public var sendBytesPerSecond = 128
  /// The time over which those rates are taken.
  public var rateWindow = TimeAmount.seconds(30)
  /// How long no byte may pass, either way, on a connection that speaks the WebSocket protocol.
  public var webSocketIdleTimeout = TimeAmount.minutes(5)
  /// How long bytes are thrown away behind the last response, so that the client can read it.
  public var lingerTimeout = TimeAmount.seconds(2)
  /// Requests on one connection; nil for no limit.
  public var requestsPerConnection: Int?
  /// Bytes that may wait for one client before its exchange is told to hold back.
  public var outputHighWaterBytes = 256 << 10
  /// Bytes that the kernel takes for a client ahead of what is on its way to it; nil leaves it to
  /// the kernel, which takes some MiB of a large response, at once, for one that reads nothing.
  public var unsentBytes: Int? = 256 << 10
  /// Bytes read ahead of what is asked for: pipelined requests, or content nobody wants yet.
  public var inputHighWaterBytes = 64 << 10
  /// Content left over when its response has ended: up to this many bytes are thrown away to keep
  /// the connection, beyond them it closes.
  public var discardLimitBytes = 256 << 10

  /// What else HTTP/2 connections are held to.
  public var http2 = HTTP2Limits()

  /// The default limits.
  public init() {}
}
