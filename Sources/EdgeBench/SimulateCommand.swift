import ArgumentParser
import CacheStore
import Foundation

/// `edge-bench simulate`.
struct SimulateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Replays a trace against the store's memory tier and reports hit ratios.",
    discussion: """
      Runs the code that serves requests, without sockets: the tier's shards with the chosen \
      eviction policy. A size in percent is a share of what all objects of the trace would take \
      in memory.
      """)

  @OptionGroup var traceOptions: TraceOptions

  @Option(
    help:
      "The eviction policy: \(MemorySimulation.Policy.names)."
  )
  var policy = MemorySimulation.Policy.sizeClassedS3FIFO

  @Option(help: "Budgets, separated by commas: a share of the footprint (5%) or bytes.")
  var size = "1%,5%,10%"

  @Option(help: "Shards; without it as many as the store would make.")
  var shards: Int?

  func validate() throws {
    _ = try budgets()
    if let shards, !(1...4096).contains(shards) {
      throw ValidationError("--shards is 1 to 4096")
    }
  }

  func run() throws {
    let trace = try traceOptions.read()
    let budgets = try budgets()
    print("policy \(policy.rawValue), \(trace.requests.count) requests")
    for budget in budgets {
      print(Simulation(trace: trace, policy: policy, budget: budget, shards: shards).run().text)
    }
  }

  private func budgets() throws -> [Simulation.Budget] {
    try size.split(separator: ",").map { text in
      guard let budget = Simulation.Budget(String(text)) else {
        throw ValidationError("--size takes a share such as 5% or a number of bytes")
      }
      return budget
    }
  }
}

extension MemorySimulation.Policy: ExpressibleByArgument {}

/// One run of a trace against a memory tier.
struct Simulation {
  /// A memory budget.
  enum Budget: Equatable {
    case percent(Double)
    case bytes(Int)

    /// Reads `5%` or `1048576`; nil when it is neither.
    init?(_ text: String) {
      if text.hasSuffix("%") {
        guard let share = Double(text.dropLast()), share > 0, share <= 1000 else { return nil }
        self = .percent(share)
      } else {
        guard let bytes = Int(text), bytes > 0 else { return nil }
        self = .bytes(bytes)
      }
    }
  }

  let trace: Trace
  let policy: MemorySimulation.Policy
  let budget: Budget
  let shards: Int?

  /// What a run came to.
  struct Report: Equatable {
    var limitBytes = 0
    var requests = 0
    var hits = 0
    var bytes = 0
    var hitBytes = 0
    /// Objects in memory at the end.
    var objects = 0

    var objectHitPercent: Double { 100 * Double(hits) / Double(max(1, requests)) }
    var byteHitPercent: Double { 100 * Double(hitBytes) / Double(max(1, bytes)) }

    var text: String {
      "budget \(limitBytes) bytes: objects \(Self.format(objectHitPercent)) %, "
        + "bytes \(Self.format(byteHitPercent)) %, \(objects) objects held at the end"
    }

    private static func format(_ percent: Double) -> String { String(format: "%.1f", percent) }
  }

  /// Runs it; O(requests), and as much memory as the budget.
  func run() -> Report {
    var simulation = MemorySimulation(policy: policy, limitBytes: limitBytes, shardCount: shards)
    var report = Report(limitBytes: limitBytes)
    for request in trace.requests {
      let object = trace.objects[Int(request)]
      report.requests += 1
      report.bytes += object.sizeBytes
      if simulation.request(object.path, bodyBytes: object.sizeBytes) {
        report.hits += 1
        report.hitBytes += object.sizeBytes
      }
    }
    report.objects = simulation.statistics.objects
    return report
  }

  private var limitBytes: Int {
    switch budget {
    case .bytes(let bytes): return bytes
    case .percent(let percent):
      // Everything in one shard that is never full: objects and their index.
      var all = MemorySimulation(policy: policy, limitBytes: 1 << 50, shardCount: 1)
      for object in trace.objects {
        _ = all.request(object.path, bodyBytes: object.sizeBytes)
      }
      return Int(Double(all.statistics.bytes) * percent / 100)
    }
  }
}
