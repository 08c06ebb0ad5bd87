import NIOCore
import Testing

@testable import CacheStore

/// Export and import of whole objects.
@Suite struct DiskArchiveTests {
  private let device = DiskSimulatedDevice()

  private func export(_ tier: DiskTier) async throws -> (bytes: [UInt8], report: ArchiveReport) {
    var bytes: [UInt8] = []
    let report = try await DiskSet(tier).exportObjects(on: DiskTestLoop.shared) { bytes += $0 }
    return (bytes, report)
  }

  private func takeIn(_ bytes: [UInt8], _ tier: DiskTier) async throws -> ArchiveReport {
    var rest = bytes[...]
    var archive = ArchiveImport(into: DiskSet(tier), on: DiskTestLoop.shared)
    return try await archive.run { count in
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }
  }

  /// Keys are found by the tests' own hash, so the objects are looked for by what is in the index.
  private func bodies(_ tier: DiskTier) -> [String: (count: Int, isStale: Bool, tags: [UInt64])] {
    var found: [String: (count: Int, isStale: Bool, tags: [UInt64])] = [:]
    tier.forEachRecord { segment, entry in
      guard let place = tier.place(of: entry, in: segment),
        let object = tier.reader.loadWhole(segment, place)
      else { return }
      let key = String(decoding: entry.key, as: UTF8.self)
      // Compares key, metadata's sequence aside, head and body with what they must be.
      let body = object.wholeBody() ?? []
      let expected = DiskObject(key: key, version: 1, count: body.count).body
      #expect(body == expected, "\(key)")
      found[key] = (body.count, object.isMarkedStale, object.tags)
    }
    return found
  }

  private func filled() async throws -> DiskTier {
    let tier = try openDisk(device, smallDisk(sizeBytes: 32 << 20))
    for number in 0..<30 {
      let object = DiskObject(
        key: "http://h/k\(number)", version: 1, count: number * 3000, sequence: 5)
      tier.put(object)
    }
    for number in 0..<2 {
      let object = DiskObject(
        key: "http://h/large\(number)", version: 1, count: 2_500_000 + number, sequence: 5)
      #expect(tier.spool(object) != nil)
    }
    tier.synchronize()
    tier.markStale(DiskObject.hash("http://h/k7"))
    return tier
  }

  @Test func anotherStoreTakesInWhatOneGaveOut() async throws {
    let first = try await filled()
    let (bytes, report) = try await export(first)
    first.abandon()
    #expect(report.objects == 32 && report.unreadable == 0)
    let other = try openDisk(DiskSimulatedDevice(), smallDisk(sizeBytes: 32 << 20))
    defer { other.abandon() }
    // An invalidation of the other store from before does not concern what is new to it.
    _ = await other.recordInvalidation(sequence: 1 << 30, selectors: [.host("h")])
    #expect(try await takeIn(bytes, other).objects == 32)
    let found = bodies(other)
    #expect(found.count == 32)
    for number in 0..<30 { #expect(found["http://h/k\(number)"]?.count == number * 3000) }
    #expect(found["http://h/large1"]?.count == 2_500_001)
    #expect(found["http://h/k7"]?.isStale == true)
    #expect(found["http://h/k8"]?.isStale == false)
    #expect(found["http://h/k8"]?.tags.count == 2)
    // Once more: everything is there.
    let again = try await takeIn(bytes, other)
    #expect(again.objects == 0 && again.present == 32)
  }

  @Test func itsOwnStoreRefusesWhatWasInvalidatedSince() async throws {
    let first = try await filled()
    let (bytes, _) = try await export(first)
    _ = await first.recordInvalidation(
      sequence: 100, selectors: [.path(host: nil, pattern: "/k1*")])
    #expect(
      first.sweep(upTo: 100) { key, _ in String(decoding: key, as: UTF8.self).contains("/k1") })
    for number in 0..<30 { first.delete("http://h/k\(number)") }
    first.shutdown()
    let again = try openDisk(device, smallDisk(sizeBytes: 32 << 20))
    defer { again.abandon() }
    #expect(again.recoveredInvalidations.rules.isEmpty)
    let report = try await takeIn(bytes, again)
    #expect(report.outdated == 11)
    // The large ones, too: these tests index by a hash of their own, so they count as absent.
    #expect(report.objects == 21)
    #expect(report.present == 0)
  }

  @Test func aDamagedOrCutFileIsTakenInUpToTheDamage() async throws {
    let first = try await filled()
    let (bytes, _) = try await export(first)
    first.abandon()
    var generator = DiskRandom(seed: 9)
    for round in 0..<40 {
      var damaged = bytes
      let place = generator.next(below: bytes.count)
      if round % 2 == 0 {
        damaged[place] ^= 1 << UInt8(generator.next(below: 8))
      } else {
        damaged.removeLast(bytes.count - place)
      }
      let tier = try openDisk(DiskSimulatedDevice(), smallDisk(sizeBytes: 32 << 20))
      do {
        _ = try await takeIn(damaged, tier)
        Issue.record("byte \(place) makes no difference")
      } catch let error as ArchiveFailure {
        switch error {
        case .notAnArchive: #expect(place < ObjectArchive.headerBytes)
        case .damaged, .cutOff: break
        default: Issue.record("\(error)")
        }
      }
      tier.synchronize()
      _ = bodies(tier)
      tier.abandon()
    }
  }
}
