import CachePolicy
import HTTPMessage
import NIOCore

/// Relays one opening handshake and, once the origin has switched over, bytes both ways as they
/// are, each side at the other's pace.
///
/// Until the origin's 101 nothing is asked of the client: what it has sent behind its head waits
/// unread, and stays the connection's next request when the origin answers otherwise. Confined to
/// the exchange's loop.
final class WebSocketRelay: Delivery, ContentReceiver, OriginReceiver {
  private unowned let exchange: ProxyExchange
  private let accept: [UInt8]
  private var fetch: (any OriginFetch)?
  private var isHeadSent = false
  private var isSwitched = false
  private var isOver = false
  /// Whether the transport waits for bytes of the client's.
  private var wantsBytes = false
  /// Bytes delivered by the origin that have not been granted anew yet.
  private var owedBytes = 0

  /// - Parameter accept: what the origin's Sec-WebSocket-Accept has to say.
  init(exchange: ProxyExchange, accept: [UInt8]) {
    self.exchange = exchange
    self.accept = accept
  }

  /// Sends the handshake, serialized anew.
  func start() {
    let loop = exchange.loop
    let head = exchange.head
    let fields = exchange.remoteAddressText.withUnsafeReadableBytes { address in
      loop.shared.name.withUnsafeReadableBytes { name in
        ForwardedFields.request(
          head, via: name, remoteAddress: address, isCacheable: false,
          rules: exchange.route.rules.key)
      }
    }
    var request = OriginRequest(
      origin: exchange.route.origin, method: head.method, methodName: head.slice(head.methodName),
      target: head.slice(head.target), authority: head.slice(head.authority), fields: fields,
      framing: .none)
    request.asksForWebSocket = true
    loop.metrics.count(.originFetches)
    fetch = loop.shared.transport.fetch(request, on: loop.eventLoop, receiver: self)
  }

  // MARK: The client's side

  func receiveBody(_ chunk: ByteBuffer) { fetch?.sendBody(chunk) }

  /// The client has ended its side: what it sent is passed on, then the connections end.
  func receiveBodyEnd(trailers: FieldBlock?) { fetch?.endBody(trailers: nil) }

  func outputDrained() {
    guard owedBytes > 0, let fetch else { return }
    fetch.grant(owedBytes)
    owedBytes = 0
  }

  func cancel() {
    isOver = true
    fetch?.cancel()
    fetch = nil
  }

  // MARK: The origin's side

  func originWantsBody() {
    guard !isOver else { return }
    wantsBytes = true
    askClient()
  }

  private func askClient() {
    guard isSwitched, wantsBytes else { return }
    wantsBytes = false
    exchange.writer?.requestBodyChunk()
  }

  func originInformational(status: Int, fields: FieldBlock) {
    guard !isOver else { return }
    exchange.writer?.writeInformational(status: status, fields: fields)
  }

  func originHead(_ response: OriginResponseHead) {
    guard !isOver else { return }
    exchange.machine.outcome.forwardStatus = response.status
    guard response.status == 101 else { return relayAnswer(response) }
    guard WebSocketHandshake.isAccepted(accept, by: response.fields) else {
      exchange.loop.metrics.count(.originFailures)
      cancel()
      return exchange.passFailed(OriginFailure(.malformed, detail: "wrong Sec-WebSocket-Accept"))
    }
    isHeadSent = true
    isSwitched = true
    exchange.switchToWebSocket(
      FillHead(
        passing: response, refusal: .upgrade, isKeyUncacheable: false,
        via: exchange.loop.shared.via))
    askClient()
  }

  /// The origin declines: its answer is an answer like any other.
  private func relayAnswer(_ response: OriginResponseHead) {
    isHeadSent = true
    let hasNoContent = response.status == 204 || response.status == 304
    exchange.sendHead(
      FillHead(
        passing: response, refusal: .upgrade, isKeyUncacheable: false,
        via: exchange.loop.shared.via),
      framing: hasNoContent
        ? .bodyless(contentLength: nil) : response.contentLength.map { .length($0) } ?? .streamed)
  }

  func originChunk(_ chunk: ByteBuffer) {
    guard !isOver, let writer = exchange.writer else { return }
    exchange.loop.metrics.count(.originBytes, by: chunk.readableBytes)
    owedBytes += chunk.readableBytes
    writer.write(chunk)
    if writer.isWritable { outputDrained() }
  }

  func originEnd(trailers: FieldBlock?) {
    guard !isOver else { return }
    isOver = true
    fetch = nil
    exchange.complete(trailers: isSwitched ? nil : trailers)
  }

  func originFailed(_ failure: OriginFailure) {
    guard !isOver else { return }
    isOver = true
    fetch = nil
    exchange.loop.metrics.count(.originFailures)
    if isHeadSent {
      exchange.cut(ResultReason(failure))
    } else {
      exchange.passFailed(failure)
    }
  }
}
