import Testing

@testable import CacheStore

@Suite struct DiskIndexTests {
  @Test func theIndexAgreesWithADictionary() {
    var generator = DiskRandom(seed: 5)
    let index = DiskIndex()
    index.finishLoading([])
    var model: [KeyHash: RecordPlace] = [:]
    let hashes = (0..<3000).map { _ in KeyHash(high: generator.next(), low: generator.next()) }
    for step in 0..<60_000 {
      let hash = hashes[generator.next(below: hashes.count)]
      switch generator.next(below: 5) {
      case 0, 1:
        let place = RecordPlace(
          slot: UInt32(1 + generator.next(below: 50)),
          block: UInt32(generator.next(below: 1 << 17)),
          blockCount: UInt32(generator.next(below: 8192)))
        index.insert(hash, place)
        model[hash] = place
      case 2:
        #expect(index.remove(hash, {}) == (model.removeValue(forKey: hash) != nil))
      case 3 where step % 500 == 3:
        let slot = UInt32(1 + generator.next(below: 50))
        let removed = index.removeAll(slots: [slot])
        #expect(removed == model.values.count { $0.slot == slot })
        model = model.filter { $0.value.slot != slot }
      default:
        #expect(index.lookup(hash) == model[hash])
      }
    }
    #expect(index.count == model.count)
    for hash in hashes { #expect(index.place(hash) == model[hash]) }
  }

  @Test func anObjectCostsAtMostSixteenBytes() {
    var generator = DiskRandom(seed: 6)
    let index = DiskIndex()
    for count in 1...200_000 {
      index.insert(
        KeyHash(high: generator.next(), low: generator.next()),
        RecordPlace(slot: 1, block: 1, blockCount: 1))
      if count > 20_000, count % 1000 == 0 { #expect(index.byteCount <= count * 16) }
    }
  }

  @Test func aLengthIsNeverReadTooShort() {
    for count in stride(from: 0, to: 131_000, by: 7) as StrideTo<UInt32> {
      let entry = IndexEntry(
        fingerprint: 0xFF_FFFF_FFFF,
        place: RecordPlace(
          slot: 0x7F_FFFF, block: 0x1_FFFF, blockCount: count,
          isMarkedStale: count % 2 == 0))
      #expect(entry.place.blockCount >= count && entry.place.blockCount < count + 16)
      #expect(entry.fingerprint == 0xFF_FFFF_FFFF)
      #expect(entry.place.block == 0x1_FFFF && entry.slot == 0x7F_FFFF && !entry.isHit)
      #expect(entry.isMarkedStale == (count % 2 == 0))
    }
  }

  @Test func whatHappenedWhileLoadingComesAfterWhatWasSaved() {
    let index = DiskIndex()
    let hashes = (0..<4).map { KeyHash(high: 0, low: UInt64($0) << 40) }
    func place(_ block: UInt32) -> RecordPlace {
      RecordPlace(slot: 1, block: block, blockCount: 1)
    }
    var journaled = 0
    index.insert(hashes[0], place(10))
    index.remove(hashes[1]) { journaled += 1 }
    index.remove(hashes[2]) { journaled += 1 }
    index.insert(hashes[2], place(12))
    let saved = (0..<DiskIndex.shardCount).map { _ in LoadedShard() }
    for (number, hash) in hashes.enumerated() {
      saved[0].table.insert(
        IndexEntry(fingerprint: DiskIndex.fingerprint(hash), place: place(UInt32(number))))
    }
    index.finishLoading(saved)
    #expect(journaled == 2)
    #expect(index.place(hashes[0]) == place(10))
    #expect(index.place(hashes[1]) == nil)
    #expect(index.place(hashes[2]) == place(12))
    #expect(index.place(hashes[3]) == place(3))
  }
}
