import Synchronization

// A segment: a file of records that is written once, from front to back, and removed as a whole.
//
// Written by the writer thread alone; read by anyone. The file behind it is held open by reference:
// a response that reads from a reclaimed segment keeps reading from the unlinked file.

/// One segment of the log.
final class Segment: Sendable {
  enum Kind: Sendable { case shared, dedicated }

  /// The one record of a dedicated segment.
  struct DedicatedRecord: Sendable, Equatable {
    var hash: KeyHash
    var position: Int
    var count: Int
  }

  struct State: ~Copyable {
    var byteCount = 0
    /// Highest sequence of its records: when the floor rises above it, all of it is dead.
    var maxFetchSequence: UInt64 = 0
    /// Footer entries so far; nil once sealed, or when the segment is from an earlier run.
    var openFooter: [UInt8]?
    var isSealed = false
    var isRemoved = false
    var dedicated: DedicatedRecord?
    /// Kept for a shared segment. Of a dedicated one, which may be one of very many, only the
    /// readers keep the file open.
    var file: (any BlockFile)?
    weak var readersFile: (any BlockFile)?
  }

  let generation: UInt64
  let slot: UInt32
  let kind: Kind
  let path: String
  private let device: any BlockDevice
  let state: Mutex<State>

  init(
    generation: UInt64, slot: UInt32, kind: Kind, path: String, device: any BlockDevice,
    file: (any BlockFile)?, byteCount: Int
  ) {
    self.generation = generation
    self.slot = slot
    self.kind = kind
    self.path = path
    self.device = device
    var state = State()
    state.byteCount = byteCount
    state.file = file
    state.openFooter = file == nil ? nil : []
    self.state = Mutex(state)
  }

  var byteCount: Int { state.withLock { $0.byteCount } }
  var isRemoved: Bool { state.withLock { $0.isRemoved } }
  var maxFetchSequence: UInt64 { state.withLock { $0.maxFetchSequence } }
  var dedicated: DedicatedRecord? { state.withLock { $0.dedicated } }

  /// The open file; opens it again if nobody holds it.
  func openFile() throws(DeviceError) -> any BlockFile {
    let open = state.withLock { state -> (any BlockFile)? in state.file ?? state.readersFile }
    if let open { return open }
    if isRemoved { throw DeviceError(operation: "open", path: path, code: 2) }
    // Two readers may open it at once; the later one's file stays, both work.
    let file = try device.open(path, .read)
    state.withLock { state in
      if state.isRemoved { return }
      if kind == .shared { state.file = file } else { state.readersFile = file }
    }
    return file
  }

  /// Grows the noted size, and the newest sequence of its records.
  func noteWritten(upTo byteCount: Int, fetchSequence: UInt64 = 0) {
    state.withLock { state in
      state.byteCount = max(state.byteCount, byteCount)
      state.maxFetchSequence = max(state.maxFetchSequence, fetchSequence)
    }
  }

  func noteFooterEntry(
    hash: KeyHash, metadata: ObjectMetadata, block: UInt32, key: UnsafeRawBufferPointer,
    tagCount: UInt8, tags: UnsafeRawBufferPointer
  ) {
    state.withLock { state in
      state.maxFetchSequence = max(state.maxFetchSequence, metadata.fetchSequence)
      guard var footer = state.openFooter.take() else { return }
      FooterEntry.append(
        hash: hash, metadata: metadata, block: block, key: key, tagCount: tagCount, tags: tags,
        to: &footer)
      state.openFooter = footer
    }
  }

  /// Lets go of the writer's file and of the footer that is now in it.
  func noteSealed() {
    state.withLock { state in
      state.openFooter = nil
      state.isSealed = true
      if kind == .dedicated {
        state.readersFile = state.file
        state.file = nil
      }
    }
  }

  /// Marks it gone; readers that have the file keep it.
  func noteRemoved() {
    let released = state.withLock { state -> (any BlockFile)? in
      state.isRemoved = true
      state.openFooter = nil
      return state.file.take()
    }
    _ = released
  }
}
