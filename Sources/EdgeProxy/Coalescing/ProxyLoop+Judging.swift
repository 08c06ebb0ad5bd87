import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore

/// A request that is being answered by the origin, as the judgement of its response needs it.
struct JudgedRequest {
  /// The request, with the method that went to the origin.
  var head: RequestHead
  /// Index of its route.
  var routeIndex: Int
  /// The content of a QUERY.
  var content: ByteBuffer?
  /// The key under which it was looked up.
  var key: ByteBuffer
  /// Wall clock, Unix seconds, when it was sent.
  var requestTimeSeconds: Int64
  /// The invalidation number that its fetch carries.
  var fetchSequence: UInt64
  /// What was stored until now.
  var previous: StoredObject?
}

extension ProxyLoop {
  /// Judges a response head: whether it is stored, how long it is fresh, and under which key.
  func judge(_ response: OriginResponseHead, for request: JudgedRequest) -> FillHead {
    let route = shared.routes.routes[request.routeIndex]
    if isWorseThanStale(response, request, route) {
      return FillHead(
        passing: response, refusal: .staleIfError, isKeyUncacheable: false, via: shared.via)
    }
    let decision = StorePolicy.decide(
      request: request.head, response: response, requestTime: request.requestTimeSeconds,
      responseTime: clock.wallSeconds, rules: route.rules,
      previous: request.previous?.metadata.freshness,
      isUnchanged: isUnchanged(response, since: request.previous, route))
    switch decision {
    case .refuse(let refusal):
      return FillHead(
        passing: response, refusal: ResultReason(refusal),
        isKeyUncacheable: refusal.concernsKey, via: shared.via)
    case .store(let freshness, _):
      var fields = StorePolicy.storedFields(
        response: response, freshness: freshness, rules: route.rules)
      shared.via.withUnsafeReadableBytes { fields.append(.via, value: $0) }
      return storing(fields, of: response, freshness, for: request)
    }
  }

  /// The head of a response that is stored with these fields.
  func storing(
    _ fields: FieldBlock, of response: OriginResponseHead, _ freshness: Freshness,
    for request: JudgedRequest
  ) -> FillHead {
    let route = shared.routes.routes[request.routeIndex]
    var metadata = FillHead.metadata(
      of: fields, status: response.status, freshness: freshness, route: route.identity.value,
      fetchSequence: request.fetchSequence)
    let primaryKey = primaryKey(for: request, fields: fields, route: route)
    guard let variants = variantList(for: fields, key: primaryKey) else {
      return FillHead(
        passing: response, refusal: .varyAll, isKeyUncacheable: true, via: shared.via)
    }
    metadata.kind = kind(
      fields, of: response, freshness.flags, for: request, by: route.compression)
    return FillHead(
      storing: fields, response: response, freshness: freshness, metadata: metadata,
      variants: variants, request: request.head, rules: route.rules.key,
      primaryKey: primaryKey, via: shared.via, tags: tags(of: fields, request.head, route))
  }

  /// Whether a response may get a second form beside the one in which it is stored first.
  private func kind(
    _ fields: FieldBlock, of response: OriginResponseHead, _ flags: FreshnessFlags,
    for request: JudgedRequest, by compression: CompressionRules?
  ) -> ObjectMetadata.Kind {
    guard let compression else { return .response }
    let (status, length) = (response.status, response.contentLength)
    if compression.cover(status: status, fields: fields, contentLength: length, flags: flags),
      // A variant that no client takes gzip'd stays as it is.
      !fields.variesByCoding || CodingPreference(request.head.fields).acceptsGzip
    {
      return .compressible
    }
    return compression.coverGzip(
      status: status, fields: fields, contentLength: length, flags: flags)
      ? .inflatable : .response
  }

  /// Whether the response is an error that what is stored may stand in for: it must not take the
  /// place of what stands in (RFC 5861 section 4).
  private func isWorseThanStale(
    _ response: OriginResponseHead, _ request: JudgedRequest, _ route: Route
  ) -> Bool {
    switch response.status {
    case 500, 502, 503, 504: break
    default: return false
    }
    guard let previous = request.previous else { return false }
    return ServePolicy.mayServeStaleOnError(
      previous.metadata.freshness, now: clock.wallSeconds, isUnreachable: false,
      rules: route.rules)
  }

  /// For adaptive lifetimes: whether the origin sent once more what is stored.
  private func isUnchanged(
    _ response: OriginResponseHead, since previous: StoredObject?, _ route: Route
  ) -> Bool {
    guard route.rules.isAdaptive, let previous else { return false }
    let stored = FieldBlock(lines: previous.withLines { ByteBuffer(bytes: $0) })
    return StorePolicy.isUnchanged(stored: stored, response: response)
  }

  /// The key a response is stored under, before its variant: the whole one, or where it declares by
  /// No-Vary-Search that parts of the query do not matter, the reduced one.
  private func primaryKey(
    for request: JudgedRequest, fields: FieldBlock, route: Route
  ) -> ByteBuffer {
    let declares = fields.contains(.noVarySearch) && route.rules.key.honoursNoVarySearch
    let isReduced = SearchRecord.isReduced(request.key)
    guard declares || isReduced, request.content == nil else { return request.key }
    let variance = declares ? SearchVariance(response: fields) : SearchVariance()
    guard variance.isDefault else {
      return reducedKey(of: request.head, route: route, variance: variance)
    }
    guard isReduced else { return request.key }
    writeKey(of: request.head, route: route)
    return key
  }

  /// A stored response after a response that validated it, put in its place; nil when it may not
  /// stay, and then it is removed.
  func freshen(
    _ object: StoredObject, by response: OriginResponseHead, for request: JudgedRequest
  ) -> StoredObject? {
    let route = shared.routes.routes[request.routeIndex]
    let stored = FieldBlock(lines: object.withLines { ByteBuffer(bytes: $0) })
    let (fields, decision) = StorePolicy.decideRefreshed(
      request: request.head, storedStatus: Int(object.metadata.status), stored: stored,
      notModified: response, requestTime: request.requestTimeSeconds,
      responseTime: clock.wallSeconds, rules: route.rules,
      previous: object.metadata.freshness)
    guard case .store(let freshness, _) = decision else {
      shared.store.remove(object.hash)
      return nil
    }
    var metadata = FillHead.metadata(
      of: fields, status: Int(object.metadata.status), freshness: freshness,
      route: route.identity.value, fetchSequence: request.fetchSequence)
    let tags = tags(of: fields, request.head, route)
    if let compressed = CompressedObject(object) {
      return compressed.freshened(fields, metadata: metadata, tags: tags)
    }
    if object.kind == .compressible || object.kind == .inflatable,
      !freshness.flags.contains(.noTransform)
    {
      metadata.kind = object.kind
    }
    return fields.bytes.withUnsafeReadableBytes { head in
      PartialObject(object)?.freshened(lines: head, metadata: metadata, tags: tags)
        ?? object.withKey {
          object.freshened(key: $0, head: head, metadata: metadata, tags: tags)
        }
    }
  }

  /// Whether a 304 speaks of this stored response (RFC 9111 section 4.3.4).
  func selects(_ object: StoredObject, _ response: OriginResponseHead) -> Bool {
    let stored = FieldBlock(lines: object.withLines { ByteBuffer(bytes: $0) })
    return StorePolicy.selects(stored: stored, notModified: response)
  }

  /// The hashes of the cache tags and cache groups (RFC 9875) that a response is in. More than an
  /// object carries, or some that cannot be kept: a list that the store takes for every tag, so
  /// that no invalidation misses the object.
  func tags(of fields: FieldBlock, _ request: RequestHead, _ route: Route) -> [UInt64] {
    let hasGroups = fields.contains(.cacheGroups)
    if !hasGroups, route.tagFields.isEmpty { return [] }
    var tags: [UInt64] = []
    var isComplete = true
    if !route.tagFields.isEmpty {
      let summary = CacheTags.forEach(in: fields, names: route.tagFields) {
        tags.append(TagHash($0).value)
      }
      isComplete = !summary.isIncomplete
    }
    if hasGroups {
      let groups = CacheGroups(response: fields)
      groups.forEachTag(request: request) { tags.append(TagHash($0).value) }
      isComplete = isComplete && groups.leftOut == 0
    }
    return isComplete ? tags : Array(repeating: 0, count: TagHash.mostTags + 1)
  }
}
