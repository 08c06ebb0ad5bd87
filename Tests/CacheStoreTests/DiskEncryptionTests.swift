import EdgeSecurity
import Glibc
import NIOCore
import Testing

@testable import CacheStore

/// Encryption at rest: what is in the files, and what becomes of files that are not as written.
@Suite struct DiskEncryptionTests {
  private static let secret = "zq-secret-zq"

  /// An object whose URL and body are easy to find.
  private func secretObject(bodyCount: Int) -> StoredObject {
    let key = Array("https://host.example/\(Self.secret)/path".utf8)
    let body = Array(String(repeating: Self.secret, count: bodyCount / 12 + 1).utf8)
    let hash = key.withUnsafeBytes { DiskObject.hasher.hash($0) }
    return key.withUnsafeBytes { key in
      Array("head \(Self.secret)".utf8).withUnsafeBytes { head in
        body.withUnsafeBytes { body in
          StoredObject.make(
            hash: hash, key: key, head: head, body: .bytes(body), metadata: ObjectMetadata())
        }
      }
    }
  }

  private func filesHolding(_ text: String, in device: DiskSimulatedDevice) -> [String] {
    let wanted = Array(text.utf8)
    return device.files { _ in true }.filter { path in
      guard let bytes = try? device.readFile(path) else { return false }
      return bytes.indices.contains { start in
        bytes[start] == wanted[0] && bytes[start...].starts(with: wanted)
      }
    }
  }

  private func store(_ tier: DiskTier) async {
    #expect(tier.enqueue(secretObject(bodyCount: 500)))
    let large = secretObject(bodyCount: 200_000)
    let spool = tier.beginSpool(expectedBytes: nil)
    spool?.append(ByteBuffer(bytes: large.wholeBody() ?? []))
    if let spool {
      large.withKey { key in
        large.withHead { head in
          _ = tier.finishSpool(
            spool, hash: DiskObject.hash("large"), key: key, head: head,
            metadata: ObjectMetadata(), tags: [])
        }
      }
    }
    _ = await tier.recordInvalidation(
      sequence: 5, selectors: [.path(host: nil, pattern: "/\(Self.secret)/*")])
    tier.synchronize()
    tier.snapshot()
    tier.shutdown()
  }

  @Test func noFileHoldsAURLABodyOrAPattern() async throws {
    let device = DiskSimulatedDevice()
    await store(try openDisk(device))
    #expect(filesHolding(Self.secret, in: device) == [])
  }

  @Test func withoutEncryptionTheyDo() async throws {
    // The search above finds what is there.
    let device = DiskSimulatedDevice()
    var configuration = smallDisk()
    configuration.encrypts = false
    await store(try openDisk(device, configuration))
    #expect(filesHolding(Self.secret, in: device).count >= 3)
  }

  @Test func noRealFileHoldsAURLOrABody() async throws {
    try await withTemporaryFolder { folder in
      let tier = try openDisk(PosixBlockDevice(), smallDisk(folder + "/store"))
      await store(tier)
      let device = PosixBlockDevice()
      for directory in [folder + "/store", folder + "/store/segments"] {
        for name in try device.list(directory) where name.contains(".") {
          let bytes = try device.readFile(directory + "/" + name)
          #expect(!String(decoding: bytes, as: UTF8.self).contains(Self.secret), "\(name)")
        }
      }
    }
  }

  private func roundTrip(_ ring: KeyRing?, then second: KeyRing?) throws -> (DiskTier, DiskObject) {
    let device = DiskSimulatedDevice()
    var configuration = smallDisk()
    configuration.keyRing = ring
    let object = DiskObject(key: "https://h/a", version: 3, count: 3000)
    let first = try openDisk(device, configuration)
    first.put(object)
    first.synchronize()
    #expect(first.getChecked(object.key) == object)
    first.shutdown()
    configuration.keyRing = second
    return (try openDisk(device, configuration), object)
  }

  @Test func anotherKeyMeansMissesAndACounterAndTheStoreGoesOn() throws {
    let (tier, object) = try roundTrip(KeyRing(inMemoryAt: 1), then: KeyRing(inMemoryAt: 1))
    defer { tier.shutdown() }
    #expect(tier.getChecked(object.key) == nil)
    #expect(tier.statistics.lostKeyRecords == 1)
    #expect(tier.statistics.objects == 0)
    #expect(tier.statistics.corruptRecords == 0)
    // And it goes on under the new key.
    var later = object
    later.sequence = tier.recoveredInvalidations.sequence
    tier.put(later)
    tier.synchronize()
    #expect(tier.getChecked(later.key) == later)
  }

  @Test func aStoreBelievesNothingFromBeforeALostInvalidationLog() throws {
    let (tier, _) = try roundTrip(KeyRing(inMemoryAt: 1), then: KeyRing(inMemoryAt: 1))
    defer { tier.shutdown() }
    // The log can't be opened: what it took is not known, so the floor takes everything.
    #expect(tier.recoveredInvalidations.floor > 0)
  }

  @Test func objectsOutliveRotationsAndRestarts() throws {
    let device = DiskSimulatedDevice()
    let ring = KeyRing(inMemoryAt: 100)
    var configuration = smallDisk()
    configuration.keyRing = ring
    var objects: [DiskObject] = []
    for round in 0..<4 {
      let tier = try openDisk(device, configuration)
      defer { tier.shutdown() }
      for object in objects { #expect(tier.getChecked(object.key) == object) }
      let object = DiskObject(key: "https://h/\(round)", version: round, count: 70_000)
      objects.append(object)
      tier.put(object)
      tier.synchronize()
      #expect(tier.usedKeys?.count == min(round + 1, ring.all.count))
      try ring.rotate(nowSeconds: Int64(200 + round))
    }
    let tier = try openDisk(device, configuration)
    defer { tier.shutdown() }
    for object in objects { #expect(tier.getChecked(object.key) == object) }
    #expect(tier.statistics.corruptRecords == 0)
  }

  @Test func encryptionMayBeSwitchedOffAndOnOverAStore() throws {
    let device = DiskSimulatedDevice()
    var configuration = smallDisk()
    var objects: [DiskObject] = []
    for (round, encrypts) in [true, false, true].enumerated() {
      configuration.encrypts = encrypts
      let tier = try openDisk(device, configuration)
      defer { tier.shutdown() }
      let object = DiskObject(key: "https://h/\(round)", version: 1, count: 900)
      objects.append(object)
      tier.put(object)
      tier.synchronize()
      for object in objects { #expect(tier.getChecked(object.key) == object) }
    }
  }

  @Test func everyFlippedByteOfASegmentIsAMissAndNeverAWrongByte() throws {
    let device = DiskSimulatedDevice()
    let object = DiskObject(key: "https://h/a", version: 3, count: 700)
    let first = try openDisk(device)
    first.put(object)
    first.shutdown()
    let path = try #require(device.files { $0.hasSuffix(".segment") }.first)
    let genuine = try device.readFile(path)
    let file = try device.open(path, .read)
    var served = 0
    for position in genuine.indices {
      var damaged = genuine
      damaged[position] ^= 0x20
      try file.write(damaged, at: 0)
      let segment = Segment(
        generation: try #require(generation(path)), slot: 1, kind: .shared, path: path,
        device: device, seals: first.writer.seals)
      segment.noteWritten(upTo: genuine.count)
      let place = RecordPlace(slot: 1, block: 1, blockCount: 2)
      if let read = first.reader.loadWhole(segment, place) {
        #expect(read.checked(object.key) == object, "byte \(position)")
        served += 1
      }
    }
    // Padding, the footer and the rest of the header's block may change.
    #expect(served > 0 && served < genuine.count - 700)
  }

  private func generation(_ path: String) -> UInt64? {
    (path.split(separator: "/").last).flatMap { SegmentFormat.parse(fileName: String($0)) }?
      .generation
  }

  /// Two stores under one ring, or two segments of one: a segment moved in another's place.
  @Test func aSegmentInAnothersPlaceOpensNothing() throws {
    let device = DiskSimulatedDevice()
    let object = DiskObject(key: "https://h/a", version: 3, count: 700)
    var paths: [String] = []
    for path in ["/one", "/two"] {
      let tier = try openDisk(device, smallDisk(path))
      tier.put(object)
      tier.shutdown()
      paths += device.files { $0.hasPrefix(path) && $0.hasSuffix(".segment") }
    }
    try #require(paths.count == 2)
    // Both have the same generation and the same object at the same place.
    #expect(generation(paths[0]) == generation(paths[1]))
    try device.rename(paths[0], to: paths[1])
    let tier = try openDisk(device, smallDisk("/two"))
    defer { tier.shutdown() }
    #expect(tier.getChecked(object.key) == nil)
    #expect(tier.statistics.corruptRecords == 1)
  }

  @Test func aRolledBackStoreWritesUnderOtherKeysAndNonces() throws {
    let device = DiskSimulatedDevice()
    let first = try openDisk(device)
    first.shutdown()
    let saved = try device.files { _ in true }.map { ($0, try device.readFile($0)) }
    func write(_ version: Int) throws -> [UInt8] {
      let tier = try openDisk(device)
      tier.put(DiskObject(key: "https://h/a", version: version, count: 4000))
      tier.shutdown()
      return try device.readFile(try #require(device.files { $0.hasSuffix(".segment") }.first))
    }
    let one = try write(2)
    let name = device.files { $0.hasSuffix(".segment") }
    for path in device.files({ _ in true }) { try device.unlink(path) }
    for (path, bytes) in saved { try device.open(path, .create).write(bytes, at: 0) }
    let two = try write(2)
    #expect(device.files { $0.hasSuffix(".segment") } == name)
    // The same generation, object and place; had key and nonce been the same, so would the bytes.
    #expect(one[32..<64] != two[32..<64])
    #expect(Array(one[608..<1024]) != Array(two[608..<1024]))
  }

  @Test func aRangeOfASealedSpoolIsReadWithoutTheRest() throws {
    let device = DiskSimulatedDevice()
    let object = DiskObject(key: "https://h/large", version: 2, count: 1 << 20)
    let first = try openDisk(device)
    #expect(first.spool(object) != nil)
    first.synchronize()
    first.shutdown()
    // Chunk 2 is damaged; ranges beside it do not read it.
    let path = try #require(device.files { $0.hasSuffix(".object") }.first)
    let file = try device.open(path, .read)
    try file.write([0xEE], at: DiskFormat.dedicatedBodyPosition + 2 * DiskFormat.chunkBytes + 9)
    let tier = try openDisk(device)
    defer { tier.shutdown() }
    let body = try #require(tier.get(object.key)?.diskBody)
    func range(_ offset: Int, _ count: Int) -> [UInt8]? {
      let bytes: ByteBuffer? = waitFor { completion in
        body.read(offset: offset, count: count, on: DiskTestLoop.shared, completion: completion)
      }
      return bytes.map { Array($0.readableBytesView) }
    }
    let expected = object.body
    #expect(range(500_000, 1000) == Array(expected[500_000..<501_000]))
    #expect(range(65_530, 10) == Array(expected[65_530..<65_540]))
    #expect(range(131_080, 10) == nil)
    #expect(tier.statistics.corruptRecords == 1)
  }
}

/// Keys kept up by the store: the folder, rotation on a moved clock, deletion.
@Suite struct StoreKeysTests {
  private func ring(_ folder: String, now: Int64) throws -> StoreKeys {
    try #require(
      try StoreKeys.open(
        StoreEncryption(directory: folder + "/keys", rotationSeconds: 30 * 86_400),
        nowSeconds: now, logger: quietLogger))
  }

  @Test func aKeyGivesWayAfterThirtyDaysAndIsDeletedWhenNothingUsesIt() async throws {
    try await withTemporaryFolder { folder in
      let start: Int64 = 1_800_000_000
      let keys = try ring(folder, now: start)
      var configuration = smallDisk(folder + "/store", sizeBytes: 4 << 20)
      configuration.keyRing = keys.ring
      let tier = try DiskTier(configuration: configuration, logger: quietLogger)
      defer { tier.shutdown() }
      tier.waitUntilLoaded()
      let first = try #require(keys.ring.current?.identifier)
      tier.put(DiskObject(key: "https://h/a", version: 1, count: 1000))
      tier.synchronize()
      keys.maintain(nowSeconds: start + 30 * 86_400 - 1, for: [tier])
      #expect(keys.ring.current?.identifier == first)
      keys.maintain(nowSeconds: start + 30 * 86_400, for: [tier])
      let second = try #require(keys.ring.current?.identifier)
      #expect(second != first)
      #expect(keys.ring.all.map(\.identifier) == [first, second])
      #expect(keys.statistics.currentAgeSeconds == 0)
      // A segment uses the first key: it stays, until the segment is reclaimed.
      keys.maintain(nowSeconds: start + 31 * 86_400, for: [tier])
      #expect(keys.ring.key(first) != nil)
      #expect(keys.statistics.currentAgeSeconds == 86_400)
      for number in 0..<200 {
        tier.put(DiskObject(key: "https://h/\(number)", version: 1, count: 60_000))
        if number % 20 == 0 { tier.synchronize() }
      }
      tier.synchronize()
      #expect(tier.usedKeys == [second])
      keys.maintain(nowSeconds: start + 31 * 86_400, for: [tier])
      #expect(keys.ring.all.map(\.identifier) == [second])
      #expect(
        try PosixBlockDevice().list(folder + "/keys").filter { $0.hasSuffix(".key") }.count == 1)
    }
  }

  @Test func aKeyMadeByAnotherProcessIsNoticedAndTakesOver() async throws {
    try await withTemporaryFolder { folder in
      let keys = try ring(folder, now: 1000)
      var configuration = smallDisk(folder + "/store")
      configuration.keyRing = keys.ring
      let tier = try DiskTier(configuration: configuration, logger: quietLogger)
      defer { tier.shutdown() }
      tier.waitUntilLoaded()
      let made = try KeyRing(existing: folder + "/keys").rotate(nowSeconds: 2000)
      keys.maintain(nowSeconds: 2000, for: [tier])
      #expect(keys.ring.current?.identifier == made.identifier)
      // The log was written anew under it, and no segment uses the first key.
      keys.maintain(nowSeconds: 2001, for: [tier])
      #expect(keys.ring.all.map(\.identifier) == [made.identifier])
      tier.put(DiskObject(key: "https://h/a", version: 1, count: 1000))
      tier.synchronize()
      #expect(tier.usedKeys == [made.identifier])
    }
  }

  @Test func aLostKeyFileMeansMissesAndTheStoreStarts() async throws {
    try await withTemporaryFolder { folder in
      var configuration = Store.Configuration(memoryBytes: 8 << 20, disk: smallDisk(folder + "/s"))
      configuration.disk?.keyRing = nil
      configuration.encryption = StoreEncryption(directory: folder + "/s.keys")
      let object = DiskObject(key: "https://h/a", version: 1, count: 1000)
      let first = try Store(configuration: configuration, logger: quietLogger)
      first.disk?.waitUntilLoaded()
      #expect(first.disk?.tiers[0].put(object) == true)
      await first.shutdown(deadline: .now() + .seconds(60))
      #expect(first.statistics.keys?.keys == 1)
      for name in try PosixBlockDevice().list(folder + "/s.keys") where name.hasSuffix(".key") {
        // Damaged, not gone: as long as it should be, and wrong.
        let path = folder + "/s.keys/" + name
        var bytes = try PosixBlockDevice().readFile(path)
        bytes[30] ^= 1
        try PosixBlockDevice().open(path, .create).write(bytes, at: 0)
      }
      let second = try Store(configuration: configuration, logger: quietLogger)
      second.disk?.waitUntilLoaded()
      #expect(second.disk?.tiers[0].getChecked(object.key) == nil)
      #expect(second.statistics.disk?.lostKeyRecords == 1)
      #expect(second.statistics.keys?.damaged == 1)
      #expect(second.statistics.keys?.keys == 1)
      await second.shutdown(deadline: .now() + .seconds(60))
    }
  }

  @Test func aSecondStoreOnTheSameKeysIsRefused() async throws {
    try await withTemporaryFolder { folder in
      let keys = try ring(folder, now: 1)
      #expect(throws: StoreError.self) { try ring(folder, now: 2) }
      #expect(keys.statistics.keys == 1)
    }
  }

  @Test func aSecondStoreOnTheSameFolderIsRefused() async throws {
    try await withTemporaryFolder { folder in
      let tier = try DiskTier(configuration: smallDisk(folder), logger: quietLogger)
      defer { tier.shutdown() }
      #expect {
        _ = try DiskTier(configuration: smallDisk(folder), logger: quietLogger)
      } throws: {
        guard let error = $0 as? StoreError, case .inUse = error else { return false }
        return "\(error)".contains("in use by another process")
      }
    }
  }
}
