import Foundation
import Testing

@testable import edge

/// How `edge serve` sets up the C library's allocator.
struct AllocatorTuningTests {
  @Test func theSettingJoinsWhatIsThereAndYieldsToTheOperators() {
    let own = "glibc.malloc.tcache_count=256"
    #expect(AllocatorTuning.tunables(after: nil) == own)
    #expect(AllocatorTuning.tunables(after: "") == own)
    #expect(
      AllocatorTuning.tunables(after: "glibc.malloc.arena_max=2")
        == "glibc.malloc.arena_max=2:\(own)")
    #expect(AllocatorTuning.tunables(after: own) == nil)
    #expect(AllocatorTuning.tunables(after: "glibc.malloc.tcache_count=7") == nil)
  }

  @Test func aServingEdgeRunsWithIt() throws {
    let edge = try Edge(originPort: 9)
    let process = try #require(edge.process)
    let file = URL(fileURLWithPath: "/proc/\(process.identifier)/environ")
    let environment = String(decoding: try Data(contentsOf: file), as: UTF8.self)
    #expect(environment.contains("glibc.malloc.tcache_count=256"))
  }
}
