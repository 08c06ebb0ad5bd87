import Glibc

/// Which random runs the model tests make: a few in the test suite, as many as `make simulate` asks
/// for. The suite's are 22 * 2500 + 12 * 4000 operations.
enum Simulation {
  /// The seeds of a suite's run, or those that EDGE_SIMULATE_SEEDS names: `7` or `1-500`.
  static func seeds(upTo last: UInt64) -> [UInt64] {
    guard let text = environment("EDGE_SIMULATE_SEEDS") else { return Array(1...last) }
    let ends = text.split(separator: "-").compactMap { UInt64($0) }
    guard let first = ends.first, let last = ends.last, ends.count <= 2, first <= last,
      last - first < 1_000_000
    else { fatalError("EDGE_SIMULATE_SEEDS is '\(text)': give a seed or a range such as 1-500") }
    return Array(first...last)
  }

  /// Operations of one run: `count`, or what EDGE_SIMULATE_STEPS says.
  static func steps(_ count: Int) -> Int {
    guard let text = environment("EDGE_SIMULATE_STEPS") else { return count }
    guard let steps = Int(text), steps > 0 else {
      fatalError("EDGE_SIMULATE_STEPS is '\(text)': give a number of operations")
    }
    return steps
  }

  /// How to run a seed again.
  static func again(_ seed: UInt64) -> String {
    let steps = environment("EDGE_SIMULATE_STEPS").map { " STEPS=\($0)" } ?? ""
    return "again with: make simulate SEEDS=\(seed)\(steps)"
  }

  private static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }
}
