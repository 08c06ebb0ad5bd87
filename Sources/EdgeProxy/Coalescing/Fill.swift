import CacheStore
import DequeModule
import HTTPMessage
import NIOCore
import Synchronization

/// Who is told that a fill moved. Objects and not closures: a fill tells its reader three times at
/// least, and each time a closure would cost an allocation.
protocol FillListener: AnyObject, Sendable {
  /// There may be news; called on any thread.
  func fillMayHaveProgressed()
}

/// An object while it is being fetched: one origin response, any number of readers on any loop.
///
/// Home: the event loop of the request that began it, where the origin's events arrive
/// (``FillDriver``). What readers share stands in `state`, behind a mutex that is held for a few
/// instructions and never across a call out. Chunks are append-only; each reader keeps its own
/// offset and is woken by an event on its own loop.
///
/// Memory is bounded: an object that is to be stored in memory holds at most that tier's largest
/// object; a larger one goes to the disk as it arrives, keeps at most `windowBytes` here, and slow
/// readers take the rest back from disk; one that is stored nowhere is fetched no faster than its
/// slowest reader takes it.
final class Fill: Sendable {
  /// A reader, as the fill knows it.
  struct Reader: Sendable {
    let number: Int
    /// Where the reader stands: bytes it has taken.
    var offset: Int
    /// Told (on any thread) when there may be more for it.
    let listener: any FillListener
    /// Whether a wake-up is on its way, so that a burst of chunks costs one.
    var isWoken: Bool
  }

  /// Everything that readers share.
  struct State: Sendable {
    var head: FillHead?
    /// Interim responses that came before the head.
    var interim: [InterimResponse] = []
    var chunks = Deque<ByteBuffer>()
    /// Body offset of the first chunk still in memory.
    var firstOffset = 0
    /// Body bytes received.
    var received = 0
    var end: FillEnd?
    var spool: SpoolWriter?
    var readers: [Reader] = []
    var nextReader = 0
    /// An invalidation named this key while it was fetched.
    var isDoomed = false
    /// Told that a reader moved or left; nil once the fill has ended.
    var home: (any FillListener)?
  }

  /// The primary key's identity.
  let hash: KeyHash
  /// The primary key's bytes.
  let key: ByteBuffer
  /// The invalidation sequence number when the fetch began.
  let fetchSequence: UInt64
  /// The stored response that is being revalidated, if any.
  let revalidated: StoredObject?
  /// The part that is fetched; nil for the whole.
  let part: RangeFetch?
  /// How many interim responses one fill passes on.
  private static let interimLimit = 16
  private let windowBytes: Int
  private let state = Mutex(State())

  init(
    hash: KeyHash, key: ByteBuffer, fetchSequence: UInt64, revalidated: StoredObject?,
    part: RangeFetch? = nil, windowBytes: Int
  ) {
    self.hash = hash
    self.key = key
    self.fetchSequence = fetchSequence
    self.revalidated = revalidated
    self.part = part
    self.windowBytes = windowBytes
  }

  // MARK: Readers

  /// Adds a reader at the body's start; it is told on any thread, never during this call.
  func addReader(_ listener: any FillListener) -> Int {
    state.withLock { state in
      let reader = state.nextReader
      state.nextReader += 1
      state.readers.append(Reader(number: reader, offset: 0, listener: listener, isWoken: false))
      return reader
    }
  }

  /// Removes a reader; returns how many are left.
  func removeReader(_ reader: Int) -> Int {
    state.withLock { state in
      state.readers.removeAll { $0.number == reader }
      return state.readers.count
    }
  }

  /// The head once it is there, the end if the fill ended before it got one, and how many interim
  /// responses came before. A reader that asks is woken again by what comes next.
  func status(of reader: Int) -> (head: FillHead?, end: FillEnd?, interimCount: Int) {
    state.withLock { state in
      if let place = state.readers.firstIndex(where: { $0.number == reader }) {
        state.readers[place].isWoken = false
      }
      return (state.head, state.end, state.interim.count)
    }
  }

  /// The hashed tags of its response; nil until the head has told them.
  var tags: [UInt64]? { state.withLock { $0.head?.tags } }

  /// What the store will keep beside its bytes; nil until the head has told it.
  var metadata: ObjectMetadata? { state.withLock { $0.head?.metadata } }

  /// The interim responses from number `first` on.
  func interimResponses(from first: Int) -> [InterimResponse] {
    state.withLock { state in
      state.interim.count > first ? Array(state.interim[first...]) : []
    }
  }

  /// Tells the home loop that a reader took bytes or left. Callable from any thread.
  func notifyHome() {
    let home = state.withLock { $0.home }
    home?.fillMayHaveProgressed()
  }

  /// Body bytes received.
  var receivedBytes: Int { state.withLock { $0.received } }

  /// How many readers it has.
  var readerCount: Int { state.withLock { $0.readers.count } }

  /// What stands at `offset` for this reader. Everything before `offset` counts as taken.
  func read(_ reader: Int, at offset: Int) -> FillPiece {
    state.withLock { state in
      if let place = state.readers.firstIndex(where: { $0.number == reader }) {
        state.readers[place].offset = offset
        state.readers[place].isWoken = false
      }
      if offset < state.firstOffset, let spool = state.spool {
        return .spooled(spool, available: state.firstOffset - offset)
      }
      var position = state.firstOffset
      for chunk in state.chunks {
        let next = position + chunk.readableBytes
        if offset < next {
          var bytes = chunk
          bytes.moveReaderIndex(forwardBy: offset - position)
          return .bytes(bytes)
        }
        position = next
      }
      if let end = state.end { return .end(end) }
      return .wait
    }
  }

  // MARK: The home loop's side

  /// Sets whom ``notifyHome()`` tells, until the fill ends.
  func setHome(_ home: any FillListener) {
    state.withLock { $0.home = home }
  }

  /// Publishes an interim response and wakes everybody; those above the limit are dropped.
  func publish(_ interim: InterimResponse) {
    wakeAll { state in
      if state.interim.count < Self.interimLimit { state.interim.append(interim) }
    }
  }

  /// Publishes the head and wakes everybody.
  func publish(_ head: FillHead) {
    wakeAll { $0.head = head }
  }

  /// Appends body bytes and wakes everybody.
  func append(_ chunk: ByteBuffer) {
    wakeAll { state in
      state.chunks.append(chunk)
      state.received += chunk.readableBytes
    }
  }

  /// Ends the fill and wakes everybody.
  func end(_ end: FillEnd) {
    wakeAll { state in
      state.end = end
      state.home = nil
    }
  }

  /// Gives the fill a spool; what is in memory must have been appended to it already.
  func attach(_ spool: SpoolWriter) {
    state.withLock { $0.spool = spool }
  }

  /// Lets go of bytes in memory: with a spool all beyond the window, else what every reader took.
  /// Returns the bytes still in memory.
  func trim() -> Int {
    state.withLock { state in
      var held = state.received - state.firstOffset
      let slowest = state.readers.lazy.map(\.offset).min() ?? state.received
      let isSpooled = state.spool.map { !$0.hasFailed } ?? false
      while let first = state.chunks.first {
        let next = state.firstOffset + first.readableBytes
        guard next <= slowest || (isSpooled && held > windowBytes) else { break }
        state.chunks.removeFirst()
        held -= first.readableBytes
        state.firstOffset = next
      }
      return held
    }
  }

  /// The whole body, which must still be in memory from its first byte.
  func body() -> [ByteBuffer] {
    state.withLock { state in
      precondition(
        state.firstOffset == 0, "body asked for after \(state.firstOffset) bytes were let go")
      return Array(state.chunks)
    }
  }

  /// Marks the fill as overtaken by an invalidation of its key.
  func doom() { state.withLock { $0.isDoomed = true } }

  /// Whether an invalidation of its key overtook it.
  var isDoomed: Bool { state.withLock { $0.isDoomed } }

  /// Changes the state and wakes the readers that are not awake yet, outside the lock. A single
  /// reader, which is what most fills have, is woken without making a list.
  private func wakeAll(_ change: (inout State) -> Void) {
    let (only, wakes) = state.withLock { state -> ((any FillListener)?, [Reader]) in
      change(&state)
      if state.readers.count == 1 {
        if state.readers[0].isWoken { return (nil, []) }
        state.readers[0].isWoken = true
        return (state.readers[0].listener, [])
      }
      let asleep = state.readers.filter { !$0.isWoken }
      for place in state.readers.indices { state.readers[place].isWoken = true }
      return (nil, asleep)
    }
    only?.fillMayHaveProgressed()
    for reader in wakes { reader.listener.fillMayHaveProgressed() }
  }
}
