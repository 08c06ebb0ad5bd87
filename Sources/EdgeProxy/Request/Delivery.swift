import HTTPMessage
import NIOCore

/// One way of getting a response's content to the client, piece by piece.
///
/// Confined to the exchange's loop. A delivery ends by calling the exchange's `complete` or `cut`.
protocol Delivery: AnyObject {
  /// The client takes bytes again.
  func outputDrained()
  /// The client is gone: let go of everything.
  func cancel()
}
