import CCurl
import CLinux
import Glibc
import HTTPMessage
import NIOCore
import Synchronization

/// One thread of origin fetches: a libcurl multi handle driven by epoll, for one event loop.
///
/// Everything but ``mailbox``, ``start()`` and ``stop()`` is confined to the thread itself.
/// `@unchecked Sendable` for that reason: before the thread runs its maker alone holds it.
///
/// A round: wait; look after idle connections; let libcurl read and write; take the mailbox; end
/// what is complete; enforce limits; hand all events to the loop at once. Nothing in it blocks but
/// the wait (libcurl resolves names on threads of its own).
///
/// Limits: fetches under way by the origins' pools, connections by the pools' sum (`MAXCONNECTS`,
/// so that a connection is not closed to make room for another's while its place in the pool is
/// free), both over all origins.
final class CurlThread: @unchecked Sendable {
  let configuration: Configuration
  let mailbox: Mailbox
  let multi: UnsafeMutableRawPointer
  let epoll: Int32
  /// Monotonic nanoseconds as of this round's beginning.
  private(set) var now: UInt64 = 0
  var sockets: [WatchedSocket] = []
  /// The open connections on which a request has gone out, by their two ends.
  var connections: [ConnectionPlace: Int32] = [:]
  /// Fetches that are queued or under way; holds them for libcurl's callbacks.
  var live: [CurlTransfer] = []
  /// Every handle ever made; holds them for libcurl's callbacks.
  var handles: [CurlEasy] = []
  /// Handles at rest, by slot: one list for every server of every origin.
  var resting: [[CurlEasy]]
  /// The first slot of each origin's servers.
  let firstSlot: [Int]

  private let number: Int
  private let outbox: Outbox
  private let threadID = Mutex<pthread_t?>(nil)
  private let isStopping = Atomic<Bool>(false)
  private var messages: [TransferMessage] = []
  private var events: [TransferEvent] = []
  private var withContent: [CurlTransfer] = []
  private var withUnwantedBody: [CurlTransfer] = []
  private var withRefusedContent: [CurlTransfer] = []
  /// When libcurl wants to be called without an event; `.max` for never.
  private var curlDeadline = UInt64.max
  /// No later than the earliest deadline of a fetch.
  private var nextDeadline = UInt64.max

  init(
    number: Int, configuration: Configuration, loop: any EventLoop
  ) throws(ConfigurationFault) {
    self.number = number
    self.configuration = configuration
    mailbox = try Mailbox()
    outbox = Outbox(loop: loop)
    var slots: [Int] = []
    var slotCount = 0
    for origin in configuration.origins {
      slots.append(slotCount)
      slotCount += origin.servers.count
    }
    firstSlot = slots
    resting = Array(repeating: [], count: slotCount)
    epoll = edge_epoll_create()
    guard epoll >= 0 else { throw .system(errno: errno) }
    guard let multi = curl_multi_init() else {
      close(epoll)
      throw .system(errno: ENOMEM)
    }
    self.multi = multi
    try setUp()
  }

  deinit { close(epoll) }

  private func setUp() throws(ConfigurationFault) {
    let context = Unmanaged.passUnretained(self).toOpaque()
    edge_multi_set_socket_callback(multi, socketInterestChanged)
    edge_multi_set_pointer(multi, CURLMOPT_SOCKETDATA, context)
    edge_multi_set_timer_callback(multi, timeoutChanged)
    edge_multi_set_pointer(multi, CURLMOPT_TIMERDATA, context)
    edge_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
    let places = configuration.origins.reduce(0) { $0 + $1.pool }
    edge_multi_set_long(multi, CURLMOPT_MAXCONNECTS, min(max(places, 1), Int(Int32.max)))
    edge_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, 0)
    var event = edge_epoll_event(
      EPOLLIN.rawValue | EPOLLET.rawValue, UInt64(mailbox.descriptor))
    guard epoll_ctl(epoll, EPOLL_CTL_ADD, mailbox.descriptor, &event) == 0 else {
      throw .system(errno: errno)
    }
  }

  static func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }
}

// MARK: - From any thread

extension CurlThread {
  /// Starts the thread; it holds this object until it ends.
  func start() throws(ConfigurationFault) {
    let context = Unmanaged.passRetained(self)
    var id = pthread_t()
    let result = pthread_create(
      &id, nil,
      { context in
        if let context {
          Unmanaged<CurlThread>.fromOpaque(context).takeRetainedValue().run()
        }
        return nil
      }, context.toOpaque())
    guard result == 0 else {
      context.release()
      throw .system(errno: result)
    }
    let started = id
    threadID.withLock { $0 = started }
    edge_thread_set_name(UInt(started), "edge-origin-\(number)")
  }

  /// Ends the thread and waits for that; its fetches fail. Later calls do nothing. Not to be
  /// called on the thread itself.
  func stop() {
    let id = threadID.withLock { id in
      defer { id = nil }
      return id
    }
    guard let id else { return }
    isStopping.store(true, ordering: .releasing)
    mailbox.wake()
    pthread_join(id, nil)
  }
}

// MARK: - The loop

extension CurlThread {
  /// Most events taken from one wait.
  private static let eventLimit = 256

  private func run() {
    let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: Self.eventLimit)
    defer { events.deallocate() }
    while !isStopping.load(ordering: .acquiring) {
      let count = epoll_wait(epoll, events, Int32(Self.eventLimit), waitMilliseconds())
      now = Self.monotonicNanoseconds()
      // epoll wrote `count` of the `eventLimit` elements; below zero for an interrupted wait.
      let received = UnsafeBufferPointer(start: events, count: max(0, Int(count)))
      // First, so that no fetch gets a connection that has already turned out bad.
      for index in received.indices { checkIdleConnection(received[index]) }
      for index in received.indices { forward(received[index]) }
      stopUnwantedBodies()
      concludeCompleted()
      takeMessages()
      endRefused()
      if curlDeadline <= now { runCurlTimers() }
      stopUnwantedBodies()
      concludeCompleted()
      if nextDeadline <= now { enforceDeadlines() }
      sendEvents()
    }
    shutDown()
  }

  private func waitMilliseconds() -> Int32 {
    let deadline = min(curlDeadline, nextDeadline)
    guard deadline != .max else { return -1 }
    let current = curlDeadline == 0 ? 0 : Self.monotonicNanoseconds()
    guard deadline > current else { return 0 }
    return Int32(clamping: (deadline - current + 999_999) / 1_000_000)
  }

  private func runCurlTimers() {
    curlDeadline = .max
    var running: Int32 = 0
    curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running)
  }

  /// libcurl's wish: milliseconds from now, below zero for none.
  func timerChanged(milliseconds: Int) {
    curlDeadline =
      milliseconds < 0
      ? .max
      : milliseconds == 0
        ? 0 : Self.monotonicNanoseconds() + UInt64(milliseconds) * 1_000_000
  }

  private func takeMessages() {
    mailbox.take(into: &messages)
    guard !messages.isEmpty else { return }
    for message in messages { handle(message.transfer, message.content) }
    messages.removeAll(keepingCapacity: true)
  }

  private func handle(_ transfer: CurlTransfer, _ content: TransferMessage.Content) {
    switch content {
    case .start: begin(transfer)
    case .admitted: admit(transfer)
    default:
      guard transfer.stage != .ended else { return }
      switch content {
      case .resume: transfer.resumeReceiving()
      case .body(let chunk): transfer.receiveBody(chunk)
      case .bodyEnd(let trailers): transfer.receiveBodyEnd(trailers: trailers)
      default: abandon(transfer)
      }
    }
  }

  private func enforceDeadlines() {
    nextDeadline = .max
    var expired: [CurlTransfer] = []
    for transfer in live {
      if transfer.deadline <= now {
        expired.append(transfer)
      } else {
        nextDeadline = min(nextDeadline, transfer.deadline)
      }
    }
    for transfer in expired { expire(transfer) }
  }

  private func shutDown() {
    for message in mailbox.close() {
      switch message.content {
      case .start: refuse(message.transfer, OriginFailure(.shutdown, mayRetry: true))
      case .admitted: admitAtShutdown(message.transfer)
      default: break
      }
    }
    while let transfer = live.last { stop(transfer) }
    sendEvents()
    // The handles end before the connections do, whose closing looks at their owners.
    for index in sockets.indices { sockets[index].owner = nil }
    resting = []
    handles = []
    // After the last handle; closes the idle connections through the callbacks.
    curl_multi_cleanup(multi)
  }
}

// MARK: - For transfers

extension CurlThread {
  /// Sets the limit of what `transfer` waits for.
  func arm(_ transfer: CurlTransfer, after nanoseconds: UInt64) {
    transfer.deadline = now &+ nanoseconds
    nextDeadline = min(nextDeadline, transfer.deadline)
  }

  /// Adds an event to this round's batch.
  func emit(_ transfer: CurlTransfer, _ content: TransferEvent.Content) {
    events.append(TransferEvent(transfer: transfer, content: content))
  }

  /// `transfer` has content to send to its receiver when this round ends.
  func noteContent(of transfer: CurlTransfer) { withContent.append(transfer) }

  /// `transfer` waits for content that the origin no longer wants: see to it outside of libcurl's
  /// callback.
  func noteUnwantedBody(of transfer: CurlTransfer) { withUnwantedBody.append(transfer) }

  /// `transfer` refused content while it was being resumed, which libcurl does not end it for.
  func noteRefused(_ transfer: CurlTransfer) { withRefusedContent.append(transfer) }

  private func endRefused() {
    guard !withRefusedContent.isEmpty else { return }
    for transfer in withRefusedContent where transfer.stage != .ended {
      if let easy = transfer.easy { conclude(easy, CURLE_WRITE_ERROR) }
    }
    withRefusedContent.removeAll()
  }

  private func stopUnwantedBodies() {
    guard !withUnwantedBody.isEmpty else { return }
    for transfer in withUnwantedBody where transfer.stage != .ended { transfer.stopSending() }
    withUnwantedBody.removeAll()
  }

  private func sendEvents() {
    if !withContent.isEmpty {
      for transfer in withContent { transfer.flushContent() }
      withContent.removeAll(keepingCapacity: true)
    }
    if !events.isEmpty { outbox.post(&events) }
  }
}

private func timeoutChanged(
  multi: UnsafeMutableRawPointer?, milliseconds: Int, context: UnsafeMutableRawPointer?
) -> Int32 {
  guard let context else { return 0 }
  // The thread outlives its multi handle.
  Unmanaged<CurlThread>.fromOpaque(context).takeUnretainedValue()
    .timerChanged(milliseconds: milliseconds)
  return 0
}

private func socketInterestChanged(
  easy: UnsafeMutableRawPointer?, socket: curl_socket_t, what: Int32,
  context: UnsafeMutableRawPointer?, socketContext: UnsafeMutableRawPointer?
) -> Int32 {
  guard let context else { return 0 }
  Unmanaged<CurlThread>.fromOpaque(context).takeUnretainedValue()
    .socketChanged(socket, what: what, easy: easy)
  return 0
}
