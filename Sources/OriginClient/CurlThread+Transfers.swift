import CCurl
import Glibc
import HTTPMessage

// The life of a fetch on its thread: begin, wait for a place, launch on a server (or the next
// one), conclude.
extension CurlThread {
  /// A new fetch: takes a place in the pool or waits for one.
  func begin(_ transfer: CurlTransfer) {
    switch transfer.origin.pool.acquire(transfer) {
    case .admitted:
      add(transfer)
      transfer.origin.statistics.activeCount.increment()
      launch(transfer)
    case .queued:
      add(transfer)
      transfer.stage = .queued
      transfer.origin.statistics.queuedCount.increment()
      arm(transfer, after: transfer.origin.limits.queue)
    case .full:
      refuse(transfer, OriginFailure(.queueFull, mayRetry: true))
    }
  }

  /// A fetch that waited holds a place now; when it was abandoned meanwhile, the place goes on.
  func admit(_ transfer: CurlTransfer) {
    guard transfer.stage == .queued else { return passOnPlace(of: transfer.origin) }
    transfer.origin.statistics.queuedCount.decrement()
    transfer.origin.statistics.activeCount.increment()
    launch(transfer)
  }

  /// The same once the thread ends: the fetch fails with the others of ``live``.
  func admitAtShutdown(_ transfer: CurlTransfer) {
    guard transfer.stage == .queued else { return passOnPlace(of: transfer.origin) }
    transfer.origin.statistics.queuedCount.decrement()
    transfer.origin.statistics.activeCount.increment()
    transfer.stage = .connecting
  }

  /// Sends the fetch to the next server that has not been tried.
  private func launch(_ transfer: CurlTransfer) {
    let origin = transfer.origin
    guard let server = origin.selection.select(now: now, tried: transfer.triedServers),
      let easy = takeHandle(for: transfer.request.origin, origin, server: server)
    else { return end(transfer, .failed(OriginFailure(.other, detail: "out of memory"))) }
    transfer.triedServers |= 1 << UInt64(server)
    transfer.attach(easy)
    easy.transfer = transfer
    guard easy.prepare(transfer.request) else {
      release(easy)
      return end(
        transfer, .failed(OriginFailure(.other, detail: "request not expressible in HTTP/1.1")))
    }
    guard curl_multi_add_handle(multi, easy.handle) == CURLM_OK else {
      release(easy)
      return end(transfer, .failed(OriginFailure(.other, detail: "handle not accepted")))
    }
  }

  private func takeHandle(for index: Int, _ origin: OriginState, server: Int) -> CurlEasy? {
    let slot = firstSlot[index] + server
    if let easy = resting[slot].popLast() { return easy }
    guard let easy = CurlEasy(thread: self, slot: slot, origin: origin, server: server) else {
      return nil
    }
    handles.append(easy)
    return easy
  }

  /// Puts a handle to rest that is not (or no longer) among the multi handle's.
  private func release(_ easy: CurlEasy) {
    easy.transfer?.easy = nil
    easy.transfer = nil
    easy.socket = -1
    if easy.isSpent { discard(easy) } else { resting[easy.slot].append(easy) }
  }

  /// Lets go of a handle; its connection stays. O(descriptors), for the rare upload with trailers.
  private func discard(_ easy: CurlEasy) {
    for index in sockets.indices where sockets[index].owner?.takeUnretainedValue() === easy {
      sockets[index].owner = nil
    }
    handles.removeAll { $0 === easy }
  }

  /// Ends the fetches that libcurl is done with.
  func concludeCompleted() {
    var remaining: Int32 = 0
    while let message = curl_multi_info_read(multi, &remaining) {
      guard message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle else {
        continue
      }
      // The message dies with the handle's removal.
      let result = message.pointee.data.result
      var context: UnsafeMutableRawPointer?
      edge_easy_get_pointer(handle, CURLINFO_PRIVATE, &context)
      guard let context else { continue }
      conclude(Unmanaged<CurlEasy>.fromOpaque(context).takeUnretainedValue(), result)
    }
  }

  func conclude(_ easy: CurlEasy, _ result: CURLcode) {
    guard let transfer = easy.transfer else { return }
    let failure = transfer.isCompleteEarly ? nil : CurlFailure.of(transfer, easy, result)
    let isUnconnected = transfer.stage == .connecting && CurlFailure.isConnecting(result)
    remove(easy)
    guard let failure else {
      transfer.flushContent()
      transfer.origin.statistics.responseCount.increment()
      return end(transfer, .end(trailers: transfer.trailers))
    }
    if isUnconnected {
      transfer.origin.selection.connectionFailed(server: easy.server, now: now)
      if transfer.triedServers.nonzeroBitCount < transfer.origin.selection.count {
        transfer.origin.statistics.failoverCount.increment()
        return launch(transfer)
      }
    }
    end(transfer, .failed(failure))
  }

  private func remove(_ easy: CurlEasy) {
    curl_multi_remove_handle(multi, easy.handle)
    release(easy)
  }

  /// A limit in time has passed.
  func expire(_ transfer: CurlTransfer) {
    switch transfer.stage {
    case .queued:
      guard transfer.origin.pool.abandon(transfer) else {
        // Its place is on the way.
        transfer.deadline = .max
        return
      }
      transfer.origin.statistics.queuedCount.decrement()
      endWithoutPlace(transfer, .failed(OriginFailure(.queueTimeout, mayRetry: true)))
    case .awaitingResponse:
      fail(transfer, OriginFailure(.firstByteTimeout))
    case .receiving:
      // Interim responses are no answer yet.
      fail(
        transfer,
        OriginFailure(transfer.parser.isHeadComplete ? .idleTimeout : .firstByteTimeout))
    case .new, .connecting, .ended:
      transfer.deadline = .max
    }
  }

  private func fail(_ transfer: CurlTransfer, _ failure: OriginFailure) {
    if let easy = transfer.easy { remove(easy) }
    end(transfer, .failed(failure))
  }

  /// The consumer wants nothing more of the fetch.
  func abandon(_ transfer: CurlTransfer) { drop(transfer, .dropped) }

  /// The thread ends.
  func stop(_ transfer: CurlTransfer) {
    let mayRetry = transfer.stage == .queued || transfer.stage == .connecting
    drop(transfer, .failed(OriginFailure(.shutdown, mayRetry: mayRetry)))
  }

  private func drop(_ transfer: CurlTransfer, _ event: TransferEvent.Content) {
    if transfer.stage == .queued {
      transfer.origin.statistics.queuedCount.decrement()
      // A place that is on its way already is passed on when it comes, see ``admit(_:)``.
      _ = transfer.origin.pool.abandon(transfer)
      return endWithoutPlace(transfer, event)
    }
    if let easy = transfer.easy { remove(easy) }
    end(transfer, event)
  }
}

// MARK: - Ends

extension CurlThread {
  /// Fails a fetch that never was among ``live``.
  func refuse(_ transfer: CurlTransfer, _ failure: OriginFailure) {
    transfer.stage = .ended
    transfer.origin.statistics.countFailure(failure.kind)
    emit(transfer, .failed(failure))
  }

  private func end(_ transfer: CurlTransfer, _ event: TransferEvent.Content) {
    transfer.origin.statistics.activeCount.decrement()
    endWithoutPlace(transfer, event)
    passOnPlace(of: transfer.origin)
  }

  private func endWithoutPlace(_ transfer: CurlTransfer, _ event: TransferEvent.Content) {
    transfer.stage = .ended
    transfer.deadline = .max
    takeOut(transfer)
    if case .failed(let failure) = event {
      transfer.flushContent()
      transfer.origin.statistics.countFailure(failure.kind)
    }
    emit(transfer, event)
  }

  /// Gives a place to whoever waits longest, on any thread. A fetch of this thread is told by the
  /// mailbox too: launching it here would nest as deep as the queue is long.
  private func passOnPlace(of origin: OriginState) {
    while let next = origin.pool.release() {
      if next.thread.mailbox.post(.admitted, next) { return }
      // That thread has ended, and the fetch with it.
    }
  }

  private func add(_ transfer: CurlTransfer) {
    transfer.index = live.count
    live.append(transfer)
  }

  private func takeOut(_ transfer: CurlTransfer) {
    let index = transfer.index
    guard index >= 0 else { return }
    transfer.index = -1
    let last = live.removeLast()
    if last !== transfer {
      live[index] = last
      last.index = index
    }
  }
}
