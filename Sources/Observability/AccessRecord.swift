import NIOCore

/// One request, as the access log writes it. The pointers need to be valid only during the call
/// that takes the record; their bytes are as received and become harmless when they are written.
public struct AccessRecord {
  /// The client; nil when it was gone already.
  public var remoteAddress: SocketAddress?
  /// Wall clock when the request's head had been received, Unix seconds.
  public var wallSeconds: Int64 = 0
  /// Nanoseconds within that second.
  public var wallNanoseconds: Int64 = 0
  /// Method; empty for a request that could not be read.
  public var method = UnsafeRawBufferPointer(start: nil, count: 0)
  /// Target as received: path and query.
  public var target = UnsafeRawBufferPointer(start: nil, count: 0)
  /// Authority, with its port if one was named.
  public var host = UnsafeRawBufferPointer(start: nil, count: 0)
  /// Value of Referer; empty without one.
  public var referer = UnsafeRawBufferPointer(start: nil, count: 0)
  /// Value of User-Agent; empty without one.
  public var userAgent = UnsafeRawBufferPointer(start: nil, count: 0)
  /// The protocol's version: `1.0`, `1.1`, `2`.
  public var version: StaticString = "1.1"
  /// Whether it came over TLS.
  public var isSecure = false
  /// Status code of the answer; 0 when there was none.
  public var status = 0
  /// Bytes of content handed over.
  public var bytes = 0
  /// From the request's head to the last byte handed over.
  public var durationNanoseconds: Int64 = 0
  /// How the cache answered: `Hit`, `Miss`. Plain ASCII.
  public var cacheResult: StaticString = ""
  /// Why. Plain ASCII.
  public var reason: StaticString = ""

  /// A record to be filled in.
  public init() {}
}

/// How a line of the access log looks.
public enum AccessLogFormat: String, Sendable, CaseIterable {
  /// One JSON object a line.
  case json
  /// Apache's combined format, then the cache's result, the reason and the milliseconds.
  case combined
}
