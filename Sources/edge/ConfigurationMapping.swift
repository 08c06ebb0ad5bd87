import CachePolicy
import CacheStore
import EdgeConfig
import EdgeProxy
import HTTPMessage
import HTTPServer
import NIOCore
import OriginClient

// The only place where edge.conf's names meet those of the parts: each part has a configuration of
// its own and knows nothing of the file.

extension ServerConfiguration {
  /// The front's part of the file.
  init(_ file: EdgeConfiguration) {
    self.init(
      listeners: file.listeners.map { Listener(host: $0.address.host, port: $0.address.port) })
    limits.head.headSizeBytes = file.limits.headSizeBytes
    limits.head.targetSizeBytes = file.limits.targetSizeBytes
    limits.head.fieldCount = file.limits.fieldCount
    limits.requestBodyBytes = file.limits.requestBodySizeBytes
    limits.headerTimeout = TimeAmount(file.limits.headerTimeout)
    limits.bodyTimeout = TimeAmount(file.limits.bodyTimeout)
    limits.idleTimeout = TimeAmount(file.limits.idleTimeout)
    limits.sendTimeout = TimeAmount(file.limits.sendTimeout)
    limits.requestsPerConnection = file.limits.requestsPerConnection
    maxConnections = file.limits.connections
  }
}

extension OriginClient.Configuration {
  /// The origins of the file, in its order.
  init(_ file: EdgeConfiguration) {
    self.init(origins: file.origins.map(Origin.init))
  }
}

extension OriginClient.Configuration.Origin {
  fileprivate init(_ file: EdgeConfiguration.Origin) {
    self.init(
      name: file.name,
      servers: file.servers.map { server in
        OriginClient.Configuration.Server(
          server.scheme == .https ? .https : .http, host: server.host, port: server.port)
      })
    pool = file.pool
    queueLimit = file.queue
    timeouts.connect = file.connectTimeout
    timeouts.firstByte = file.firstByteTimeout
    timeouts.idle = file.idleTimeout
    timeouts.queue = file.queueTimeout
    keepAlive = file.keepAlive
    if case .literal(let name) = file.host { host = .literal(name) }
    tls.verify = file.verify
    tls.authoritiesFile = file.caFile
  }
}

extension ProxyConfiguration {
  /// The routes of the file, their origins as indices into its list.
  init(_ file: EdgeConfiguration) {
    self.init(
      name: file.name,
      routes: file.routes.compactMap { route in
        guard let origin = file.origins.firstIndex(where: { $0.name == route.origin }) else {
          return nil
        }
        return EdgeProxy.Route(route, origin: origin)
      })
    largestMemoryObjectBytes = file.store.memory.largestBytes
  }
}

extension EdgeProxy.Route {
  fileprivate init?(_ file: EdgeConfiguration.Route, origin: Int) {
    guard let pattern = EdgeProxy.RoutePattern(file.match.description) else { return nil }
    self.init(
      pattern: pattern, origin: origin, rules: PolicyRules(file), coalesces: file.coalesce,
      coalesceTimeout: TimeAmount(file.coalesceTimeout), showsCacheStatus: file.debugHeaders)
  }
}

extension PolicyRules {
  fileprivate init(_ file: EdgeConfiguration.Route) {
    self.init(
      ttl: TTLBounds(
        defaultSeconds: file.ttl.default.components.seconds,
        minimumSeconds: file.ttl.minimum.components.seconds,
        maximumSeconds: file.ttl.maximum.components.seconds),
      statusLifetimes: file.statusTTL.mapValues(\.components.seconds),
      staleWhileRevalidateSeconds: file.stale.whileRevalidate.components.seconds,
      staleIfErrorSeconds: file.stale.ifError.components.seconds,
      honoursRequestDirectives: file.requestDirectives == .honour,
      isCachingEnabled: file.cache, unsafeMethodsInvalidate: file.unsafeInvalidates,
      key: KeyRules(file.key))
    setCookie =
      switch file.setCookie {
      case .bypass: .bypass
      case .strip: .strip
      case .store: .store
      }
  }
}

extension KeyRules {
  fileprivate init(_ file: EdgeConfiguration.Route.Key) {
    let query: QueryRule =
      switch file.query {
      case .all: .all
      case .none: .none
      case .allow(let names): .allow(names.map { Array($0.utf8) })
      case .deny(let names): .deny(names.map { Array($0.utf8) })
      }
    self.init(
      query: query, sortsQuery: file.sortQuery, includesScheme: file.scheme,
      includesHost: file.host, headers: file.headers.map { Array($0.utf8) },
      cookies: file.cookies.map { Array($0.utf8) })
  }
}

extension CacheStore.Store.Configuration {
  /// The store's part of the file.
  init(_ file: EdgeConfiguration) {
    self.init(
      memoryBytes: file.store.memory.sizeBytes,
      memoryIdleSeconds: Int(file.store.memory.idle.components.seconds),
      // The file names a body's size; the tier counts all bytes an object holds, its chunks'
      // capacity included, which is below twice their content.
      largestMemoryObjectBytes: 2 * file.store.memory.largestBytes + (128 << 10),
      shardCount: file.store.memory.shards)
    guard let disk = file.store.disk else { return }
    var tier = DiskTier.Configuration(path: disk.path, sizeBytes: disk.sizeBytes)
    tier.largestObjectBytes = disk.largestBytes
    tier.snapshotInterval = disk.snapshotInterval
    tier.sync =
      switch disk.fsync {
      case .everySecond: .everySecond
      case .always: .always
      case .never: .never
      }
    self.disk = tier
  }
}
