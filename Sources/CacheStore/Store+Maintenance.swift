// Background work: sweeping invalidations, writing behind, letting idle objects leave. One thread a
// store, or none: tests call `runMaintenance` with the time they want. Owner of `Maintenance`'s
// state: whoever runs maintenance, one at a time.

import Atomics
import NIOCore

/// When and whether maintenance runs.
final class Maintenance: Sendable {
  struct Requests {
    var isWanted = false
    var isStopping = false
  }

  let requests = Monitor(Requests())
  let isRunning = ManagedAtomic(false)
  /// When the idle sweep last ran.
  let lastIdleSweepSeconds = ManagedAtomic<Int64>(.min)
  let thread = Monitor<DiskThread?>(nil)
  let heapKeeper = HeapKeeper()

  /// Makes the thread run now instead of at its next second.
  func wake() { requests.update { $0.isWanted = true } }

  /// Waits, unless something is wanted; then it returns false.
  func pause(for duration: Duration) -> Bool {
    requests.wait(until: .now.advanced(by: duration)) { requests in
      requests.isWanted || requests.isStopping ? true : nil
    } == nil
  }
}

extension Store {
  /// Bytes written behind in one run, which is a second: the rate at which hit objects reach disk.
  private static let writeBehindBytes = 32 << 20
  /// Objects taken from one shard's list of first hits in one step.
  private static let writeBehindCount = 64

  /// Starts the background thread, which works once a second and after each invalidation.
  public func start() {
    let thread = DiskThread.start("store", isBackground: true) { [weak self, maintenance] in
      while true {
        let second = MonotonicTime.now.advanced(by: .seconds(1))
        let isStopping: Bool? = maintenance.requests.wait(until: second) { requests in
          if requests.isStopping { return true }
          guard requests.isWanted else { return nil }
          requests.isWanted = false
          return false
        }
        guard isStopping != true, let self else { return }
        self.runMaintenance(nowSeconds: self.clock())
      }
    }
    if thread == nil { logger.error("the store's background thread could not be started") }
    maintenance.thread.withLock { $0 = thread }
    maintenance.heapKeeper.start(logger: logger)
  }

  /// One round of background work; returns at once when another thread is at it.
  /// - Parameter nowSeconds: wall clock, Unix seconds.
  public func runMaintenance(nowSeconds: Int64) {
    guard !maintenance.isRunning.exchange(true, ordering: .acquiring) else { return }
    defer { maintenance.isRunning.store(false, ordering: .releasing) }
    noteTime(nowSeconds)
    sweepInvalidated()
    writeBehind()
    sweepIdle(nowSeconds: nowSeconds)
    markSequence()
    disk?.maintain()
    if let keys, let disk { keys.maintain(nowSeconds: nowSeconds, for: disk.tiers) }
  }

  /// Stops the background thread, hands what is worth it to the disk tier, hits first, and syncs.
  /// - Parameter deadline: when to stop handing over.
  public func shutdown(deadline: NIODeadline) async {
    maintenance.requests.update { $0.isStopping = true }
    let thread = maintenance.thread.withLock { $0 }
    await Task.detached { [maintenance] in
      thread?.join()
      maintenance.heapKeeper.stop()
    }.value
    defer { keys?.close() }
    guard let disk else { return }
    let now = clock()
    for wantsProven in [true, false] {
      await spillAll(provenOnly: wantsProven, nowSeconds: now, deadline: deadline)
    }
    await Task.detached { disk.shutdown() }.value
  }

  private func spillAll(provenOnly: Bool, nowSeconds: Int64, deadline: NIODeadline) async {
    for shard in memory.shards {
      var next: UInt32? = 0
      while let start = next {
        let moment = invalidations.moment
        let found = shard.collect(from: start, count: MemoryTier.walkCount) { object in
          !object.isOnDisk && object.isProven == provenOnly
            && object.usefulUntilSeconds >= nowSeconds
        }
        for object in found.objects {
          while !spill(object, leftAt: moment), isQueueDraining(for: object) {
            guard NIODeadline.now() < deadline else { return }
            try? await Task.sleep(for: .milliseconds(2))
          }
        }
        next = found.next
      }
    }
  }

  /// True when the disk tier refused for want of room in its queue, which the disk's speed will
  /// make; then it is worth waiting rather than losing what is hot.
  private func isQueueDraining(for object: StoredObject) -> Bool {
    disk?.isDraining(for: object.hash) ?? false
  }

  // MARK: - Steps

  /// Hands objects that were hit for the first time to the disk tier, at a bounded rate.
  private func writeBehind() {
    guard let disk else { return }
    var rest = Self.writeBehindBytes
    var closed = disk.absent
    for shard in memory.shards {
      while rest > 0 {
        let moment = invalidations.moment
        let objects = shard.takeFirstHits(Self.writeBehindCount)
        if objects.isEmpty { break }
        for object in objects where isWorthDisk(object) {
          let number = disk.number(of: object.hash)
          if closed.contains(number) { continue }
          if spill(object, leftAt: moment) {
            rest -= object.chargedBytes
          } else {
            closed.insert(number)
            if closed.count == disk.disks.count { return }
          }
        }
      }
    }
  }

  private func isWorthDisk(_ object: StoredObject) -> Bool {
    !object.isOnDisk && object.isProven && object.usefulUntilSeconds >= latestKnownSecond
  }

  /// Lets objects that nobody asked for leave memory once the disk tier has them; those past their
  /// usefulness just leave.
  private func sweepIdle(nowSeconds: Int64) {
    let idle = Int64(configuration.memoryIdleSeconds)
    guard idle > 0, isIdleSweepDue(nowSeconds: nowSeconds, idleSeconds: idle) else { return }
    let oldest = UInt32(truncatingIfNeeded: max(0, nowSeconds - idle))
    // Disks that take nothing now; without any, nothing leaves that is of use.
    var closed = disk?.absent ?? []
    let moment = invalidations.moment
    memory.forEach { object in
      object.lastUseSeconds <= oldest
        && (object.usefulUntilSeconds < nowSeconds
          || disk.map { !closed.contains($0.number(of: object.hash)) } ?? false)
    } _: { shard, object in
      if object.usefulUntilSeconds < nowSeconds {
        if !object.isOnDisk, object.supersedesDisk { disk?.remove(object.hash) }
      } else if !object.isOnDisk, !spill(object, leftAt: moment) {
        // The write queue is full or the disk is failing: try again at the next sweep.
        if let disk { closed.insert(disk.number(of: object.hash)) }
        return true
      }
      _ = shard.remove(object, cause: .idle)
      return true
    }
    for shard in memory.shards { shard.shrink() }
  }

  private func isIdleSweepDue(nowSeconds: Int64, idleSeconds: Int64) -> Bool {
    let last = maintenance.lastIdleSweepSeconds.load(ordering: .relaxed)
    guard last == .min || nowSeconds - last >= max(1, idleSeconds / 4) else { return false }
    maintenance.lastIdleSweepSeconds.store(nowSeconds, ordering: .relaxed)
    return true
  }

  /// Journals an empty invalidation before removals have used up the numbers of a step.
  private func markSequence() {
    guard let disk, invalidations.needsMark else { return }
    let recorded = disk.record([], .hard) { invalidations.record([]) }
    Task {
      if let failure = await disk.acknowledgement(of: recorded) {
        self.logger.warning("could not journal a sequence mark", metadata: ["cause": "\(failure)"])
      }
    }
  }
}
