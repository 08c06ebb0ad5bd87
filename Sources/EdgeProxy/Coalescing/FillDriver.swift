import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore

/// Drives one fill: takes the origin's events, judges the head, feeds fill and spool, grants the
/// origin what may come next, and makes the object at the end.
///
/// Owner: the home loop; every method runs there. It lives as long as its fetch.
/// Limits: the origin is granted at most `grantStep` bytes beyond what has been taken in.
final class FillDriver: OriginReceiver, FillListener, @unchecked Sendable {
  // @unchecked: confined to `loop.eventLoop`; other threads only carry the reference there.

  /// How far the origin may run ahead of what fill, spool or the slowest reader have taken.
  private static let grantStep = 256 << 10
  private static let get = ByteBuffer(staticString: "GET")

  let fill: Fill
  let loop: ProxyLoop
  let request: JudgedRequest
  private let route: Route
  private let startedNanoseconds: Int64
  private var fetch: (any OriginFetch)?
  private var head: FillHead?
  private var spool: SpoolWriter?
  /// The client's address as text, for X-Forwarded-For.
  private let remoteAddress: ByteBuffer
  /// What the origin may send in all; a transport grants 64 KiB of its own accord.
  private var grantedBytes = 64 << 10
  /// Body bytes received.
  private var receivedBytes = 0
  private(set) var isEnded = false
  private var isWaitingForSpool = false
  /// The part being asked for; nil for the whole.
  var rangeFetch: RangeFetch?
  /// How the content is put together; nil when all of it comes from the origin.
  var composition: PartComposition?
  /// Stored parts of which the origin no longer has the representation: they go unless something
  /// is stored in their place.
  var outdated: StoredObject?

  /// `content` is that of a QUERY, which is part of the key.
  init(
    fill: Fill, loop: ProxyLoop, head: RequestHead, content: ByteBuffer?, route: Route,
    remoteAddress: ByteBuffer
  ) {
    self.fill = fill
    self.loop = loop
    self.remoteAddress = remoteAddress
    var head = head
    // A HEAD that misses fetches the whole object, so that the next GET hits.
    if head.method == .head { head.method = .get }
    request = JudgedRequest(
      head: head, route: route, content: content, key: fill.key,
      requestTimeSeconds: loop.clock.wallSeconds, fetchSequence: fill.fetchSequence,
      previous: fill.revalidated)
    self.route = route
    rangeFetch = fill.part
    startedNanoseconds = loop.clock.monotonicNanoseconds
  }

  /// Starts the fetch.
  func start() {
    fill.setHome(self)
    startFetch(validating: fill.revalidated)
  }

  private func startFetch(validating stored: StoredObject?) {
    let head = request.head
    var fields = remoteAddress.withUnsafeReadableBytes { address in
      loop.forwardedFields(head, route: route, remoteAddress: address, fillsCache: true)
    }
    if let stored {
      loop.metrics.count(.originRevalidations)
      appendValidators(of: stored, to: &fields)
    }
    appendRange(to: &fields)
    loop.metrics.count(.originFetches)
    fetch = loop.shared.transport.fetch(
      OriginRequest(
        origin: route.origin, method: head.method,
        methodName: head.method == .get ? Self.get : head.slice(head.methodName),
        target: loop.forwardedTarget(head, route: route), authority: head.slice(head.authority),
        fields: fields, framing: request.content.map { .length($0.readableBytes) } ?? .none),
      on: loop.eventLoop, receiver: self)
  }

  /// Asks anew, for another part or for the whole: the answer to the last request is of no use to
  /// those who wait.
  func ask(_ next: RangeFetch?) {
    fetch?.cancel()
    rangeFetch = next
    receivedBytes = 0
    grantedBytes = 64 << 10
    startFetch(validating: nil)
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

  func originInformational(status: Int, fields: FieldBlock) {
    fill.publish(InterimResponse(status: status, fields: fields))
  }

  func originWantsBody() {
    if let content = request.content { fetch?.sendBody(content) }
    fetch?.endBody(trailers: nil)
  }

  func originHead(_ response: OriginResponseHead) {
    loop.clock.refresh()
    loop.metrics.recordLatency(
      .firstByte, nanoseconds: loop.clock.monotonicNanoseconds - startedNanoseconds)
    if response.status == 304, let revalidated = fill.revalidated {
      return confirm(revalidated, by: response)
    }
    if response.status == 206 { return takePart(response) }
    if mayTakeWhole(response) { accept(loop.judge(response, for: request)) }
  }

  /// Publishes the head, and begins what follows from it.
  func accept(_ head: FillHead) {
    var head = head
    if head.refusal == nil, isTooLargeForMemory(head.contentCount ?? 0),
      head.stretch != nil || !beginSpool(head)
    {
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
      removeReplaced(by: head)
    }
    self.head = head
    fill.publish(head)
    abandonIfPointless()
  }

  /// What was to be validated has got a successor that is not stored: it must not go on being
  /// served inside a window for stale use. An error is no successor, nor is what was refused for
  /// its request's sake, such as the answer to somebody who has logged in.
  private func removeReplaced(by head: FillHead) {
    guard let revalidated = fill.revalidated, head.isKeyUncacheable, head.status < 500 else {
      return
    }
    loop.shared.store.remove(revalidated.hash)
  }

  func originChunk(_ chunk: ByteBuffer) {
    guard !isEnded else { return }
    loop.metrics.count(.originBytes, by: chunk.readableBytes)
    receivedBytes += chunk.readableBytes
    if let composition, receivedBytes > composition.received.count {
      return fail(OriginFailure(.malformed, detail: "more content than Content-Range says"))
    }
    take(chunk)
    if spool == nil, composition == nil, head?.refusal == nil, isTooLargeForMemory(receivedBytes) {
      outgrowMemory()
    }
    progressed()
  }

  /// Appends content, from the origin or from stored parts.
  func take(_ chunk: ByteBuffer) {
    fill.append(chunk)
    spool?.append(chunk)
  }

  func originEnd(trailers: FieldBlock?) {
    guard !isEnded else { return }
    if let composition {
      guard receivedBytes == composition.received.count else {
        return originFailed(OriginFailure(.truncated))
      }
      for chunk in composition.suffix { take(chunk) }
    }
    if let head, head.refusal == nil { store(head) }
    finish(.whole(trailers: trailers))
  }

  func originFailed(_ failure: OriginFailure) {
    guard !isEnded else { return }
    loop.metrics.count(.originFailures)
    spool?.abort()
    finish(.failed(failure))
  }

  /// Gives the fetch up: the origin's answer cannot be used at all.
  func fail(_ failure: OriginFailure) {
    fetch?.cancel()
    originFailed(failure)
  }

  private func finish(_ end: FillEnd) {
    isEnded = true
    fetch = nil
    removeOutdated()
    loop.shared.registry.remove(fill)
    fill.end(end)
  }

  // MARK: The head

  private func isTooLargeForMemory(_ count: Int) -> Bool {
    count > loop.shared.configuration.largestMemoryObjectBytes
  }

  private func confirm(_ object: StoredObject, by response: OriginResponseHead) {
    guard loop.selects(object, response) else {
      // A 304 for something else than what was asked about: what is stored is not what the origin
      // has (RFC 9111 section 4.3.4). Ask again, for all of it.
      loop.shared.store.remove(object.hash)
      return ask(rangeFetch)
    }
    guard let freshened = loop.freshen(object, by: response, for: request) else {
      // The 304 took the right to keep it; it still answers those who wait.
      return finish(.confirmed(object))
    }
    insert(freshened)
    finish(.confirmed(freshened))
  }

  // MARK: The body

  /// How much the origin is going to send; nil when it did not say.
  private var expectedBytes: Int? { composition?.received.count ?? head?.contentLength }

  private func beginSpool(_ head: FillHead) -> Bool {
    guard let spool = makeSpool(head) else { return false }
    self.spool = spool
    fill.attach(spool)
    return true
  }

  private func makeSpool(_ head: FillHead) -> SpoolWriter? {
    let store = loop.shared.store
    let hash = head.storedKey.withUnsafeReadableBytes { store.hasher.hash($0) }
    return store.beginSpool(for: hash, expectedBytes: head.contentLength)
  }

  /// The body has outgrown the memory tier before its end was known: move it to the disk, or let
  /// it be a response that is stored nowhere.
  private func outgrowMemory() {
    guard let head else { return }
    if let spool = makeSpool(head) {
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
    if let spool, spool.isBehind { return waitForSpool(spool) }
    let isStoredInMemory = head?.refusal == nil && spool == nil
    let heldBytes = isStoredInMemory ? 0 : fill.trim()
    let isPaced = head?.refusal != nil || (spool?.hasFailed ?? false)
    let aheadBytes = isPaced ? max(0, Self.grantStep - heldBytes) : Self.grantStep
    let wanted = receivedBytes + aheadBytes - grantedBytes
    let isSmall = expectedBytes.map { $0 <= grantedBytes } ?? false
    if wanted >= Self.grantStep / 4, !isSmall {
      grantedBytes += wanted
      fetch.grant(wanted)
    }
  }

  private func waitForSpool(_ spool: SpoolWriter) {
    guard !isWaitingForSpool else { return }
    isWaitingForSpool = true
    spool.whenCaughtUp(on: loop.eventLoop) { [self] in
      isWaitingForSpool = false
      progressed()
    }
  }

  /// A reader moved or left, on whatever loop.
  func fillMayHaveProgressed() {
    let eventLoop = loop.eventLoop
    if eventLoop.inEventLoop { readerMoved() } else { eventLoop.execute { self.readerMoved() } }
  }

  private func readerMoved() {
    progressed()
    abandonIfPointless()
  }

  /// A fill without readers goes on while that is cheap: until its head, and then
  /// when it will be stored and little of it is missing.
  private func abandonIfPointless() {
    guard !isEnded, let head, fill.readerCount == 0 else { return }
    let missing = expectedBytes.map { $0 - receivedBytes }
    let isCheap = missing.map { $0 <= loop.shared.configuration.abandonedFillBytes } ?? false
    if head.refusal == nil, isCheap || fill.revalidated != nil { return }
    fetch?.cancel()
    spool?.abort()
    finish(.failed(OriginFailure(.other, detail: "no client left")))
  }

  // MARK: The object

  private func store(_ head: FillHead) {
    if composition == nil, let length = head.contentLength, length != receivedBytes {
      // The transport answers for framing; a mismatch here must not become an object.
      return
    }
    let key = head.storedKey
    let hash = key.withUnsafeReadableBytes { loop.shared.store.hasher.hash($0) }
    if let variants = head.variants {
      loop.note(hash, of: variants, key: head.primaryKey, limit: route.rules.variantLimit)
    }
    if let stretch = head.stretch { return storePart(head, stretch) }
    key.withUnsafeReadableBytes { key in
      head.lines.withUnsafeReadableBytes { lines in
        if let spool {
          outdated = nil
          _ = loop.shared.store.finishSpool(
            spool, hash: hash, key: key, head: lines,
            metadata: head.metadata.asStored(bodyBytes: receivedBytes, isSpooled: true, route),
            tags: head.tags)
        } else {
          let object = StoredObject.make(
            hash: hash, key: key, head: lines, body: .buffers(fill.body()),
            metadata: head.metadata.asStored(bodyBytes: receivedBytes, isSpooled: false, route),
            tags: head.tags)
          insert(object)
          loop.transformIfWanted(object, request.head, route)
        }
      }
    }
  }

  func insert(_ object: StoredObject) {
    outdated = nil
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
