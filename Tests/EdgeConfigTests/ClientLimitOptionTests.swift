import EdgeConfig
import Testing

/// The options that hold off slow and greedy clients, and let WebSockets through.
@Suite struct ClientLimitOptionTests {
  @Test func withoutAWordTheRatesAreLowAndNoAddressIsLimited() throws {
    let limits = try load(minimal).limits
    #expect(limits.bodyBytesPerSecond == 128)
    #expect(limits.sendBytesPerSecond == 128)
    #expect(limits.rateWindow == .seconds(30))
    #expect(limits.unsentBytes == 256 << 10)
    #expect(limits.perAddress == nil)
    #expect(limits.webSocketIdleTimeout == .seconds(300))
    #expect(try load(minimal).routes[0].webSocket == false)
  }

  @Test func everyLimitIsRead() throws {
    let limits = try load(
      minimal
        + """
        limits:
          body_rate: off
          send_rate: 1 KiB
          rate_window: 10 s
          unsent: off
          websocket_idle_timeout: 1 minute
          per_address:
            connections: 100
            requests: 50
            burst: 200
            exempt: [10.0.0.0/8, 2001:db8::/32, 192.0.2.7]
            addresses: 1000
        """
    ).limits
    #expect(limits.bodyBytesPerSecond == nil)
    #expect(limits.sendBytesPerSecond == 1024)
    #expect(limits.rateWindow == .seconds(10))
    #expect(limits.unsentBytes == nil)
    #expect(limits.webSocketIdleTimeout == .seconds(60))
    let address = try #require(limits.perAddress)
    #expect(address.connections == 100)
    #expect(address.requestsPerSecond == 50)
    #expect(address.burst == 200)
    #expect(address.exempt == ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"])
    #expect(address.addresses == 1000)
  }

  @Test func whatIsNotWrittenIsNotLimited() throws {
    let address = try #require(
      try load(minimal + "limits: { per_address: { connections: 7 } }").limits.perAddress)
    #expect(address.connections == 7)
    #expect(address.requestsPerSecond == nil && address.burst == nil && address.exempt == [])
    #expect(try load(minimal + "limits: { per_address: off }").limits.perAddress == nil)
  }

  @Test(arguments: [
    (
      "limits: { per_address: { connections: 0 } }",
      "edge.conf:4:39: 'connections' is 0, below the minimum of 1 "
        + "(allowed: 1 to 1000000 connections, or unlimited)"
    ),
    (
      "limits: { per_address: { exempt: [10.0.0.1/8] } }",
      "edge.conf:4:35: 'exempt[0]' is '10.0.0.1/8', which has bits set behind its prefix (write "
        + "the block's first address, or the address without a length)"
    ),
    (
      "limits: { body_rate: 2 GiB }",
      "edge.conf:4:22: 'body_rate' is 2 GiB, above the maximum of 1 GiB "
        + "(allowed: 1 B to 1 GiB, or off)"
    ),
    (
      "limits: { rate_window: 10 ms }",
      "edge.conf:4:24: 'rate_window' is 10 ms, below the minimum of 1 s "
        + "(allowed: 1 s to 10 minutes)"
    ),
  ])
  func aFaultNamesItsPlaceAndTheRemedy(_ line: String, _ diagnostic: String) {
    #expect(faults(minimal + line) == [diagnostic])
  }

  @Test func aRouteAllowsWebSockets() throws {
    let text = minimal.replacing("origin: api", with: "origin: api, websocket: true")
    #expect(try load(text).routes[0].webSocket)
    #expect(
      routeFaults("websocket: maybe") == [
        "edge.conf:6:16: 'websocket' must be true or false, not 'maybe'"
      ])
  }
}
