import ArgumentParser
import CacheStore
import Foundation
import Logging
import NIOCore
import Synchronization

/// `edge-bench sweep`: how soon an invalidation over many objects is acknowledged and swept, and
/// what hits meanwhile notice of it.
struct SweepCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Measures invalidations over a store in this process.",
    discussion: """
      Fills a store, half of it below /images/, hits it from one thread, and invalidates a \
      pattern. Prints how long the acknowledgement took (effective, and synced where there is a \
      disk tier), how long the sweep, and the hits' latency before and meanwhile. The last line is \
      JSON.
      """)

  @Option(help: "Objects to store.")
  var objects = 1_000_000

  @Option(help: "Bytes of an object's body.")
  var bytes = 300

  @Option(help: "A path or glob to invalidate.")
  var pattern = "/images/*"

  @Option(help: "Rounds; each fills the store anew.")
  var rounds = 3

  @Option(help: "A folder for a disk tier; without it there is none.")
  var disk: String?

  @Option(help: "Hits a second meanwhile; 0 is one after the other.")
  var rate = 60_000

  func validate() throws {
    guard 1...50_000_000 ~= objects, 0...65_536 ~= bytes, 1...1000 ~= rounds,
      0...1_000_000 ~= rate
    else {
      throw ValidationError("--objects, --bytes, --rounds or --rate is out of range")
    }
    do {
      _ = try InvalidationSelector.parse(pattern, syntax: .glob)
    } catch {
      throw ValidationError("\(error)")
    }
  }

  func run() async throws {
    var reports: [SweepReport] = []
    for _ in 0..<rounds {
      let bench = try SweepBench(objects: objects, bytes: bytes, disk: disk, rate: rate)
      let report = await bench.measure(
        try InvalidationSelector.parse(pattern, syntax: .glob))
      print(report.text)
      reports.append(report)
      await bench.stop()
    }
    print(SweepReport.json(reports))
  }
}

/// What one round gave. Times in microseconds.
struct SweepReport: Sendable {
  var acknowledged = 0.0
  var swept = 0.0
  var sweptCPU = 0.0
  var removed = 0
  var hitsBefore = HitLatency()
  var hitsMeanwhile = HitLatency()

  var text: String {
    "acknowledged after \(Self.milliseconds(acknowledged)) ms, swept after "
      + "\(Self.milliseconds(swept)) ms (CPU of the process \(Self.milliseconds(sweptCPU)) ms), "
      + "\(removed) objects removed; hits before: \(Self.text(hitsBefore)), meanwhile: "
      + Self.text(hitsMeanwhile)
  }

  static func json(_ reports: [SweepReport]) -> String {
    let rows = reports.map { report in
      "{\"acknowledged_us\":\(report.acknowledged),\"swept_us\":\(report.swept),"
        + "\"cpu_us\":\(report.sweptCPU),\"removed\":\(report.removed),"
        + "\"p99_before_us\":\(report.hitsBefore.p99),"
        + "\"p99_meanwhile_us\":\(report.hitsMeanwhile.p99)}"
    }
    return "{\"rounds\":[" + rows.joined(separator: ",") + "]}"
  }

  private static func text(_ hits: HitLatency) -> String {
    "\(hits.count) (p50 \(hits.p50) us, p99 \(hits.p99) us)"
  }

  private static func milliseconds(_ microseconds: Double) -> String {
    String(format: "%.3f", microseconds / 1000)
  }
}

/// Hits of one phase. Times in microseconds.
struct HitLatency: Sendable {
  var count = 0
  var p50 = 0.0
  var p99 = 0.0

  init() {}

  /// - Parameter nanoseconds: one number a hit.
  init(_ nanoseconds: [UInt32]) {
    guard !nanoseconds.isEmpty else { return }
    let sorted = nanoseconds.sorted()
    count = sorted.count
    p50 = Double(sorted[sorted.count / 2]) / 1000
    p99 = Double(sorted[sorted.count * 99 / 100]) / 1000
  }
}

/// A filled store with one thread that hits what is not invalidated.
private final class SweepBench: Sendable {
  private let store: Store
  private let hotKeys: [[UInt8]]
  private let phase = Atomic<Int>(0)
  /// Between the beginnings of two hits.
  private let interval: Duration

  /// - Parameter rate: hits a second; 0 is one after the other.
  init(objects: Int, bytes: Int, disk: String?, rate: Int) throws {
    interval = rate == 0 ? .zero : .nanoseconds(1_000_000_000 / rate)
    var configuration = Store.Configuration(memoryBytes: max(1 << 30, objects * (bytes + 600)))
    if let disk { configuration.disk = DiskTier.Configuration(path: disk, sizeBytes: 4 << 30) }
    var logger = Logger(label: "sweep")
    logger.logLevel = .warning
    let store = try Store(configuration: configuration, logger: logger)
    let body = [UInt8](repeating: 0x78, count: bytes)
    let head = Array("Content-Type: text/plain\r\n".utf8)
    var hot: [[UInt8]] = []
    for index in 0..<objects {
      let folder = index % 2 == 0 ? "images" : "pages"
      let key = Array("http://www.example.com/\(folder)/\(index % 977)/\(index).html".utf8)
      if index % 2 == 1, hot.count < 10_000 { hot.append(key) }
      Self.insert(key, head, body, into: store)
    }
    self.store = store
    hotKeys = hot
    store.start()
  }

  private static func insert(
    _ key: [UInt8], _ head: [UInt8], _ body: [UInt8], into store: Store
  ) {
    var metadata = ObjectMetadata()
    metadata.fetchSequence = store.sequence
    key.withUnsafeBytes { key in
      head.withUnsafeBytes { head in
        body.withUnsafeBytes { body in
          _ = store.insert(
            StoredObject.make(
              hash: store.hasher.hash(key), key: key, head: head, body: .bytes(body),
              metadata: metadata))
        }
      }
    }
  }

  func measure(_ selector: InvalidationSelector) async -> SweepReport {
    let hits = Task.detached { self.hit() }
    try? await Task.sleep(for: .seconds(1))
    var report = SweepReport()
    phase.store(1, ordering: .sequentiallyConsistent)
    let cpu = Self.cpuMicroseconds
    let start = ContinuousClock.now
    let receipt = await store.invalidate([selector])
    report.acknowledged = Self.microseconds(ContinuousClock.now - start)
    while case .pending? = store.invalidationProgress(receipt.sequence) {
      try? await Task.sleep(for: .milliseconds(1))
    }
    report.swept = Self.microseconds(ContinuousClock.now - start)
    report.sweptCPU = Self.cpuMicroseconds - cpu
    phase.store(2, ordering: .sequentiallyConsistent)
    if case .completed(let memory, let disk)? = store.invalidationProgress(receipt.sequence) {
      report.removed = memory + disk
    }
    let latencies = await hits.value
    report.hitsBefore = latencies[0]
    report.hitsMeanwhile = latencies[1]
    return report
  }

  func stop() async { await store.shutdown(deadline: NIODeadline.now() + .seconds(10)) }

  /// Most hits that are measured in one phase.
  private static let mostHits = 20_000_000

  private func hit() -> [HitLatency] {
    var latencies: [[UInt32]] = [[], []]
    var index = 0
    var present = phase.load(ordering: .relaxed)
    var next = ContinuousClock.now
    while present < 2 {
      // Asleep, the thread would come back late.
      while interval > .zero, ContinuousClock.now < next {}
      next = max(next + interval, ContinuousClock.now - interval)
      let nanoseconds = timeHit(hotKeys[index % hotKeys.count])
      if latencies[present].count < Self.mostHits { latencies[present].append(nanoseconds) }
      index += 1
      present = phase.load(ordering: .relaxed)
    }
    return latencies.map { HitLatency($0) }
  }

  private func timeHit(_ key: [UInt8]) -> UInt32 {
    let start = ContinuousClock.now
    key.withUnsafeBytes { bytes in
      let hash: KeyHash = store.hasher.hash(bytes)
      let found: Store.LookupResult = store.lookup(hash, key: bytes, nowSeconds: 1)
      withExtendedLifetime(found) {}
    }
    return UInt32(Self.microseconds(ContinuousClock.now - start) * 1000)
  }

  private static func microseconds(_ duration: Duration) -> Double {
    let (seconds, attoseconds) = duration.components
    return Double(seconds) * 1e6 + Double(attoseconds) / 1e12
  }

  private static var cpuMicroseconds: Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return [usage.ru_utime, usage.ru_stime].reduce(0) {
      $0 + Double($1.tv_sec) * 1e6 + Double($1.tv_usec)
    }
  }
}
