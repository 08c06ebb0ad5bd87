import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore

/// Drives one fill: takes the origin's events, judges the head, feeds fill and spool, grants the
/// origin what may come next, and makes the object at the end.
///
/// Owner: the home loop; every method runs there. It lives as long as its fetch.
/// Limits: the origin is granted at most `grantStep` bytes beyond what has been taken in.
final class FillDriver: OriginReceiver, @unchecked Sendable {
  // @unchecked: confined to `loop.eventLoop`; other threads only carry the reference there.

  /// How far the origin may run ahead of what fill, spool or the slowest reader have taken.
  private static let grantStep = 256 << 10
  /// How many bytes of a spool may wait for the disk before the origin is held back.
  private static let spoolBacklogBytes = 4 << 20
  private static let get = ByteBuffer(staticString: "GET")

  let fill: Fill
  private let loop: ProxyLoop
  private let request: RequestHead
  private let route: Route
  private let routeIndex: Int
  private let requestTimeSeconds: Int64
  private let startedNanoseconds: Int64
  private var fetch: (any OriginFetch)?
  private var head: FillHead?
  private var spool: SpoolWriter?
  /// What the origin may send in all; a transport grants 64 KiB of its own accord.
  private var grantedBytes = 64 << 10
  /// Body bytes received.
  private var receivedBytes = 0
  private var isEnded = false
  private var isWaitingForSpool = false

  init(fill: Fill, loop: ProxyLoop, request: RequestHead, routeIndex: Int) {
    self.fill = fill
    self.loop = loop
    var request = request
    // A HEAD that misses fetches the whole object, so that the next GET hits.
    if request.method == .head { request.method = .get }
    self.request = request
    self.routeIndex = routeIndex
    route = loop.shared.routes.routes[routeIndex]
    requestTimeSeconds = loop.clock.wallSeconds
    startedNanoseconds = loop.clock.monotonicNanoseconds
  }

  /// Starts the fetch.
  func start(remoteAddress: UnsafeRawBufferPointer) {
    var fields = loop.forwardedFields(
      request, remoteAddress: remoteAddress, stripsConditionals: true, stripsRange: true)
    if let revalidated = fill.revalidated {
      loop.metrics.count(.originRevalidations)
      appendValidators(of: revalidated, to: &fields)
    }
    let eventLoop = loop.eventLoop
    fill.onNotify { [self] in
      if eventLoop.inEventLoop { readerMoved() } else { eventLoop.execute { self.readerMoved() } }
    }
    loop.metrics.count(.originFetches)
    fetch = loop.shared.transport.fetch(
      OriginRequest(
        origin: route.origin, method: .get, methodName: Self.get,
        target: request.slice(request.target), authority: request.slice(request.authority),
        fields: fields, framing: .none),
      on: loop.eventLoop, receiver: self)
  }

  private func appendValidators(of object: StoredObject, to fields: inout FieldBlock) {
    if object.metadata.etagCount > 0 {
      object.withEntityTag { fields.append(.ifNoneMatch, value: $0) }
    }
    if object.metadata.lastModifiedSeconds != .min {
      var date = ByteBuffer()
      HTTPDate.write(object.metadata.lastModifiedSeconds, into: &date)
      date.withUnsafeReadableBytes { fields.append(.ifModifiedSince, value: $0) }
    }
  }

  // MARK: The origin's events

  func originInformational(status: Int, fields: FieldBlock) {}

  func originWantsBody() { fetch?.endBody(trailers: nil) }

  func originHead(_ response: OriginResponseHead) {
    loop.clock.refresh()
    loop.metrics.recordLatency(
      .firstByte, nanoseconds: loop.clock.monotonicNanoseconds - startedNanoseconds)
    if response.status == 304, let revalidated = fill.revalidated {
      return confirm(revalidated, by: response)
    }
    var head = judge(response)
    if head.refusal == nil, isTooLargeForMemory(head.contentLength ?? 0), !beginSpool(head) {
      head = FillHead(refusing: .tooLarge, head)
    }
    if head.refusal == nil {
      loop.shared.registry.clearUncacheable(fill.hash)
    } else {
      loop.shared.registry.remove(fill)
      if head.isKeyUncacheable {
        loop.shared.registry.markUncacheable(
          fill.hash,
          untilSeconds: loop.clock.wallSeconds + loop.shared.configuration.uncacheableKeySeconds)
      }
      loop.metrics.count(.storeRefused)
    }
    self.head = head
    fill.publish(head)
    abandonIfPointless()
  }

  func originChunk(_ chunk: ByteBuffer) {
    guard !isEnded else { return }
    loop.metrics.count(.originBytes, by: chunk.readableBytes)
    receivedBytes += chunk.readableBytes
    fill.append(chunk)
    if let spool {
      spool.append(chunk)
    } else if head?.refusal == nil, isTooLargeForMemory(receivedBytes) {
      outgrowMemory()
    }
    progressed()
  }

  func originEnd(trailers: FieldBlock?) {
    guard !isEnded else { return }
    if let head, head.refusal == nil { store(head) }
    finish(.whole(trailers: trailers))
  }

  func originFailed(_ failure: OriginFailure) {
    guard !isEnded else { return }
    loop.metrics.count(.originFailures)
    spool?.abort()
    finish(.failed(failure))
  }

  private func finish(_ end: FillEnd) {
    isEnded = true
    fetch = nil
    loop.shared.registry.remove(fill)
    fill.end(end)
  }

  // MARK: The head

  private func isTooLargeForMemory(_ count: Int) -> Bool {
    count > loop.shared.configuration.largestMemoryObjectBytes
  }

  private func confirm(_ object: StoredObject, by response: OriginResponseHead) {
    let lines = object.withHead { ByteBuffer(bytes: $0) }
    let (fields, decision) = StorePolicy.decideRefreshed(
      request: request, storedStatus: Int(object.metadata.status), stored: FieldBlock(lines: lines),
      notModified: response, requestTime: requestTimeSeconds,
      responseTime: loop.clock.wallSeconds, rules: route.rules)
    guard case .store(let freshness, _) = decision else {
      // The 304 took the right to keep it; it still answers those who wait.
      loop.shared.store.remove(object.hash)
      return finish(.confirmed(object))
    }
    let metadata = FillHead.metadata(
      of: fields, status: Int(object.metadata.status), freshness: freshness,
      route: routeIndex, fetchSequence: fill.fetchSequence)
    let freshened = object.withKey { key in
      fields.bytes.withUnsafeReadableBytes { head in
        object.freshened(key: key, head: head, metadata: metadata)
      }
    }
    insert(freshened)
    finish(.confirmed(freshened))
  }

  private func judge(_ response: OriginResponseHead) -> FillHead {
    let decision = StorePolicy.decide(
      request: request, response: response, requestTime: requestTimeSeconds,
      responseTime: loop.clock.wallSeconds, rules: route.rules)
    switch decision {
    case .refuse(let refusal):
      return FillHead(
        passing: response, refusal: ResultReason(refusal),
        isKeyUncacheable: refusal.concernsKey, via: loop.shared.via)
    case .store(let freshness, _):
      var fields = StorePolicy.storedFields(
        response: response, freshness: freshness, rules: route.rules)
      loop.shared.via.withUnsafeReadableBytes { fields.append(.via, value: $0) }
      let metadata = FillHead.metadata(
        of: fields, status: response.status, freshness: freshness, route: routeIndex,
        fetchSequence: fill.fetchSequence)
      guard let variants = loop.variantList(for: fields, key: fill.key) else {
        return FillHead(
          passing: response, refusal: .varyAll, isKeyUncacheable: true, via: loop.shared.via)
      }
      return FillHead(
        storing: fields, response: response, freshness: freshness, metadata: metadata,
        variants: variants, request: request, primaryKey: fill.key)
    }
  }

  // MARK: The body

  private func beginSpool(_ head: FillHead) -> Bool {
    guard let spool = loop.shared.store.beginSpool(expectedBytes: head.contentLength) else {
      return false
    }
    self.spool = spool
    fill.attach(spool)
    return true
  }

  /// The body has outgrown the memory tier before its end was known: move it to the disk, or let
  /// it be a response that is stored nowhere.
  private func outgrowMemory() {
    guard let head else { return }
    if let spool = loop.shared.store.beginSpool(expectedBytes: head.contentLength) {
      for chunk in fill.body() { spool.append(chunk) }
      self.spool = spool
      fill.attach(spool)
    } else {
      loop.metrics.count(.storeRefused)
      self.head = FillHead(refusing: .tooLarge, head)
      loop.shared.registry.remove(fill)
    }
  }

  /// Something was taken in or taken off: let go of memory, and grant the origin its next bytes.
  private func progressed() {
    guard !isEnded, let fetch else { return }
    if let spool, spool.pendingBytes > Self.spoolBacklogBytes { return waitForSpool(spool) }
    let isStoredInMemory = head?.refusal == nil && spool == nil
    let heldBytes = isStoredInMemory ? 0 : fill.trim()
    let isPaced = head?.refusal != nil || (spool?.hasFailed ?? false)
    let aheadBytes = isPaced ? max(0, Self.grantStep - heldBytes) : Self.grantStep
    let wanted = receivedBytes + aheadBytes - grantedBytes
    let isSmall = head?.contentLength.map { $0 <= grantedBytes } ?? false
    if wanted >= Self.grantStep / 4, !isSmall {
      grantedBytes += wanted
      fetch.grant(wanted)
    }
  }

  private func waitForSpool(_ spool: SpoolWriter) {
    guard !isWaitingForSpool else { return }
    isWaitingForSpool = true
    spool.whenBelow(Self.spoolBacklogBytes / 2, on: loop.eventLoop) { [self] in
      isWaitingForSpool = false
      progressed()
    }
  }

  private func readerMoved() {
    progressed()
    abandonIfPointless()
  }

  /// A fill without readers goes on while that is cheap: until its head, and then
  /// when it will be stored and little of it is missing.
  private func abandonIfPointless() {
    guard !isEnded, let head, fill.readerCount == 0 else { return }
    let missing = head.contentLength.map { $0 - receivedBytes }
    let isCheap = missing.map { $0 <= loop.shared.configuration.abandonedFillBytes } ?? false
    if head.refusal == nil, isCheap || fill.revalidated != nil { return }
    fetch?.cancel()
    spool?.abort()
    finish(.failed(OriginFailure(.other, detail: "no client left")))
  }

  // MARK: The object

  private func store(_ head: FillHead) {
    if let length = head.contentLength, length != receivedBytes {
      // The transport answers for framing; a mismatch here must not become an object.
      return
    }
    let key = head.storedKey
    let hash = key.withUnsafeReadableBytes { loop.shared.store.hasher.hash($0) }
    key.withUnsafeReadableBytes { key in
      head.lines.withUnsafeReadableBytes { lines in
        if let spool {
          _ = loop.shared.store.finishSpool(
            spool, hash: hash, key: key, head: lines, metadata: head.metadata)
        } else {
          insert(
            StoredObject.make(
              hash: hash, key: key, head: lines, body: .buffers(fill.body()),
              metadata: head.metadata))
        }
      }
    }
  }

  private func insert(_ object: StoredObject) {
    // The doom is checked after the insert, so that whichever comes second sees the first.
    loop.shared.store.insert(object)
    if fill.isDoomed { loop.shared.store.remove(object.hash) }
  }
}

extension StoreRefusal {
  /// Whether the next response of the same key is likely to be refused as well.
  var concernsKey: Bool {
    switch self {
    case .noStore, .isPrivate, .setCookie, .varyAll, .zeroLifetime, .noCache: true
    default: false
    }
  }
}
