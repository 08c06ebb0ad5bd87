import HTTPMessage
import NIOCore

extension ProxyLoop {
  /// Answers or begins to answer a request with Upgrade on a route that lets WebSockets through;
  /// `.notAsked` when it is a request like any other.
  func respondToUpgrade<Writer: ResponseWriter>(
    _ head: RequestHead, route: Route, _ machine: RequestStateMachine, _ started: Int64,
    _ writer: Writer
  ) -> UpgradeAnswer {
    switch WebSocketHandshake(head) {
    case .none: return .notAsked
    case .invalid(let status):
      var machine = machine
      _ = machine.handle(.badUpgrade(status: status))
      refuse(status, machine.outcome, head, route: route, started, writer)
      return .answered
    case .valid(let accept):
      let exchange = ProxyExchange(
        loop: self, head: head, route: route, machine: machine, started: started,
        writer: writer)
      exchange.webSocketAccept = accept
      exchange.perform(.received(pass: .upgrade))
      return exchange.isFinished ? .answered : .under(exchange)
    }
  }
}

/// What became of a request with Upgrade.
enum UpgradeAnswer {
  case notAsked
  case answered
  case under(ProxyExchange)
}
