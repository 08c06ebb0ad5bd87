import CachePolicy
import HTTPMessage
import NIOCore

/// Relays one request and its response past the cache, both bodies streamed with back-pressure:
/// the client's next piece is asked for when the origin takes one, the origin is granted what the
/// client has taken.
final class PassRelay: Delivery, ContentReceiver, OriginReceiver {
  private unowned let exchange: ProxyExchange
  /// Content that was read before the request came here; it goes ahead of the rest.
  private var collected: ByteBuffer?
  private var fetch: (any OriginFetch)?
  private var recorder: PostRecorder?
  private var requestTimeSeconds: Int64 = 0
  private var fetchSequence: UInt64 = 0
  private var isHeadSent = false
  private var isOver = false
  /// Bytes delivered by the origin that have not been granted anew yet.
  private var owedBytes = 0
  /// Whether they wait until what is kept of the response has been written.
  private var isWaitingForDisk = false

  init(exchange: ProxyExchange, collected: ByteBuffer?) {
    self.exchange = exchange
    self.collected = collected
  }

  /// Sends the request.
  func start() {
    let loop = exchange.loop
    let head = exchange.head
    let route = exchange.route
    let fields = exchange.remoteAddressText.withUnsafeReadableBytes { address in
      loop.forwardedFields(head, route: route, remoteAddress: address, fillsCache: false)
    }
    requestTimeSeconds = loop.clock.wallSeconds
    fetchSequence = loop.shared.store.sequence
    let isReduced = route.rules.isCachingEnabled && head.method.isAnsweredFromCache
    loop.metrics.count(.originFetches)
    fetch = loop.shared.transport.fetch(
      OriginRequest(
        origin: route.origin, method: head.method, methodName: head.slice(head.methodName),
        target: isReduced ? loop.forwardedTarget(head, route: route) : head.slice(head.target),
        authority: head.slice(head.authority), fields: fields, framing: head.framing),
      on: loop.eventLoop, receiver: self)
  }

  // MARK: The client's side

  func receiveBody(_ chunk: ByteBuffer) { fetch?.sendBody(chunk) }

  func receiveBodyEnd(trailers: FieldBlock?) { fetch?.endBody(trailers: trailers) }

  func outputDrained() {
    guard owedBytes > 0, !isOver, let fetch else { return }
    if let recorder, recorder.isBehind { return waitForDisk(recorder) }
    fetch.grant(owedBytes)
    owedBytes = 0
  }

  private func waitForDisk(_ recorder: PostRecorder) {
    guard !isWaitingForDisk else { return }
    isWaitingForDisk = true
    recorder.whenCaughtUp(on: exchange.loop.eventLoop) { [self] in
      isWaitingForDisk = false
      if !isOver, exchange.writer?.isWritable ?? false { outputDrained() }
    }
  }

  func cancel() {
    isOver = true
    recorder?.abandon()
    fetch?.cancel()
    fetch = nil
  }

  // MARK: The origin's side

  func originWantsBody() {
    guard !isOver else { return }
    if let collected, collected.readableBytes > 0 {
      self.collected = nil
      fetch?.sendBody(collected)
    } else if exchange.head.framing == .none || exchange.isContentComplete {
      fetch?.endBody(trailers: nil)
    } else {
      exchange.writer?.requestBodyChunk()
    }
  }

  func originInformational(status: Int, fields: FieldBlock) {
    guard !isOver else { return }
    exchange.writer?.writeInformational(status: status, fields: fields)
  }

  func originHead(_ response: OriginResponseHead) {
    guard !isOver else { return }
    // A POST's own invalidation of its target does not count against its answer; any other one
    // since it was sent does.
    let isOvertaken = exchange.head.method == .post && exchange.isOvertaken(since: fetchSequence)
    guard exchange.takeNotice(of: response, sentAt: requestTimeSeconds) else { return cancel() }
    isHeadSent = true
    if !isOvertaken { recorder = exchange.postRecorder(response, sentAt: requestTimeSeconds) }
    exchange.machine.outcome.isStored = recorder != nil
    let head = FillHead(
      passing: response, refusal: .routeNotCached, isKeyUncacheable: false,
      via: exchange.loop.shared.via)
    let hasNoContent =
      exchange.head.method == .head || response.status == 204 || response.status == 304
    exchange.sendHead(
      head,
      framing: hasNoContent
        ? .bodyless(contentLength: response.status == 204 ? nil : declaredLength(response))
        : response.contentLength.map { .length($0) } ?? .streamed)
  }

  /// The Content-Length field's number, which for HEAD and 304 is not the content's length.
  private func declaredLength(_ response: OriginResponseHead) -> Int? {
    response.fields.withFirst(.contentLength) { value -> Int? in
      Int(String(decoding: value, as: UTF8.self))
    } ?? nil
  }

  func originChunk(_ chunk: ByteBuffer) {
    guard !isOver, let writer = exchange.writer else { return }
    exchange.loop.metrics.count(.originBytes, by: chunk.readableBytes)
    owedBytes += chunk.readableBytes
    recorder?.append(chunk)
    writer.write(chunk)
    if writer.isWritable { outputDrained() }
  }

  func originEnd(trailers: FieldBlock?) {
    guard !isOver else { return }
    isOver = true
    fetch = nil
    recorder?.finish()
    exchange.complete(trailers: trailers)
  }

  func originFailed(_ failure: OriginFailure) {
    guard !isOver else { return }
    isOver = true
    fetch = nil
    recorder?.abandon()
    exchange.loop.metrics.count(.originFailures)
    if isHeadSent {
      exchange.cut(ResultReason(failure))
    } else {
      exchange.passFailed(failure)
    }
  }
}

extension ResultReason {
  /// The reason that a failed fetch stands for.
  init(_ failure: OriginFailure) {
    switch failure.status {
    case 504: self = .originTimedOut
    case 503: self = failure.kind == .shutdown ? .shutdown : .originBusy
    default: self = .originFailed
    }
  }
}
