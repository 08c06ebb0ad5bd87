// Jobs: invalidations that a caller follows.
//
// A job is made at once: the backend's invalidation is effective before the call first suspends,
// and is synced beside the job's own line; both have to be on disk before the caller is answered.
// A job whose line is found at a start without its completion is made again, under a new number:
// nobody knows whether its invalidation was on disk when the process ended. That may take objects
// once more, never leave any.
//
// A caller reference stands for one order. The same once more is the same job, whoever asks;
// another order under it is refused.
//
// Limits: jobs remembered, their bytes, jobs in progress and the compared selectors of these.
// The oldest completed jobs are forgotten first.

import CacheStore
import Logging

/// All jobs that are remembered.
actor InvalidationRegistry {
  /// What is remembered, and what may be under way.
  struct Limits: Sendable {
    var jobs = 1000
    var bytes = 16 << 20
    var inProgress = 100
    /// Below the number of pending rules at which the store gives up telling them apart.
    var comparedInProgress = 900
  }

  /// Why a job was not made.
  enum Refusal: Error, Equatable {
    /// The caller reference stands for another order.
    case referenceInUse(id: String)
    case tooManyInProgress
  }

  /// What became of a request for a job.
  struct Outcome: Sendable {
    let job: InvalidationJob
    /// False when the caller reference named a job that was there.
    let isNew: Bool
  }

  private let backend: any AdminBackend
  private let writer: JobWriter?
  private let limits: Limits
  private let logger: Logger
  private let nowMilliseconds: @Sendable () -> Int64
  /// By id.
  private var jobs: [String: InvalidationJob] = [:]
  /// Ids, oldest first.
  private var order: [String] = []
  private var byReference: [String: String] = [:]
  private var bytes = 0
  /// Selectors compared with every object, of each job in progress.
  private var inProgress: [String: Int] = [:]
  /// Jobs that are being made: what a second request with the same reference waits for.
  private var making: [String: Task<InvalidationJob, Never>] = [:]
  /// Jobs whose objects are being fetched again.
  private var refreshing: Set<String> = []
  private var watcher: Task<Void, Never>?
  private var isLoaded: Task<Void, Never>?

  init(
    backend: any AdminBackend, store: (any JobStore)?, limits: Limits = Limits(), logger: Logger,
    nowMilliseconds: @escaping @Sendable () -> Int64 = wallClockMilliseconds
  ) {
    self.backend = backend
    writer = store.map { JobWriter($0) }
    self.limits = limits
    self.logger = logger
    self.nowMilliseconds = nowMilliseconds
  }

  // MARK: - Making

  /// Makes a job, or finds the one that the reference names. Returns once it is effective and on
  /// disk.
  func make(
    _ order: InvalidationOrder, _ selectors: [InvalidationSelector], reference: String?
  ) async throws(Refusal) -> Outcome {
    await load()
    let compared = selectors.count { $0.isComparedWithEveryObject }
    // Before the reference is looked up: nothing may come between that and the job's entry.
    if !hasRoom(compared) { await noteProgress() }
    if let reference, let id = byReference[reference], let job = jobs[id] {
      guard job.order == order else { throw .referenceInUse(id: id) }
      if let task = making[id] { return Outcome(job: await task.value, isNew: false) }
      return Outcome(job: await current(job), isNew: false)
    }
    guard hasRoom(compared) else { throw .tooManyInProgress }
    let job = InvalidationJob(
      id: newID(), callerReference: reference, order: order,
      createdMilliseconds: nowMilliseconds())
    add(job)
    inProgress[job.id] = compared
    let task = Task { await self.carryOut(job, selectors) }
    making[job.id] = task
    let made = await task.value
    return Outcome(job: made, isNew: true)
  }

  private func hasRoom(_ compared: Int) -> Bool {
    inProgress.count < limits.inProgress
      && inProgress.values.reduce(compared, +) <= limits.comparedInProgress
  }

  private func carryOut(
    _ job: InvalidationJob, _ selectors: [InvalidationSelector]
  ) async -> InvalidationJob {
    async let receipt = backend.invalidate(
      selectors, kind: job.order.kind.storeKind, isFollowed: true)
    let failure = await writer?.append(JobLine.accepted(job).text)
    var made = job
    var final = await receipt
    if let failure {
      final.isDurable = false
      final.failure = final.failure ?? failure
    }
    made.receipt = final
    jobs[job.id] = made
    making[job.id] = nil
    if job.order.kind == .refresh { startRefresh(job.id, selectors) }
    watch()
    return made
  }

  private func startRefresh(_ id: String, _ selectors: [InvalidationSelector]) {
    refreshing.insert(id)
    Task {
      let result = await backend.refresh(selectors)
      refreshed(id, result)
    }
  }

  private func refreshed(_ id: String, _ result: RefreshResult) {
    refreshing.remove(id)
    var counts = jobs[id]?.counts ?? InvalidationJob.Counts()
    counts.refreshed = result.refreshed
    counts.notRefreshed = result.notRefreshed
    jobs[id]?.counts = counts
  }

  private func newID() -> String {
    // The letters and digits of CloudFront's identifiers.
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    while true {
      let id = "I" + String((0..<13).map { _ in letters[Int.random(in: letters.indices)] })
      if jobs[id] == nil { return id }
    }
  }

  // MARK: - Asking

  /// A job as it stands; nil when none has this id, or it is forgotten.
  func job(_ id: String) async -> InvalidationJob? {
    await load()
    guard let job = jobs[id] else { return nil }
    return await current(job)
  }

  /// Jobs, the newest first.
  /// - Parameters:
  ///   - marker: the last job of the page before; nil for the first page.
  ///   - limit: jobs on the page.
  /// - Returns: the jobs, and the marker of the next page if there is one; nil when the marker
  ///   names no job.
  func list(
    after marker: String?, limit: Int
  ) async -> (jobs: [InvalidationJob], next: String?)? {
    await load()
    await noteProgress()
    var end = order.count
    if let marker {
      guard let place = order.lastIndex(of: marker) else { return nil }
      end = place
    }
    let start = max(0, end - limit)
    let page = order[start..<end].reversed().compactMap { jobs[$0] }
    return (page, start > 0 ? page.last?.id : nil)
  }

  private func current(_ job: InvalidationJob) async -> InvalidationJob {
    if !job.isCompleted { await noteProgress() }
    return jobs[job.id] ?? job
  }

  // MARK: - Progress

  /// Looks at the jobs in progress until there are none, ever less often.
  private func watch() {
    guard watcher == nil else { return }
    watcher = Task {
      var pause = Duration.milliseconds(5)
      while await self.hasProgressToCome() {
        do { try await Task.sleep(for: pause) } catch { return }
        pause = min(pause * 2, .milliseconds(500))
      }
    }
  }

  private func hasProgressToCome() async -> Bool {
    await noteProgress()
    if inProgress.isEmpty { watcher = nil }
    return !inProgress.isEmpty
  }

  private func noteProgress() async {
    for id in inProgress.keys where making[id] == nil && !refreshing.contains(id) {
      // Another call may have seen to it while this one was away.
      guard inProgress[id] != nil, let sequence = jobs[id]?.receipt?.sequence else { continue }
      switch backend.progress(of: sequence) {
      case .pending: continue
      case .completed(let memory, let disk):
        var counts = jobs[id]?.counts ?? InvalidationJob.Counts()
        counts.memory = memory
        counts.disk = disk
        jobs[id]?.counts = counts
      case nil: break
      }
      inProgress[id] = nil
      jobs[id]?.completedMilliseconds = nowMilliseconds()
      if let job = jobs[id], let failure = await writer?.append(JobLine.completed(job).text) {
        logger.warning("could not keep a job's completion", metadata: ["cause": "\(failure)"])
      }
      await shorten()
    }
  }

  // MARK: - What is remembered

  private func add(_ job: InvalidationJob) {
    jobs[job.id] = job
    order.append(job.id)
    if let reference = job.callerReference { byReference[reference] = job.id }
    bytes += job.byteCount
    while order.count > limits.jobs || bytes > limits.bytes {
      guard let place = order.firstIndex(where: { inProgress[$0] == nil && $0 != job.id }),
        let forgotten = jobs.removeValue(forKey: order.remove(at: place))
      else { return }
      bytes -= forgotten.byteCount
      if let reference = forgotten.callerReference, byReference[reference] == forgotten.id {
        byReference[reference] = nil
      }
    }
  }

  /// Writes the file anew when most of it is of no use any more.
  private func shorten() async {
    guard let writer, await writer.appendedBytes > 2 * bytes + (256 << 10) else { return }
    let count = await writer.appendCount
    if let failure = await writer.replace(with: lines, ifAppended: count) {
      logger.warning("could not shorten the file of jobs", metadata: ["cause": "\(failure)"])
    }
  }

  private var lines: [String] {
    order.compactMap { jobs[$0] }.flatMap { job in
      [JobLine.accepted(job).text] + (job.isCompleted ? [JobLine.completed(job).text] : [])
    }
  }

  /// Reads what an earlier process has kept, and makes again what it had not completed.
  func load() async {
    if let isLoaded { return await isLoaded.value }
    let task = Task { await self.readKept() }
    isLoaded = task
    await task.value
  }

  private func readKept() async {
    guard let writer else { return }
    do {
      for line in try await writer.load() {
        switch JobLine(line) {
        case .accepted(let job): if jobs[job.id] == nil { add(job) }
        case .completed(let job):
          jobs[job.id]?.completedMilliseconds = job.completedMilliseconds
          jobs[job.id]?.counts = job.counts
        case nil: continue
        }
      }
    } catch {
      logger.error("the jobs of earlier are lost", metadata: ["cause": "\(error)"])
    }
    // Written anew, so that a torn last line does not swallow the next one.
    if let failure = await writer.replace(with: lines, ifAppended: 0) {
      logger.warning("could not shorten the file of jobs", metadata: ["cause": "\(failure)"])
    }
    for id in order where jobs[id]?.isCompleted == false { await makeAgain(id) }
    if !inProgress.isEmpty { watch() }
  }

  private func makeAgain(_ id: String) async {
    guard let job = jobs[id] else { return }
    do throws(Problem) {
      let selectors = try job.order.selectors(routeNames: backend.routeNames)
      inProgress[id] = selectors.count { $0.isComparedWithEveryObject }
      jobs[id]?.receipt = await backend.invalidate(
        selectors, kind: job.order.kind.storeKind, isFollowed: true)
    } catch {
      // Of a route that is gone nothing can be told apart any more: all that may be its own goes.
      logger.warning("a job of earlier takes everything", metadata: ["cause": "\(error.detail)"])
      inProgress[id] = 0
      jobs[id]?.receipt = await backend.invalidate(
        [.everything], kind: job.order.kind.storeKind, isFollowed: true)
    }
  }
}
