import ArgumentParser
import CacheStore
import Foundation
import Logging

/// `edge-bench fill`.
struct FillCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fill",
    abstract: "Fills the store's memory tier and reports what an object costs beside its bytes.",
    discussion: """
      Fills the store that serves requests, reads the process's resident memory before and after, \
      then lets objects of mixed sizes come and go and reports the allocator's fragmentation.
      """)

  @Option(help: "Objects.")
  var objects = 1_000_000

  @Option(help: "Bytes of an object's body.")
  var size = 400

  @Option(help: "Bytes of an object's head.")
  var head = 200

  @Option(help: "Objects of mixed sizes that pass through the full store afterwards.")
  var churn = 2_000_000

  func validate() throws {
    guard (1...100_000_000).contains(objects) else {
      throw ValidationError("--objects is 1 to 100000000")
    }
    guard (0...(1 << 20)).contains(size) else { throw ValidationError("--size is 0 to 1048576") }
    guard (0...65_536).contains(head) else { throw ValidationError("--head is 0 to 65536") }
    guard (0...1_000_000_000).contains(churn) else {
      throw ValidationError("--churn is 0 to 1000000000")
    }
  }

  func run() throws {
    // Twice what the objects take by the strictest count: nothing is evicted while filling.
    let limitBytes = max(64 << 20, objects * (size + head + 400) * 2)
    let fill = try StoreFill(limitBytes: limitBytes, headBytes: head)
    let report = try fill.fill(objects: objects, bodyBytes: size)
    print(report.text)
    guard churn > 0 else { return }
    // A store of its own that the churn fills: the first one is given back before.
    let churned = try StoreFill(limitBytes: 512 << 20, headBytes: head)
    print(churned.churn(objects: churn).text)
  }
}

/// Fills a store and measures what that costs.
final class StoreFill {
  private let store: Store
  private let headBytes: [UInt8]
  private let body: [UInt8]

  /// A store of the given budget whose objects have heads of this many bytes.
  init(limitBytes: Int, headBytes: Int) throws {
    HeapStatistics.keepFreePages()
    store = try Store(
      configuration: Store.Configuration(memoryBytes: limitBytes),
      logger: Logger(label: "edge-bench"))
    self.headBytes = [UInt8](repeating: UInt8(ascii: "h"), count: headBytes)
    body = [UInt8](repeating: UInt8(ascii: "b"), count: 1 << 20)
  }

  /// What a filled store costs.
  struct Cost: Equatable {
    var objects = 0
    var keyBytes = 0
    var headBytes = 0
    var bodyBytes = 0
    var residentBytes = 0
    var chargedBytes = 0

    private func each(_ bytes: Int) -> Double { Double(bytes) / Double(max(1, objects)) }

    /// Resident bytes an object beside its key, head and body.
    var bookkeepingBytes: Double {
      each(residentBytes - keyBytes - headBytes - bodyBytes)
    }

    var text: String {
      """
      \(objects) objects: key \(Self.format(each(keyBytes))), \
      head \(Self.format(each(headBytes))), body \(Self.format(each(bodyBytes))) bytes each
      resident \(Self.format(each(residentBytes))), charged \(Self.format(each(chargedBytes))) \
      bytes an object
      bookkeeping \(Self.format(bookkeepingBytes)) bytes an object beside key, head and body; \
      \(Self.format(bookkeepingBytes + each(keyBytes))) with the key
      """
    }

    private static func format(_ number: Double) -> String { String(format: "%.1f", number) }
  }

  /// Puts in this many objects with bodies of one size.
  func fill(objects: Int, bodyBytes: Int) throws -> Cost {
    var cost = Cost(objects: objects)
    let before = HeapStatistics.read().residentBytes
    for number in 0..<objects { cost.keyBytes += insert(number, bodyBytes: bodyBytes) }
    cost.residentBytes = HeapStatistics.read().residentBytes - before
    cost.headBytes = objects * headBytes.count
    cost.bodyBytes = objects * bodyBytes
    let memory = store.statistics.memory
    cost.chargedBytes = memory.bytes
    guard memory.objects == objects else {
      Diagnostics.print("only \(memory.objects) objects are in the store")
      throw ExitCode.failure
    }
    return cost
  }

  /// What churn left behind.
  struct Churn: Equatable {
    var heap = HeapStatistics()
    var memory = StoreStatistics.Memory()

    var text: String {
      """
      after churn: \(memory.objects) objects, \(memory.evictedForRoom) evicted, charged \
      \(memory.bytes), used \(heap.usedBytes), resident \(heap.residentBytes) bytes
      fragmentation \(String(format: "%.1f", heap.fragmentation * 100)) %
      """
    }
  }

  /// Lets objects of 100 bytes to 64 KiB come and go, small ones most, in a fixed order.
  func churn(objects: Int) -> Churn {
    var state: UInt64 = 1
    for number in 0..<objects {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      // Each power of two as often as the next one, so that sizes are skewed as on the web.
      let power = 7 + Int(state >> 60) % 10
      let bytes = 100 + Int(truncatingIfNeeded: (state >> 20) % (1 << UInt64(power)))
      _ = insert(number, bodyBytes: min(bytes, 65_536))
      // The store's own thread would do this once a second.
      if number % 100_000 == 0 { store.runMaintenance(nowSeconds: Int64(number / 100_000)) }
    }
    HeapStatistics.trim()
    var churn = Churn()
    churn.heap = HeapStatistics.read()
    churn.memory = store.statistics.memory
    return churn
  }

  /// Inserts one object; returns its key's length.
  private func insert(_ number: Int, bodyBytes: Int) -> Int {
    var key = "http://www.example.com/items/\(number)"
    return key.withUTF8 { key in
      let key = UnsafeRawBufferPointer(key)
      headBytes.withUnsafeBytes { head in
        body.withUnsafeBytes { body in
          _ = store.insert(
            StoredObject.make(
              hash: store.hasher.hash(key), key: key, head: head,
              body: .bytes(UnsafeRawBufferPointer(rebasing: body[..<bodyBytes])),
              metadata: ObjectMetadata()))
        }
      }
      return key.count
    }
  }
}
