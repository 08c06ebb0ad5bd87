import NIOCore
import Synchronization

/// What a client may do to wear an HTTP/2 server out, each with a limit in ``HTTP2Limits``.
public enum HTTP2Abuse: Int, CaseIterable, Sendable {
  /// Streams opened and reset at once.
  case rapidReset
  /// Streams that the client has the server reset, or refuse when the work is done, by breaking the
  /// protocol on them.
  case provokedReset
  /// A head in too many CONTINUATION frames.
  case continuationFlood
  /// A head that unpacks to many times its limit.
  case headerBomb
  case pingFlood
  case settingsFlood
  case priorityFlood
  case emptyDataFlood
  case windowUpdateFlood
  case otherFrameFlood
  /// Responses that wait for a window that stays shut, or opens by a few bytes at a time.
  case stalledWindow
  /// More bytes held for one connection than its limit.
  case bufferLimit

  /// As it stands in metrics and logs.
  public var text: StaticString {
    switch self {
    case .rapidReset: "rapid_reset"
    case .provokedReset: "provoked_reset"
    case .continuationFlood: "continuation_flood"
    case .headerBomb: "header_bomb"
    case .pingFlood: "ping_flood"
    case .settingsFlood: "settings_flood"
    case .priorityFlood: "priority_flood"
    case .emptyDataFlood: "empty_data_flood"
    case .windowUpdateFlood: "window_update_flood"
    case .otherFrameFlood: "other_frame_flood"
    case .stalledWindow: "stalled_window"
    case .bufferLimit: "buffer_limit"
    }
  }
}

/// What the HTTP/2 connections of one event loop have done so far: counted on that loop, readable
/// from any thread.
public final class HTTP2Statistics: Sendable {
  /// Connections that speak HTTP/2.
  public let connections = ServerStatistics.Counter()
  /// Streams that brought a request.
  public let streams = ServerStatistics.Counter()
  /// Streams that clients reset.
  public let clientResets = ServerStatistics.Counter()
  /// Streams that were reset because the client broke the protocol on them.
  public let provokedResets = ServerStatistics.Counter()
  /// Streams turned away with REFUSED_STREAM because the connection held too much.
  public let refusedStreams = ServerStatistics.Counter()
  /// Streams cut off because the client did not take their responses.
  public let stalledStreams = ServerStatistics.Counter()
  /// Connections ended by GOAWAY because the client broke the protocol.
  public let protocolErrors = ServerStatistics.Counter()
  private let abuses: [AbuseCounter]

  /// Statistics that start at zero.
  public init() {
    abuses = HTTP2Abuse.allCases.map { _ in AbuseCounter() }
  }

  /// How many connections were ended for `abuse`.
  public func count(of abuse: HTTP2Abuse) -> Int { abuses[abuse.rawValue].counter.value }

  func add(_ abuse: HTTP2Abuse) { abuses[abuse.rawValue].counter.add() }

  /// A counter that an array can hold.
  private final class AbuseCounter: Sendable {
    let counter = ServerStatistics.Counter()
  }
}

/// Counts events against a limit a minute.
///
/// Two counters stand for the sliding minute: this period's, and the last period's in proportion to
/// what of it the sliding minute still covers. An evenly spread stream of events is judged exactly,
/// and no burst passes with more than the limit in one period.
struct HTTP2RateLimit {
  private static let periodNanoseconds: Int64 = 60_000_000_000
  /// Events allowed in advance are not saved up without end.
  private static let allowanceLimit = 10_000

  private var periodStart = NIODeadline.uptimeNanoseconds(0)
  private var count = 0
  private var lastCount = 0
  private var allowance = 0

  /// Lets `number` of the next events pass uncounted.
  mutating func allow(_ number: Int) {
    allowance = min(allowance + number, Self.allowanceLimit)
  }

  /// Counts one event; whether it is one too many.
  mutating func exceeds(_ limit: Int, now: NIODeadline) -> Bool {
    if allowance > 0 {
      allowance -= 1
      return false
    }
    let elapsed = (now - periodStart).nanoseconds
    if elapsed >= 2 * Self.periodNanoseconds {
      lastCount = 0
      count = 0
      periodStart = now
    } else if elapsed >= Self.periodNanoseconds {
      lastCount = count
      count = 0
      periodStart = periodStart + .nanoseconds(Self.periodNanoseconds)
    }
    count += 1
    guard lastCount > 0 else { return count > limit }
    let rest = Double(Self.periodNanoseconds - (now - periodStart).nanoseconds)
    return Double(count) + Double(lastCount) * rest / Double(Self.periodNanoseconds)
      > Double(limit)
  }
}

/// The rates of one connection.
struct HTTP2Rates {
  var clientResets = HTTP2RateLimit()
  var provokedResets = HTTP2RateLimit()
  var pings = HTTP2RateLimit()
  var settings = HTTP2RateLimit()
  var priorities = HTTP2RateLimit()
  var emptyData = HTTP2RateLimit()
  var windowUpdates = HTTP2RateLimit()
  var otherFrames = HTTP2RateLimit()
  var stalledStreams = HTTP2RateLimit()
}
