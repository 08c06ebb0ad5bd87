import CachePolicy
import CacheStore
import EdgeConfig
import EdgeProxy
import EdgeSecurity
import HTTPMessage
import HTTPServer
import NIOCore
import OriginClient

// The only place where edge.conf's names meet those of the parts: each part has a configuration of
// its own and knows nothing of the file.

extension ServerConfiguration {
  /// The front's part of the file.
  init(_ file: EdgeConfiguration) {
    self.init(listeners: file.listeners.map { Listener($0) })
    limits.head.headSizeBytes = file.limits.headSizeBytes
    limits.head.targetSizeBytes = file.limits.targetSizeBytes
    limits.head.fieldCount = file.limits.fieldCount
    limits.requestBodyBytes = file.limits.requestBodySizeBytes
    limits.headerTimeout = TimeAmount(file.limits.headerTimeout)
    limits.bodyTimeout = TimeAmount(file.limits.bodyTimeout)
    limits.idleTimeout = TimeAmount(file.limits.idleTimeout)
    limits.sendTimeout = TimeAmount(file.limits.sendTimeout)
    limits.webSocketIdleTimeout = TimeAmount(file.limits.webSocketIdleTimeout)
    limits.requestsPerConnection = file.limits.requestsPerConnection
    limits.contentBytesPerSecond = file.limits.bodyBytesPerSecond ?? 0
    limits.unsentBytes = file.limits.unsentBytes
    limits.sendBytesPerSecond = file.limits.sendBytesPerSecond ?? 0
    limits.rateWindow = TimeAmount(file.limits.rateWindow)
    clientLimits = file.limits.perAddress.map { ClientLimits($0) }
    maxConnections = file.limits.connections
    isHTTP2Enabled = file.isHTTP2Enabled
  }
}

extension ClientLimits {
  fileprivate init(_ file: EdgeConfiguration.Limits.PerAddress) {
    // The file's check has read every block.
    let exempt = file.exempt.compactMap { try? NetworkPrefix($0) }
    self.init(
      connections: file.connections, requestsPerSecond: file.requestsPerSecond,
      burst: file.burst, exempt: AddressList(exempt))
    addresses = file.addresses
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
      routes: file.routes.compactMap { EdgeProxy.Route($0, origins: file.origins.map(\.name)) })
    largestMemoryObjectBytes = file.store.memory.largestBytes
    purge = file.purge.map { PurgeAccess($0) }
    trustedProxies = AddressList(file.trustedProxies)
  }
}

extension EdgeProxy.Route {
  /// A route of the file; nil when its origin is not among these.
  convenience init?(_ file: EdgeConfiguration.Route, origins: [String]) {
    guard let origin = origins.firstIndex(of: file.origin),
      let pattern = EdgeProxy.RoutePattern(file.match.description)
    else { return nil }
    self.init(
      name: file.name, pattern: pattern, origin: origin, rules: PolicyRules(file),
      coalesces: file.coalesce,
      coalesceTimeout: TimeAmount(file.coalesceTimeout), showsCacheStatus: file.debugHeaders,
      queryContentBytes: file.queryBodySizeBytes, tagFields: file.tags.map { Array($0.utf8) },
      rangeFetching: file.ranges == .part ? .part : .whole,
      compression: file.compression.map {
        CompressionRules(types: $0.types, sizes: $0.sizeBytes, level: $0.level)
      }, allowsWebSocket: file.webSocket)
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
      staleWhenUnreachableSeconds: file.stale.ifUnreachable.components.seconds,
      isStaleStrict: file.stale.isStrict,
      honoursRequestDirectives: file.requestDirectives == .honour,
      isCachingEnabled: file.cache, unsafeMethodsInvalidate: file.unsafeInvalidates,
      key: KeyRules(file), variantLimit: file.variants)
    errors = ErrorLifetimes(
      seconds: file.ttl.error.components.seconds,
      includesServerErrors: file.ttl.storesServerErrors)
    heuristic = file.ttl.heuristic.map {
      HeuristicLifetime(
        percent: Int64($0.percent), maximumSeconds: $0.maximum.components.seconds)
    }
    isAdaptive = file.ttl.isAdaptive
    targetedFields = file.targeted.map { TargetedField($0) }
    isQueryCacheable = file.queryBodySizeBytes > 0
    setCookie =
      switch file.setCookie {
      case .bypass: .bypass
      case .strip: .strip
      case .store: .store
      }
  }
}

extension KeyRules {
  fileprivate init(_ route: EdgeConfiguration.Route) {
    let file = route.key
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
      cookies: file.cookies.map { Array($0.utf8) }, includesDeviceClass: file.device,
      normalizesAcceptEncoding: route.normalizesAcceptEncoding,
      languages: route.languages.map { Array($0.utf8) },
      forwardedHeaders: route.forwardHeaders.map { Array($0.utf8) },
      forwardsUnkeyedQuery: route.forwardsWholeQuery,
      honoursNoVarySearch: route.honoursNoVarySearch)
  }
}

extension EdgeConfiguration.Store {
  /// Where what has to outlive a restart is kept beside objects; nil without a disk tier. With
  /// several paths that is on none of them.
  var jobsFolder: String? {
    guard let disk else { return nil }
    return disk.paths.count > 1 ? keysDirectory : disk.paths[0].path
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
    var tier = DiskTier.Configuration(path: "", sizeBytes: 0)
    tier.snapshotInterval = disk.snapshotInterval
    tier.keptSnapshotInterval = disk.snapshots?.every
    if let keep = disk.snapshots?.keep { tier.keptSnapshotLifetime = keep }
    tier.sync =
      switch disk.fsync {
      case .everySecond: .everySecond
      case .always: .always
      case .never: .never
      }
    disks = disk.paths.map { path in
      tier.path = path.path
      tier.sizeBytes = path.sizeBytes
      tier.largestObjectBytes = disk.largestBytes
      return tier
    }
    // Where nothing is encrypted and there is one path, there need not be a folder of keys.
    if file.store.encryption || disk.paths.count > 1 {
      witnessPath = file.store.keysDirectory.map { $0 + "/members" }
    }
    encryption = file.store.keysDirectory.map { directory in
      StoreEncryption(
        directory: directory, rotationSeconds: file.store.keysRotation?.components.seconds,
        encrypts: file.store.encryption)
    }
  }
}
