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
    var file: SegmentFile?
    weak var readersFile: SegmentFile?
    /// How its chunks are sealed; nil until its header is read, and when that is damaged.
    var sealing: SegmentSealing?
  }

  let generation: UInt64
  let slot: UInt32
  let kind: Kind
  let path: String
  private let device: any BlockDevice
  private let seals: SegmentSeals
  let state: Mutex<State>

  init(
    generation: UInt64, slot: UInt32, kind: Kind, path: String, device: any BlockDevice,
    seals: SegmentSeals, created: (file: SegmentFile, sealing: SegmentSealing)? = nil
  ) {
    self.generation = generation
    self.slot = slot
    self.kind = kind
    self.path = path
    self.device = device
    self.seals = seals
    var state = State()
    state.file = created?.file
    state.sealing = created?.sealing
    state.openFooter = created == nil ? nil : []
    self.state = Mutex(state)
  }

  var byteCount: Int { state.withLock { $0.byteCount } }
  var isRemoved: Bool { state.withLock { $0.isRemoved } }
  var maxFetchSequence: UInt64 { state.withLock { $0.maxFetchSequence } }
  var dedicated: DedicatedRecord? { state.withLock { $0.dedicated } }

  /// What a reader has to know of it, at one moment.
  struct ReadState {
    /// Nil when nobody holds it open.
    let file: SegmentFile?
    let byteCount: Int
    let dedicated: DedicatedRecord?
  }

  /// What a reader has to know of it now, for one look at its lock.
  var readState: ReadState {
    state.withLock { state in
      ReadState(
        file: state.file ?? state.readersFile, byteCount: state.byteCount,
        dedicated: state.dedicated)
    }
  }

  /// The open file; opens it again if nobody holds it.
  func openFile() throws(DeviceError) -> SegmentFile {
    let open = state.withLock { state -> SegmentFile? in state.file ?? state.readersFile }
    if let open { return open }
    if isRemoved { throw DeviceError(operation: "open", path: path, code: 2) }
    // Two readers may open it at once; the later one's file stays, both work.
    let opened = try device.open(path, .read)
    let sealing = try sealing(of: opened)
    let file = SegmentFile(
      file: opened, seal: seals.seal(sealing, generation: generation))
    state.withLock { state in
      if state.isRemoved { return }
      state.sealing = sealing
      if kind == .shared { state.file = file } else { state.readersFile = file }
    }
    return file
  }

  /// Reads the header unless it is known from before.
  private func sealing(of file: any BlockFile) throws(DeviceError) -> SegmentSealing? {
    if let known = state.withLock({ $0.sealing }) { return known }
    return try file.readBytes(SegmentFormat.headerBytes, at: 0).withUnsafeBytes {
      SegmentFormat.decodeHeader($0, generation: generation, kind: kind)
    }
  }

  /// The ring's key that it needs; nil when it needs none, or its header is not read yet.
  var keyIdentifier: UInt64? { state.withLock { $0.sealing?.keyIdentifier } }

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
    let released = state.withLock { state -> SegmentFile? in
      state.isRemoved = true
      state.openFooter = nil
      return state.file.take()
    }
    _ = released
  }
}
