import CLinux
import Glibc
import HTTPMessage
import NIOCore
import Synchronization

/// What is told to a transport thread.
struct TransferMessage: Sendable {
  enum Content: Sendable {
    /// A new fetch.
    case start
    /// The pool has given the waiting fetch a place.
    case admitted
    /// The consumer takes content again.
    case resume
    /// A piece of the request's content.
    case body(ByteBuffer)
    /// The request's content is complete.
    case bodyEnd(FieldBlock?)
    /// The fetch is abandoned.
    case cancel
  }

  let transfer: CurlTransfer
  let content: Content
}

/// The way into a transport thread, from any thread: messages in order, taken all at once.
///
/// The eventfd is written only when the mailbox was empty, so a burst costs one system call.
/// It is watched edge-triggered and never read.
final class Mailbox: Sendable {
  private struct State {
    var messages: [TransferMessage] = []
    var isClosed = false
  }

  /// An eventfd; open as long as this object lives.
  let descriptor: Int32
  private let state = Mutex(State())

  init() throws(ConfigurationFault) {
    descriptor = edge_eventfd_create()
    guard descriptor >= 0 else { throw .system(errno: errno) }
  }

  deinit { Glibc.close(descriptor) }

  /// Adds a message; false when the thread takes none any more.
  @discardableResult
  func post(_ content: TransferMessage.Content, _ transfer: CurlTransfer) -> Bool {
    let (isTaken, wasEmpty) = state.withLock { state in
      guard !state.isClosed else { return (false, false) }
      state.messages.append(TransferMessage(transfer: transfer, content: content))
      return (true, state.messages.count == 1)
    }
    if wasEmpty { wake() }
    return isTaken
  }

  /// Makes the thread look at the mailbox.
  func wake() { _ = eventfd_write(descriptor, 1) }

  /// Swaps the messages out; `messages` is empty and keeps its capacity for the next swap.
  func take(into messages: inout [TransferMessage]) {
    state.withLock { swap(&$0.messages, &messages) }
  }

  /// Takes the last messages; later ones are refused.
  func close() -> [TransferMessage] {
    state.withLock { state in
      state.isClosed = true
      defer { state.messages = [] }
      return state.messages
    }
  }
}

/// What a fetch tells its receiver.
struct TransferEvent: Sendable {
  enum Content: Sendable {
    case informational(status: Int, fields: FieldBlock)
    case head(OriginResponseHead)
    case chunk(ByteBuffer)
    case end(trailers: FieldBlock?)
    case failed(OriginFailure)
    case wantsBody
    /// The fetch was cancelled: only lets go of the receiver, on its loop.
    case dropped
  }

  let transfer: CurlTransfer
  let content: Content
}

/// The way out of a transport thread, to its event loop: all events of one round travel in one
/// `execute`, and rounds that the loop has not come to yet join the one before.
final class Outbox: Sendable {
  private let loop: any EventLoop
  private let events = Mutex<[TransferEvent]>([])

  init(loop: any EventLoop) { self.loop = loop }

  /// Hands `batch` over and leaves it empty.
  func post(_ batch: inout [TransferEvent]) {
    let wasEmpty = events.withLock { events in
      if events.isEmpty {
        swap(&events, &batch)
        return true
      }
      events.append(contentsOf: batch)
      return false
    }
    batch.removeAll(keepingCapacity: true)
    if wasEmpty { loop.execute { self.deliver() } }
  }

  private func deliver() {
    let batch = events.withLock { events in
      let batch = events
      events = []
      return batch
    }
    for event in batch { event.transfer.deliver(event.content) }
  }
}
