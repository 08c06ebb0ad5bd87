import HTTPMessage
import NIOCore

/// What fetches from origins. The proxy knows only this; `edge` gives it the libcurl one, tests a
/// scripted one.
public protocol OriginTransport: Sendable {
  /// Starts a fetch whose events reach `receiver` on `loop`; never blocks, never calls back before
  /// it returns.
  func fetch(
    _ request: OriginRequest, on loop: any EventLoop, receiver: any OriginReceiver
  ) -> any OriginFetch
}
