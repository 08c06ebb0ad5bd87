import NIOCore
import Synchronization

/// The routes that all loops serve by, and how they are exchanged while requests go on.
///
/// Each loop holds its own reference to the table, so that a request takes no lock. A request keeps
/// the route it began with to its end.
final class Routing: Sendable {
  private struct State {
    var table: RouteTable
    var members: [Member] = []
  }

  /// A loop of the edge; gone loops stay as empty places until the next one joins.
  private struct Member: @unchecked Sendable {
    // @unchecked: `proxy` is touched on `eventLoop` only.
    weak var proxy: ProxyLoop?
    let eventLoop: any EventLoop
  }

  private let state: Mutex<State>

  init(_ routes: [Route]) {
    state = Mutex(State(table: RouteTable(routes)))
  }

  /// The routes as of now.
  var table: RouteTable { state.withLock { $0.table } }

  /// Adds a loop to those that hear of new routes.
  func join(_ proxy: ProxyLoop) {
    let member = Member(proxy: proxy, eventLoop: proxy.eventLoop)
    state.withLock { state in
      state.members.removeAll { $0.proxy == nil }
      state.members.append(member)
    }
  }

  /// Serves by these routes from now on.
  ///
  /// When the future succeeds, no loop takes a request by an old route any more, and what is still
  /// fetched for one that is not among the new ones is not stored. An invalidation made after that
  /// meets everything that was stored by them.
  func replace(by routes: [Route], on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    let table = RouteTable(routes)
    let (former, members) = state.withLock { state in
      let former = state.table
      state.table = table
      return (former, state.members)
    }
    let adopted = members.map { member in
      member.eventLoop.submit { member.proxy?.routes = table }
    }
    return EventLoopFuture.andAllSucceed(adopted, on: eventLoop).map {
      for route in former.routes where !routes.contains(where: { $0 === route }) {
        route.retire()
      }
    }
  }
}

extension ProxyShared {
  /// The routes in use, the most specific first.
  public var routes: [Route] { routing.table.routes }

  /// Serves by these routes from now on; those that stay as they are must be the same objects.
  /// Returns when every loop does, so that what an invalidation then takes away does not come back.
  public func replaceRoutes(by routes: [Route], on eventLoop: any EventLoop) async throws {
    try await routing.replace(by: routes, on: eventLoop).get()
  }
}
