import NIOCore

/// The limits that one HTTP/2 connection is held to beside those of ``ConnectionLimits``.
///
/// Four sizes bound what one connection may hold, whatever comes: by default 192 KiB of content,
/// 320 KiB of responses and heads, 128 KiB on its way to the socket, 384 KiB inside libnghttp2: one
/// mebibyte in all. Content that a hit in memory shares with the store does not count.
///
/// Rates count over the last minute. What exceeds one of them ends the connection with
/// GOAWAY(ENHANCE_YOUR_CALM) and is counted as its ``HTTP2Abuse``.
public struct HTTP2Limits: Sendable, Equatable {
  /// Streams open at the same time (SETTINGS_MAX_CONCURRENT_STREAMS).
  public var concurrentStreams = 100
  /// Content a stream may send before any of it is taken (SETTINGS_INITIAL_WINDOW_SIZE).
  public var streamWindowBytes = 64 << 10
  /// Content all streams together may send before any of it is taken.
  public var connectionWindowBytes = 192 << 10
  /// Bytes of a response that may wait for its stream's turn before its exchange is told to hold
  /// back.
  public var streamBufferBytes = 64 << 10
  /// Responses of all streams that wait for their turn, and heads that wait for them to shrink.
  /// What would exceed it is reset (a response) or refused (a request).
  public var bufferedBytes = 320 << 10
  /// Framed bytes that wait for the socket, if ``ConnectionLimits/outputHighWaterBytes`` is not
  /// less: three quarters here, an eighth in the channel before it takes no more, and what a last
  /// frame has beyond.
  public var outputBytes = 128 << 10
  /// What libnghttp2 may take for a connection: 30 KiB at rest, about 1 KiB an open stream, and
  /// response heads until they are framed. Beyond half of it new requests wait.
  public var sessionBytes = 384 << 10
  /// Streams a minute that the client may reset.
  public var clientResets = 200
  /// Streams a minute that the client may have the server reset, or refuse for the size of their
  /// heads, trailers or content, by breaking the protocol.
  public var provokedResets = 200
  /// CONTINUATION frames behind one HEADERS.
  public var continuations = 8
  /// PING frames a minute; every DATA frame sent allows one more.
  public var pings = 200
  /// SETTINGS frames a minute.
  public var settings = 60
  /// PRIORITY and PRIORITY_UPDATE frames a minute; every request allows ten more.
  public var priorities = 500
  /// DATA frames a minute without content that end nothing.
  public var emptyData = 200
  /// WINDOW_UPDATE frames a minute; every request and every DATA frame sent allows two more, and so
  /// does every 4 KiB in one.
  public var windowUpdates = 1000
  /// Frames a minute of types that are not known or not for a server.
  public var otherFrames = 200
  /// Responses a minute that the client may let starve.
  public var stalledStreams = 10
  /// Bytes of a waiting response that a client has to take within ``ConnectionLimits/sendTimeout``.
  public var leastProgressBytes = 4 << 10

  /// The default limits.
  public init() {}
}
