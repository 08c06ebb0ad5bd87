import CacheStore
import EdgeConfig
import EdgeProxy
import Foundation
import Logging
import NIOCore

/// What a reload has done.
struct ReloadReport: Sendable, Equatable {
  /// The changed options that are in effect now, by their place in the file.
  var applied: [String] = []
  /// The changed options that wait for a restart.
  var needRestart: [String] = []
  /// The routes whose objects were invalidated, by their pattern.
  var invalidated: [String] = []
}

/// Why a reload changed nothing.
enum ReloadFault: Error, CustomStringConvertible {
  /// The file has faults.
  case configuration(ConfigurationError)
  /// A route names an origin that the running edge does not have.
  case unknownOrigin(route: String, origin: String)
  /// The routes are in effect, but what they have made wrong could not be invalidated on disk.
  case notDurable

  var description: String {
    switch self {
    case .configuration(let error): error.description
    case .unknownOrigin(let route, let origin):
      "the route '\(route)' names the origin '\(origin)', which is new: restart the edge"
    case .notDurable:
      "the routes are in effect, but the invalidation of what changed could not be made durable; "
        + "purge it again when the disk works"
    }
  }
}

/// Takes up a changed edge.conf while the edge runs.
///
/// Routes are exchanged on all loops, and then what a changed route has stored is invalidated: with
/// other lifetimes it is to be revalidated, with other contents or keys it is gone. A faulty file
/// changes nothing. What only a restart can change is named each time until it has happened.
actor ConfigurationReloader {
  nonisolated let counters = ReloadCounters()
  private let path: String
  private let started: EdgeConfiguration
  private var latest: EdgeConfiguration
  private let shared: ProxyShared
  private let store: Store
  private let eventLoop: any EventLoop
  private let logger: Logger

  init(
    path: String, configuration: EdgeConfiguration, shared: ProxyShared, store: Store,
    eventLoop: any EventLoop, logger: Logger
  ) {
    // The working folder may change; what the path meant at the start is what is read again.
    self.path = URL(fileURLWithPath: path).path
    started = configuration
    latest = configuration
    self.shared = shared
    self.store = store
    self.eventLoop = eventLoop
    self.logger = logger
  }

  /// Reads the file again and takes up what may change while the edge runs.
  func reload() async throws -> ReloadReport {
    do {
      let report = try await take(load())
      counters.countApplied()
      log(report)
      return report
    } catch {
      counters.countRefused()
      logger.error("configuration not reloaded", metadata: ["reason": "\(error)"])
      throw error
    }
  }

  private func load() throws(ReloadFault) -> EdgeConfiguration {
    do {
      return try EdgeConfiguration.load(
        path: path, environment: ProcessInfo.processInfo.environment, certificates: .front)
    } catch {
      throw .configuration(error)
    }
  }

  private func take(_ new: EdgeConfiguration) async throws -> ReloadReport {
    let changes = ConfigurationChanges(from: latest, to: new)
    let former = shared.routes
    let routes = try self.routes(of: new, former: former)
    try await shared.replaceRoutes(by: routes, on: eventLoop)
    latest = new
    let outdated = changes.routes.compactMap { self.outdated(by: $0.change, of: $0.match, former) }
    var isDurable = true
    for kind in [InvalidationKind.hard, .soft] {
      let chosen = outdated.filter { $0.kind == kind }.map(\.selector)
      guard !chosen.isEmpty else { continue }
      isDurable = await store.invalidate(chosen, kind: kind).isDurable && isDurable
    }
    guard isDurable else { throw ReloadFault.notDurable }
    return ReloadReport(
      applied: changes.applied,
      needRestart: ConfigurationChanges(from: started, to: new).needRestart,
      invalidated: changes.routes.map(\.match))
  }

  /// The new routes; those that are as they were stay the same objects, and what is being fetched
  /// for them is stored.
  private func routes(
    of new: EdgeConfiguration, former: [EdgeProxy.Route]
  ) throws(ReloadFault) -> [EdgeProxy.Route] {
    let origins = started.origins.map(\.name)
    var routes: [EdgeProxy.Route] = []
    for route in new.routes {
      if let old = former.first(where: { $0.pattern.text == route.match.description }),
        latest.routes.contains(route)
      {
        routes.append(old)
      } else if let made = EdgeProxy.Route(route, origins: origins) {
        routes.append(made)
      } else {
        throw .unknownOrigin(route: route.match.description, origin: route.origin)
      }
    }
    return routes
  }

  /// What a change of a route makes wrong, and how wrong.
  private func outdated(
    by change: ConfigurationChanges.RouteChange, of match: String, _ former: [EdgeProxy.Route]
  ) -> (selector: InvalidationSelector, kind: InvalidationKind)? {
    guard change == .added else {
      return former.first { $0.pattern.text == match }.map {
        (.route($0.identity.value), change == .lifetimes ? .soft : .hard)
      }
    }
    // What others have stored under paths that are now this route's. A host with a wildcard has no
    // selector: of every host then, which is more than need be and never less.
    guard let slash = match.firstIndex(of: "/") else { return nil }
    let host = match[..<slash]
    return (
      .path(
        host: host.isEmpty || host.hasPrefix("*") ? nil : String(host),
        pattern: String(match[slash...])), .hard
    )
  }

  private func log(_ report: ReloadReport) {
    logger.notice(
      "configuration reloaded",
      metadata: [
        "changed": "\(report.applied.joined(separator: ", "))",
        "invalidated": "\(report.invalidated.joined(separator: ", "))",
      ])
    guard !report.needRestart.isEmpty else { return }
    logger.warning(
      "changed options wait for a restart",
      metadata: ["options": "\(report.needRestart.joined(separator: ", "))"])
  }
}
