import HTTPMessage
import NIOCore

/// The response's side: what an ``HTTP1ResponseWriter`` forwards to.
extension HTTP1Connection {
  func writeInformational(status: Int, fields: FieldBlock) {
    guard case .awaited = response, !isHTTP10, (100..<200).contains(status), status != 101 else {
      return
    }
    if status == 100 { owesContinue = false }
    output.append {
      HTTP1ResponseSerializer.writeInformational(status: status, fields: fields, into: &$0)
    }
    outputChanged()
  }

  func start(
    status: Int, storedLines: UnsafeRawBufferPointer, addedLines: UnsafeRawBufferPointer,
    framing: ResponseFraming
  ) {
    guard case .awaited = response else {
      preconditionFailure("a second head, status \(status), in state \(response)")
    }
    let delimiter: HTTP1ResponseSerializer.Delimiter
    switch framing {
    case .length(let count):
      delimiter = .length(count)
      response = .counted(remaining: count)
    case .streamed where isHTTP10:
      delimiter = .none
      response = .untilClose
      keepsAlive = false
    case .streamed:
      delimiter = .chunked
      response = .chunked
    case .bodyless(let count):
      delimiter = status == 204 ? .none : count.map { .length($0) } ?? .none
      response = .bodyless
    }
    // A client that still waits for 100 may send its content or not: no telling where the next
    // request would start (RFC 9110 section 10.1.1).
    if isDraining || (owesContinue && inbound.readableBytes == 0) { keepsAlive = false }
    let connection: HTTP1ResponseSerializer.ConnectionField =
      keepsAlive ? (isHTTP10 ? .keepAlive : .none) : .close
    owesContinue = false
    if ownLines.isEmpty {
      output.append {
        HTTP1ResponseSerializer.writeHead(
          status: status, storedLines: storedLines, addedLines: addedLines, delimiter: delimiter,
          connection: connection, into: &$0)
      }
    } else {
      withOwnLines(before: addedLines) { lines in
        output.append {
          HTTP1ResponseSerializer.writeHead(
            status: status, storedLines: lines, addedLines: storedLines, delimiter: delimiter,
            connection: connection, into: &$0)
        }
      }
    }
    outputChanged()
  }

  func startWebSocket(lines: UnsafeRawBufferPointer) {
    guard case .awaited = response else {
      preconditionFailure("an upgrade in state \(response)")
    }
    response = .tunnel
    keepsAlive = false
    hasTunnelOutput = true
    statistics.webSockets.add()
    let upgrade: StaticString = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    output.append {
      HTTP1ResponseSerializer.writeHead(
        status: 101, storedLines: lines,
        addedLines: UnsafeRawBufferPointer(
          start: upgrade.utf8Start, count: upgrade.utf8CodeUnitCount),
        delimiter: .none, connection: .none, into: &$0)
    }
    outputChanged()
  }

  /// Puts the connection's own lines before those of the response, and both before the stored
  /// ones: of two Strict-Transport-Security a browser obeys the first (RFC 6797 section 8.1).
  private func withOwnLines(
    before lines: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void
  ) {
    let count = ownLines.count + lines.count
    withUnsafeTemporaryAllocation(byteCount: count, alignment: 1) { space in
      space.copyBytes(from: ownLines)
      UnsafeMutableRawBufferPointer(rebasing: space[ownLines.count...]).copyMemory(from: lines)
      body(UnsafeRawBufferPointer(space))
    }
  }

  func write(bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 0 else { return }
    let isChunked = account(bytes.count)
    if isChunked {
      output.append { HTTP1ResponseSerializer.writeChunkStart(bytes.count, into: &$0) }
    }
    output.append(bytes)
    if isChunked { output.append { HTTP1ResponseSerializer.writeChunkEnd(into: &$0) } }
    outputChanged()
  }

  func write(_ chunk: ByteBuffer) {
    let count = chunk.readableBytes
    guard count > 0 else { return }
    let isChunked = account(count)
    if isChunked { output.append { HTTP1ResponseSerializer.writeChunkStart(count, into: &$0) } }
    output.append(chunk)
    if isChunked { output.append { HTTP1ResponseSerializer.writeChunkEnd(into: &$0) } }
    outputChanged()
  }

  /// Counts content that is about to be sent; whether it has to be framed as a chunk.
  @inline(__always)
  private func account(_ count: Int) -> Bool {
    contentBytesWritten += count
    switch response {
    case .counted(let remaining):
      precondition(count <= remaining, "\(count) bytes of content where \(remaining) are declared")
      response = .counted(remaining: remaining - count)
      return false
    case .chunked: return true
    case .untilClose: return false
    case .tunnel:
      hasTunnelOutput = true
      return false
    case .none, .awaited, .bodyless:
      preconditionFailure("\(count) bytes of content in state \(response)")
    }
  }

  func finish(trailers: FieldBlock?) {
    switch response {
    case .none: return
    case .awaited: preconditionFailure("a response ended before its head")
    // Too few bytes: the response must not look complete.
    case .counted(let remaining) where remaining > 0: return abort()
    case .counted, .bodyless: break
    case .untilClose: keepsAlive = false
    case .tunnel: break
    case .chunked:
      output.append { HTTP1ResponseSerializer.writeLastChunk(trailers: trailers, into: &$0) }
    }
    endResponse()
    outputChanged()
  }

  func abort() {
    if case .none = response { return }
    var intent = ConnectionCloseIntent.afterOutput
    if case .untilClose = response { intent = .reset }
    isCutShort = true
    endResponse()
    startClosing(intent)
    outputChanged()
  }

  /// The response is over: the connection turns to what comes next.
  private func endResponse() {
    noteTunnelEnd()
    response = .none
    exchange = nil
    owesDrained = false
    wantsContent = false
    if !isInResponder { dropWriter() }
    if content.isFinished, keepsAlive {
      phase = .head
    } else if content.isFinished || content.remainingBytes == 0 {
      if keepsAlive { phase = .head } else { endConnection() }
    } else if keepsAlive, (content.remainingBytes ?? 0) <= limits.discardLimitBytes {
      phase = .discarding
      discardedBytes = 0
    } else {
      startClosing(.lingering)
    }
  }

  /// Closes behind the last response; lingering where bytes may still be on their way to us.
  func endConnection() {
    startClosing(inbound.readableBytes == 0 || inputHasEnded ? .afterOutput : .lingering)
  }

  func startClosing(_ intent: ConnectionCloseIntent) {
    phase = .closing
    inbound = ByteBuffer()
    closeIntent = intent == .lingering && inputHasEnded ? .afterOutput : intent
  }

  /// Answers what could not be read, or could not be served, before it became a request.
  /// - Parameter isHead: whether it is known to be a HEAD.
  func refuse(_ fault: RequestFault, isHead: Bool = false) {
    statistics.count(fault)
    writeLast(fault, isHead: isHead)
    startClosing(.lingering)
    noteRefused(fault)
  }

  /// Answers a request that its client's address has no more of: 429, and the connection stays.
  func turnAway(retryAfterSeconds: Int) {
    let fault = RequestFault.tooManyRequests
    statistics.count(fault)
    let answer = FaultResponse(
      fault, retryAfterSeconds: retryAfterSeconds, describe: responder.describe)
    answer.lines.withUnsafeReadableBytes { lines in
      start(
        status: answer.status, storedLines: UnsafeRawBufferPointer(start: nil, count: 0),
        addedLines: lines, framing: answer.framing(isHead: isHeadRequest))
    }
    if !isHeadRequest { write(answer.body) }
    finish(trailers: nil)
    noteRefused(fault)
  }

  /// The request being answered cannot go on: it is answered with `fault` if that is still
  /// possible, else cut short, and the exchange hears why.
  func fail(_ fault: RequestFault, reason: ClientCloseReason) {
    statistics.count(fault)
    if case .awaited = response {
      writeLast(fault, isHead: isHeadRequest)
      startClosing(.lingering)
    } else if case .untilClose = response {
      startClosing(.reset)
    } else {
      isCutShort = true
      startClosing(.afterOutput)
    }
    endExchange(reason)
  }

  /// Writes the connection's last answer.
  private func writeLast(_ fault: RequestFault, isHead: Bool) {
    let answer = FaultResponse(fault, describe: responder.describe)
    output.append { output in
      ownLines.withUnsafeBytes { ownLines in
        answer.lines.withUnsafeReadableBytes { lines in
          HTTP1ResponseSerializer.writeHead(
            status: answer.status, storedLines: ownLines, addedLines: lines,
            delimiter: .length(answer.body.readableBytes), connection: .close, into: &output)
        }
      }
      if !isHead { output.writeImmutableBuffer(answer.body) }
    }
  }

  private func noteRefused(_ fault: RequestFault) {
    responder.refused(
      RefusedRequest(
        fault: fault, version: isHTTP10 ? .http10 : .http11, isSecure: isSecure,
        remoteAddress: remoteAddress))
  }

  /// Tells the exchange that its client is gone; its writer is dead by then.
  func endExchange(_ reason: ClientCloseReason) {
    noteTunnelEnd()
    response = .none
    owesDrained = false
    wantsContent = false
    guard let exchange else { return }
    self.exchange = nil
    dropWriter()
    exchange.clientClosed(reason)
  }

  private func noteTunnelEnd() {
    if case .tunnel = response { statistics.webSocketsClosed.add() }
  }

  /// Whether output may grow, by what waits here and in the transport.
  var isWritable: Bool {
    transportIsWritable && output.byteCount < limits.outputHighWaterBytes
  }

  /// ``isWritable`` as the exchange sees it: a no is followed by `outputDrained()`.
  func checkWritable() -> Bool {
    if isWritable { return true }
    owesDrained = true
    return false
  }

  func callDrained() {
    owesDrained = false
    exchange?.outputDrained()
  }

  /// Has the transport look at the output, unless it will anyway after the current entry point.
  @inline(__always)
  func outputChanged() {
    if !isPumping { transport?.scheduleResume() }
  }
}
