import CachePolicy
import CacheStore
import EdgeSecurity
import HTTPMessage
import NIOCore
import Observability
import Synchronization

/// What all loops share: configuration, store, transport, the fills under way.
public final class ProxyShared: Sendable {
  let configuration: ProxyConfiguration
  let routing: Routing
  let store: Store
  let transport: any OriginTransport
  let registry: FillRegistry
  /// Makes the gzip'd forms of stored responses.
  public let compressor: ObjectCompressor
  /// The edge's name in Via, as a field value (RFC 9110 section 7.6.3).
  let via: ByteBuffer
  let name: ByteBuffer
  let hitLines: HitLines
  /// Part of every QUERY's key: what an earlier process stored under one is out of reach, so that
  /// this one knows whether there is any to invalidate.
  let querySalt = UInt64.random(in: .min ... .max)
  private let searchRecordsExist = Atomic(false)
  private let queriesExist = Atomic(false)

  /// The shared part over a store and a transport.
  /// - Parameter background: runs long work off the event loops; without one it runs at once.
  public init(
    configuration: ProxyConfiguration, store: Store, transport: any OriginTransport,
    background: @escaping ObjectCompressor.Executor = { $0() }
  ) {
    self.configuration = configuration
    self.store = store
    self.transport = transport
    routing = Routing(configuration.routes)
    registry = FillRegistry(uncacheableLimit: configuration.uncacheableKeyLimit)
    compressor = ObjectCompressor(store: store, execute: background)
    via = ByteBuffer(string: "1.1 " + configuration.name)
    name = ByteBuffer(string: configuration.name)
    hitLines = HitLines(name: configuration.name)
  }

  /// The names of the routes, the most specific first.
  public var routeNames: [String] { routes.map(\.name) }

  /// Whether any response has declared a No-Vary-Search since the start; most sites never do.
  public var hasSearchRecords: Bool { searchRecordsExist.load(ordering: .acquiring) }

  /// Whether any QUERY has been looked up since the start.
  var hasQueries: Bool { queriesExist.load(ordering: .acquiring) }

  /// Notes that one has.
  func noteQuery() { queriesExist.store(true, ordering: .releasing) }

  /// Notes that one has.
  func noteSearchRecord() { searchRecordsExist.store(true, ordering: .releasing) }
}

/// The proxy on one event loop: takes every request of that loop's connections.
///
/// Owner: its loop; nothing here is touched from elsewhere. A hit in memory, or on disk where the
/// page cache has it, is answered inside ``respond(to:writer:)`` from the loop's scratch buffers
/// without leaving the loop; every other request gets a ``ProxyExchange``.
public final class ProxyLoop: RequestResponder {
  /// What a request gets that is not answered at once.
  public typealias Exchange = ProxyExchange

  let shared: ProxyShared
  /// The routes as of the last reload; ``Routing`` exchanges them on this loop.
  var routes: RouteTable
  let eventLoop: any EventLoop
  let clock: LoopClock
  let metrics: LoopMetrics
  let accessLog: AccessLogWriter?
  /// The key of the request being looked up. Kept by whoever copies it before the next request.
  var key = ByteBuffer()
  /// Lines being made for the response being started.
  var addedLines = ByteBuffer()
  private var random = SystemRandomNumberGenerator()

  /// The proxy of one loop.
  public init(
    shared: ProxyShared, eventLoop: any EventLoop, clock: LoopClock, metrics: LoopMetrics,
    accessLog: AccessLogWriter?
  ) {
    self.shared = shared
    routes = shared.routing.table
    self.eventLoop = eventLoop
    self.clock = clock
    self.metrics = metrics
    self.accessLog = accessLog
    key.reserveCapacity(1024)
    addedLines.reserveCapacity(1024)
    shared.routing.join(self)
  }

  /// A number nobody can guess, for boundaries and salts.
  func randomNumber() -> UInt64 { random.next() }

  // MARK: Requests

  /// Answers a request: at once for a hit that needs no waiting and a refusal, else through an
  /// exchange.
  public func respond<Writer: ResponseWriter>(
    to head: RequestHead, writer: Writer
  ) -> ProxyExchange? {
    clock.refresh()
    let started = clock.monotonicNanoseconds
    var machine = RequestStateMachine(
      isOnlyIfCached: head.fields.contains(.cacheControl) && ServePolicy.onlyIfCached(head),
      isHead: head.method == .head)
    guard let route = routes.route(for: head) else {
      _ = machine.handle(.unrouted)
      refuse(404, machine.outcome, head, route: nil, started, writer)
      return nil
    }
    if head.fields.presence.intersects(Self.pathFields), endsHere(head, route, started, writer) {
      return nil
    }
    if head.method == .purge, let access = shared.configuration.purge {
      let exchange = ProxyExchange(
        loop: self, head: head, route: route, machine: machine, started: started,
        writer: writer)
      exchange.purge(access)
      return exchange.isFinished ? nil : exchange
    }
    if route.allowsWebSocket, head.fields.contains(.upgrade) {
      switch respondToUpgrade(head, route: route, machine, started, writer) {
      case .notAsked: break
      case .answered: return nil
      case .under(let exchange): return exchange
      }
    }
    let pass =
      route.isCachingEnabled && StorePolicy.isPlain(head)
      ? nil : StorePolicy.mayAnswerFromCache(request: head, rules: route.rules)
    if pass != nil || head.method == .query {
      let exchange = ProxyExchange(
        loop: self, head: head, route: route, machine: machine, started: started,
        writer: writer)
      if let pass {
        exchange.perform(.received(pass: ResultReason(pass)))
      } else {
        exchange.collectContent()
      }
      return exchange.isFinished ? nil : exchange
    }
    guard machine.handle(.received(pass: nil)) == .lookUp else { return nil }
    var found = lookUp(head, route: route)
    let failure = found.verdict == .onDisk ? loadAtOnce(&found, &machine, head, route) : nil
    if found.verdict == .fresh, let object = found.object, isDeliveredAtOnce(object, to: head) {
      _ = machine.handle(.lookedUp(.fresh))
      machine.outcome.remainingSeconds = found.remainingSeconds
      deliver(object, machine.outcome, to: head, route: route, started: started, writer: writer)
      return nil
    }
    let exchange = ProxyExchange(
      loop: self, head: head, route: route, machine: machine, started: started,
      writer: writer)
    exchange.take(found, failure)
    return exchange.isFinished ? nil : exchange
  }

  // MARK: Looking up

  /// What the store has for a request, judged.
  struct Lookup {
    var verdict: RequestStateMachine.LookupVerdict
    var object: StoredObject?
    var location: DiskLocation?
    var hash: KeyHash
    var remainingSeconds: Int64?
    /// Length of the primary key in ``ProxyLoop/key``; what follows names the variant.
    var primaryCount: Int
    /// On disk, and the page cache was asked in vain.
    var mustWait = false
  }

  /// Looks a request up under its primary key and, where that holds a variant list, under its
  /// variant's key; leaves the key in ``key``.
  ///
  /// `content` is that of a QUERY, whole.
  func lookUp(_ head: RequestHead, route: Route, content: ByteBuffer? = nil) -> Lookup {
    writeKey(of: head, route: route, content: content)
    var primaryCount = key.readableBytes
    var found = probe(head, route: route, primaryCount: primaryCount)
    if found.verdict == .absent, shared.hasSearchRecords, content == nil,
      let reduced = lookUpReduced(head, route: route)
    {
      found = reduced
      primaryCount = reduced.primaryCount
    }
    if let object = found.object, object.metadata.kind == .variantList {
      found = lookUpVariant(in: object, head, route: route, primaryCount: primaryCount)
    }
    return found
  }

  /// Writes the primary key of a request into ``key``.
  func writeKey(of head: RequestHead, route: Route, content: ByteBuffer? = nil) {
    key.clear()
    guard let content else {
      return CacheKeyBuilder.write(
        head, rules: route.rules.key, routeSalt: route.keySalt, into: &key)
    }
    shared.noteQuery()
    var salted = ByteBuffer(integer: shared.querySalt)
    salted.writeImmutableBuffer(content)
    salted.withUnsafeReadableBytes { salted in
      ContentDigest.sha256(salted).withUnsafeBytes { digest in
        CacheKeyBuilder.write(
          head, rules: route.rules.key, routeSalt: route.keySalt, contentDigest: digest,
          into: &key)
      }
    }
  }

  /// What stands under the reduced key of the request, now in ``key``; nil, with ``key`` as it was,
  /// when nothing does.
  private func lookUpReduced(_ head: RequestHead, route: Route) -> Lookup? {
    let whole = key
    guard route.rules.key.honoursNoVarySearch, reduceKey(of: head, route: route) else {
      return nil
    }
    let found = probe(head, route: route, primaryCount: key.readableBytes)
    if found.verdict != .absent || found.object != nil { return found }
    key = whole
    return nil
  }

  /// Takes from disk what the page cache has of it and judges it; what has to be waited for is left
  /// as it was found. Leaves the key of what was found in ``key``.
  /// - Returns: an event for the machine in place of the look-up's, when the disk could not bring
  ///   what its index promised.
  private func loadAtOnce(
    _ found: inout Lookup, _ machine: inout RequestStateMachine, _ head: RequestHead,
    _ route: Route
  ) -> RequestStateMachine.Event? {
    // Twice at most: the list of variants, and the variant.
    while found.verdict == .onDisk, let location = found.location {
      let hash = found.hash
      let outcome = key.withUnsafeReadableBytes { key in
        shared.store.loadAtOnce(location, hash: hash, key: key)
      }
      switch outcome {
      case .mustWait:
        found.mustWait = true
        return nil
      case .absent:
        _ = machine.handle(.lookedUp(.onDisk))
        return .loadFailed
      case .object(let object):
        _ = machine.handle(.lookedUp(.onDisk))
        found = judgeLoaded(object, head, route: route, found)
      }
    }
    return nil
  }

  /// Judges what the disk brought for the key in ``key``, as ``lookUp(_:route:)`` does for memory.
  func judgeLoaded(
    _ object: StoredObject, _ head: RequestHead, route: Route, _ found: Lookup
  ) -> Lookup {
    if object.metadata.kind == .variantList {
      return lookUpVariant(in: object, head, route: route, primaryCount: found.primaryCount)
    }
    var judged = found
    judged.object = object
    judged.location = nil
    switch object.kind {
    case .partial: judgeParts(object, &judged, head, route)
    case .compressed: judgeCompressed(object, &judged, head, route)
    case .response, .compressible, .inflatable, .variantList: judge(object, &judged, head, route)
    }
    return judged
  }

  private func lookUpVariant(
    in object: StoredObject, _ head: RequestHead, route: Route, primaryCount: Int
  ) -> Lookup {
    guard let list = VariantList(object) else {
      return Lookup(verdict: .absent, hash: object.hash, primaryCount: primaryCount)
    }
    VariantList.extend(&key, salt: list.salt) {
      list.fields.writeVariantKey(request: head, rules: route.rules.key, into: &$0)
    }
    var found = probe(head, route: route, primaryCount: primaryCount)
    if found.verdict == .absent { found.verdict = .variantAbsent }
    return found
  }

  private func probe(_ head: RequestHead, route: Route, primaryCount: Int) -> Lookup {
    let now = clock.wallSeconds
    let (hash, result) = key.withUnsafeReadableBytes { key in
      let hash = shared.store.hasher.hash(key)
      return (hash, shared.store.lookup(hash, key: key, nowSeconds: now))
    }
    var found = Lookup(verdict: .absent, hash: hash, primaryCount: primaryCount)
    switch result {
    case .memory(let object):
      found.object = object
      switch object.kind {
      case .response, .compressible, .inflatable: judge(object, &found, head, route)
      case .compressed: judgeCompressed(object, &found, head, route)
      case .partial: judgeParts(object, &found, head, route)
      case .variantList: break
      }
    case .disk(let location):
      found.location = location
      found.verdict = .onDisk
    case .absent:
      if shared.registry.isUncacheable(hash, nowSeconds: now) { found.verdict = .knownUncacheable }
    }
    return found
  }

  func judge(
    _ object: StoredObject, _ found: inout Lookup, _ head: RequestHead, _ route: Route
  ) {
    let now = clock.wallSeconds
    let freshness = object.freshness(now: now)
    found.remainingSeconds = freshness.remainingSeconds(now: now)
    switch ServePolicy.decide(freshness, request: head, now: now, rules: route.rules) {
    case .fresh: found.verdict = .fresh
    case .staleWhileRevalidate: found.verdict = .staleWhileRevalidate
    case .revalidate(let reason):
      found.verdict = .mustRevalidate(
        reason == .requestDirective ? .requestDirective : reason == .noCache ? .noCache : .stale)
    }
  }

  // MARK: Variants

  /// How the response with `fields` is keyed: nil when it varies on everything and cannot be
  /// stored; else the variants' list, or none in the inner optional.
  ///
  /// A list only grows: a response that varies by more fields starts a new list over the union,
  /// one that varies by fewer is filed under the present list, which is right if finer than needed.
  func variantList(for fields: FieldBlock, key: ByteBuffer) -> VariantList?? {
    guard let fieldsOfResponse = VarySpecification(response: fields) else { return nil }
    let present = listObject(under: key).flatMap { VariantList($0) }
    guard let present else {
      if fieldsOfResponse.isEmpty { return .some(nil) }
      return insertList(over: fieldsOfResponse, key: key)
    }
    let union = present.fields.union(fieldsOfResponse)
    if union == present.fields { return present }
    return insertList(over: union, key: key)
  }

  private func insertList(over fields: VarySpecification, key: ByteBuffer) -> VariantList {
    let list = VariantList(fields: fields, salt: randomNumber())
    insertList(list.encoded(), key: key, fetchSequence: shared.store.sequence)
    return list
  }

  /// Stores the encoded list of variants, or of what else differs, under `key`.
  func insertList(_ encoded: ByteBuffer, key: ByteBuffer, fetchSequence: UInt64) {
    var metadata = ObjectMetadata()
    metadata.kind = .variantList
    // No invalidation by status or by route means it.
    metadata.status = 0
    metadata.route = RouteIdentity.none
    metadata.responseTimeSeconds = clock.wallSeconds
    metadata.fetchSequence = fetchSequence
    let object = key.withUnsafeReadableBytes { key in
      encoded.withUnsafeReadableBytes { head in
        StoredObject.make(
          hash: shared.store.hasher.hash(key), key: key, head: head,
          body: .bytes(UnsafeRawBufferPointer(start: nil, count: 0)), metadata: metadata)
      }
    }
    shared.store.insert(object)
  }

  private func listObject(under key: ByteBuffer) -> StoredObject? {
    key.withUnsafeReadableBytes { bytes in
      let hash = shared.store.hasher.hash(bytes)
      guard
        case .memory(let object) = shared.store.lookup(
          hash, key: bytes, nowSeconds: clock.wallSeconds),
        object.metadata.kind == .variantList
      else { return nil }
      return object
    }
  }

  /// Notes that a variant has been stored under `list`, and removes the oldest ones above `limit`.
  func note(_ variant: KeyHash, of list: VariantList, key: ByteBuffer, limit: Int) {
    // A list that has given way to another takes its variants along; one that has left memory
    // does not count this one.
    guard let object = listObject(under: key), let present = VariantList(object),
      present.salt == list.salt
    else { return }
    var members = VariantList.members(of: object)
    guard !members.contains(variant) else { return }
    members.append(variant)
    while members.count > limit {
      metrics.count(.variantsEvicted)
      shared.store.remove(members.removeFirst())
    }
    insertList(
      list.encoded(members: members), key: key, fetchSequence: object.metadata.fetchSequence)
  }

  /// The fields to send to the origin for `head`.
  func forwardedFields(
    _ head: RequestHead, route: Route, remoteAddress: UnsafeRawBufferPointer, fillsCache: Bool
  ) -> FieldBlock {
    shared.name.withUnsafeReadableBytes { name in
      ForwardedFields.request(
        head, via: name, remoteAddress: remoteAddress, stripsConditionals: fillsCache,
        stripsRange: fillsCache,
        isCacheable: fillsCache ? true : route.rules.isCachingEnabled ? nil : false,
        isPeerTrusted: isTrusted(remoteAddress), rules: route.rules.key)
    }
  }

  /// Whether a peer is a proxy whose account of the client goes on to the origin.
  private func isTrusted(_ address: UnsafeRawBufferPointer) -> Bool {
    let proxies = shared.configuration.trustedProxies
    guard !proxies.isEmpty else { return false }
    return NetworkAddress(String(decoding: address, as: UTF8.self)).map(proxies.contains) ?? false
  }

  /// The target to send to the origin for a request that may be answered from the cache: of the
  /// query what is in the key.
  func forwardedTarget(_ head: RequestHead, route: Route) -> ByteBuffer {
    guard route.rules.key.rewritesTarget else { return head.slice(head.target) }
    var target = ByteBuffer()
    CacheKeyBuilder.writeTarget(head, rules: route.rules.key, into: &target)
    return target
  }
}

extension Route {
  /// Keeps routes apart whose keys leave out the host; nil where the host does that.
  var keySalt: UInt32? {
    guard !rules.key.includesHost else { return nil }
    var hash: UInt32 = 2_166_136_261
    for byte in pattern.pathParts.joined() { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
    if case .exact(let host) = pattern.host {
      for byte in host { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
    }
    if case .suffix(let host) = pattern.host {
      for byte in host { hash = (hash ^ UInt32(byte) ^ 1) &* 16_777_619 }
    }
    return hash
  }
}
