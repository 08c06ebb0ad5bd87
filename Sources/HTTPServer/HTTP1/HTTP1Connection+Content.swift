import HTTPMessage
import NIOCore

/// The request's content: pulled by the exchange, thrown away behind the response.
extension HTTP1Connection {
  func requestBodyChunk() {
    guard phase == .exchange else { return }
    wantsContent = true
    if owesContinue, inbound.readableBytes == 0, case .awaited = response {
      output.append {
        HTTP1ResponseSerializer.writeInformational(status: 100, fields: FieldBlock(), into: &$0)
      }
    }
    owesContinue = false
    outputChanged()
  }

  /// Answers the exchange's wish for content, if it has one and there is some.
  func deliverContent() -> Bool {
    guard wantsContent, let exchange else { return false }
    if case .tunnel = response { return deliverTunnelled(to: exchange) }
    do {
      switch try content.next(&inbound) {
      case .needMore:
        guard inputHasEnded else { return false }
        isCutShort = true
        startClosing(.afterOutput)
        endExchange(.disconnected)
        return false
      case .chunk(let chunk):
        wantsContent = false
        // The exchange may hold it until the origin takes it.
        exchange.receiveBody(chunk.compacted())
      case .end(let trailers):
        wantsContent = false
        exchange.receiveBodyEnd(trailers: trailers)
      }
      return true
    } catch {
      fail(error, reason: .badContent(error))
      return false
    }
  }

  /// Hands over what the client has sent on a switched connection, as it came.
  private func deliverTunnelled(to exchange: Responder.Exchange) -> Bool {
    if inbound.readableBytes > 0 {
      let chunk = inbound.compacted()
      inbound = ByteBuffer()
      wantsContent = false
      exchange.receiveBody(chunk)
      return true
    }
    guard inputHasEnded else { return false }
    wantsContent = false
    exchange.receiveBodyEnd(trailers: nil)
    return true
  }

  /// Throws away what is left of the content, so that the next request can be read.
  func discardContent() -> Bool {
    do {
      switch try content.next(&inbound) {
      case .needMore:
        if inputHasEnded { startClosing(.afterOutput) }
        return false
      case .chunk(let chunk):
        discardedBytes += chunk.readableBytes
        if discardedBytes > limits.discardLimitBytes {
          startClosing(.lingering)
          return false
        }
      case .end: phase = .head
      }
      return true
    } catch {
      statistics.count(error)
      startClosing(.lingering)
      return false
    }
  }
}
