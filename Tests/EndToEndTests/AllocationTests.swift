import Foundation
import TestSupport
import Testing

/// Heap allocations of the hit path. The goal is a release build's (1 a hit over HTTP/1.1, 3 over
/// HTTP/2) and is checked on one by `make bench`; a debug build, which specializes and inlines
/// nothing, allocates some twenty times as often for the same code. Its figures are as steady,
/// though: an allocation more a hit fails this test.
@Suite struct AllocationTests {
  #if DEBUG
    private static let limits = ["--http1", "35.1", "--http2", "32.2"]
  #else
    private static let limits: [String] = []
  #endif

  @Test func aHitAllocatesNoMoreThanItDid() throws {
    let script = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("scripts/allocations.py").path
    let counted = try ChildProcess.run(
      "/usr/bin/env", ["python3", script, Edge.binary] + Self.limits)
    #expect(counted.status == 0, "\(counted.output)")
  }
}
