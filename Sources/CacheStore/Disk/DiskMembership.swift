import Logging
import Synchronization

// Who takes part in the store, while it runs.
//
// An invalidation is acknowledged once it is on every disk that takes part. A disk whose log can't
// be written is put out first: the record on the other disks and beside the keys no longer names
// it, so that the next start gives up what it stored, whichever disks are there then. In this run
// it goes on serving, since what was invalidated is known in memory. Once its log is whole again it
// is taken back in.
//
// Owner: none. The lock is held while records are written, so that no acknowledgement relies on a
// record that is just being changed; only invalidations that a disk failed wait for it.

final class DiskMembership: Sendable {
  private struct State {
    var members: DiskMembers
    /// By the disk's number.
    var out: Set<Int> = []
    /// Some records may say something else.
    var isUnsettled = false
    var nextTry = MonotonicTime.now
  }

  private struct Disk {
    let identifier: UInt64
    let path: String
    let membersPath: String
  }

  /// By the disk's number; only those that were there at the start.
  private let disks: [Int: Disk]
  private let witnessPath: String?
  /// Time between two attempts to take a disk back in.
  private let retryInterval: Duration
  private let device: any BlockDevice
  private let logger: Logger
  private let state: Mutex<State>
  /// The same as in `state`, for those who must not wait for a device.
  private let shown = Mutex<Set<Int>>([])

  init(
    _ opening: DiskOpening, witnessPath: String?, retryInterval: Duration,
    device: any BlockDevice, logger: Logger
  ) {
    var disks: [Int: Disk] = [:]
    for (number, store) in opening.stores.enumerated() {
      if let store {
        disks[number] = Disk(
          identifier: store.identifier, path: store.directories.root,
          membersPath: store.directories.members)
      }
    }
    self.disks = disks
    self.witnessPath = witnessPath
    self.retryInterval = retryInterval
    self.device = device
    self.logger = logger
    var members = opening.members
    members.sequence = opening.sequence
    state = Mutex(State(members: members))
  }

  /// Disks that are put out, by their numbers.
  var out: Set<Int> { shown.withLock { $0 } }

  /// Puts disks out. Waits; not for loops.
  /// - Returns: false when that could not be made durable, or none would be left: then nothing may
  ///   be acknowledged without them.
  func putOut(_ failing: Set<Int>) -> Bool {
    state.withLock { state in
      // Without the record beside the keys nobody could tell when the others are missing.
      guard witnessPath != nil else { return false }
      var out = state.out.union(failing)
      while out != state.out || state.isUnsettled {
        guard out.count < disks.count else { return false }
        switch write(without: out, &state) {
        case .written: break
        case .failed(let disk): out.insert(disk)
        case .witnessFailed: return false
        }
      }
      return true
    }
  }

  /// Takes disks back in whose logs are whole again; now and then.
  func takeBack(at now: MonotonicTime = .now, _ isWhole: (Int) -> Bool) {
    state.withLock { state in
      guard !state.out.isEmpty, now >= state.nextTry else { return }
      state.nextTry = now.advanced(by: retryInterval)
      // Under the lock: whatever a disk fails from now on waits for this to be through.
      let still = state.out.filter { !isWhole($0) }
      // If it fails, some records name them and others don't: they count as out.
      if still != state.out { _ = write(without: still, &state) }
    }
  }

  private enum Written {
    case written
    case failed(Int)
    case witnessFailed
  }

  private func write(without out: Set<Int>, _ state: inout State) -> Written {
    let taking = disks.filter { !out.contains($0.key) }
    state.isUnsettled = true
    var members = state.members
    members.all = Set(taking.values.map(\.identifier))
    members.tokens = Array(
      ([.random(in: .min ... .max)] + members.tokens).prefix(DiskMembers.mostTokens))
    for (number, disk) in taking.sorted(by: { $0.key < $1.key }) {
      do throws(DeviceError) {
        try device.writeMembers(members.of(disk.identifier), disk.membersPath)
      } catch {
        // What was written already names a token that has to be known as an earlier one.
        state.members.tokens = members.tokens
        return .failed(number)
      }
    }
    do throws(DeviceError) {
      if let witnessPath { try device.writeMembers(members.of(0), witnessPath) }
    } catch {
      state.members.tokens = members.tokens
      logger.error("the record of paths can't be written", metadata: ["cause": "\(error)"])
      return .witnessFailed
    }
    for (number, disk) in disks where out.contains(number) != state.out.contains(number) {
      tell(disk.path, isOut: out.contains(number))
    }
    state.members = members
    state.out = out
    state.isUnsettled = false
    shown.withLock { $0 = out }
    return .written
  }

  private func tell(_ path: String, isOut: Bool) {
    if isOut {
      logger.error(
        """
        a path of the disk tier can't log invalidations; unless it can again, what it stores is \
        given up at the next start
        """, metadata: ["path": "\(path)"])
    } else {
      logger.notice(
        "a path of the disk tier logs invalidations again", metadata: ["path": "\(path)"])
    }
  }
}
