import EdgeSecurity
import Glibc
import Logging
import NIOCore
import Testing

@testable import CacheStore

/// Objects whose bytes follow from their key and version, so that whatever a tier gives back can be
/// checked without remembering it.
struct DiskObject: Hashable {
  var key: String
  var version: Int
  var count: Int
  var sequence: UInt64 = 0

  static let hasher = KeyHasher(seed: 7)

  var hash: KeyHash { Self.hash(key) }

  static func hash(_ key: String) -> KeyHash {
    Array(key.utf8).withUnsafeBytes { hasher.hash($0) }
  }

  var head: [UInt8] { Array("version \(version) count \(count)".utf8) }

  var body: [UInt8] {
    var word = hash.low &+ UInt64(version) &* 0x9E37_79B9_7F4A_7C15
    return [UInt8](unsafeUninitializedCapacity: count + 8) { bytes, initialized in
      let raw = UnsafeMutableRawBufferPointer(bytes)
      var offset = 0
      while offset < count {
        word = word &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        raw.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
        offset += 8
      }
      initialized = count
    }
  }

  /// Every other version has tags: one of its key's first byte, one of its version.
  var tags: [UInt64] {
    version % 2 == 0 ? [] : [Self.groupTag(key.utf8.first ?? 0), Self.versionTag(version)]
  }

  static func groupTag(_ group: UInt8) -> UInt64 { 1000 + UInt64(group) }
  static func versionTag(_ version: Int) -> UInt64 { UInt64(version % 5) << 40 }

  var metadata: ObjectMetadata {
    var metadata = ObjectMetadata()
    metadata.fetchSequence = sequence
    metadata.status = 203
    metadata.lifetimeSeconds = Int32(version)
    metadata.responseTimeSeconds = 1_700_000_000
    return metadata
  }

  func stored() -> StoredObject {
    let body = body
    return Array(key.utf8).withUnsafeBytes { key in
      head.withUnsafeBytes { head in
        body.withUnsafeBytes { bytes in
          let stored: StoredBody =
            body.count > 65_536 ? .buffers([ByteBuffer(bytes: body)]) : .bytes(bytes)
          return StoredObject.make(
            hash: hash, key: key, head: head, body: stored, metadata: metadata, tags: tags)
        }
      }
    }
  }
}

extension DiskTier {
  /// Looks up and loads, waiting; nil for a miss.
  func get(_ key: String) -> StoredObject? {
    let hash = DiskObject.hash(key)
    guard let location = lookup(hash) else { return nil }
    return waitFor { completion in
      Array(key.utf8).withUnsafeBytes {
        load(location, hash: hash, key: $0, on: DiskTestLoop.shared, completion: completion)
      }
    }
  }

  /// What is under a key, its bytes checked; nil for a miss.
  func getChecked(_ key: String) -> DiskObject? {
    guard let object = get(key) else { return nil }
    return object.checked(key)
  }

  @discardableResult
  func put(_ object: DiskObject) -> Bool { enqueue(object.stored()) }

  func delete(_ key: String) { remove(DiskObject.hash(key)) }

  /// Streams an object in through a spool, in pieces of `pieceBytes`.
  func spool(_ object: DiskObject, pieceBytes: Int = 50_000) -> StoredObject? {
    guard let spool = beginSpool(expectedBytes: object.count) else { return nil }
    let body = object.body
    var offset = 0
    while offset < body.count {
      let end = min(body.count, offset + pieceBytes)
      spool.append(ByteBuffer(bytes: body[offset..<end]))
      offset = end
    }
    return finish(spool, object)
  }

  func finish(_ spool: SpoolWriter, _ object: DiskObject) -> StoredObject? {
    Array(object.key.utf8).withUnsafeBytes { key in
      object.head.withUnsafeBytes { head in
        finishSpool(
          spool, hash: object.hash, key: key, head: head, metadata: object.metadata,
          tags: object.tags)
      }
    }
  }
}

extension StoredObject {
  /// All bytes of the body, wherever they are; nil when the disk does not give them.
  func wholeBody() -> [UInt8]? {
    guard let disk = diskBody else {
      let inline = withInlineBody { Array($0) }
      return bodyChunks.reduce(into: inline) { bytes, chunk in
        chunk.withUnsafeReadableBytes { bytes += $0 }
      }
    }
    var bytes: [UInt8] = []
    while bytes.count < disk.count {
      let part: ByteBuffer? = waitFor { completion in
        disk.read(
          offset: bytes.count, count: 100_000, on: DiskTestLoop.shared, completion: completion)
      }
      guard let part, part.readableBytes > 0 else { return nil }
      part.withUnsafeReadableBytes { bytes += $0 }
    }
    return bytes
  }

  /// The object this is, its bytes compared with what they must be; nil when the body on disk can't
  /// be read any more, which is a miss.
  func checked(_ key: String) -> DiskObject? {
    let words = withHead { String(decoding: $0, as: UTF8.self) }.split(separator: " ")
    guard words.count == 4, let version = Int(words[1]), let count = Int(words[3]) else {
      Issue.record("wrong head for \(key)")
      return nil
    }
    let object = DiskObject(
      key: key, version: version, count: count, sequence: metadata.fetchSequence)
    #expect(withKey { String(decoding: $0, as: UTF8.self) } == key)
    #expect(metadata == object.metadata)
    #expect(tags == object.tags)
    guard let body = wholeBody() else { return nil }
    // memcmp: comparing arrays takes most of a debug run's time.
    let expected = object.body
    let isSame = body.count == expected.count && memcmp(body, expected, body.count) == 0
    #expect(isSame, "wrong body for \(key)")
    return object
  }
}

/// The keys of all tests' stores: like a folder of keys, they outlive a crash of the store.
let testKeyRing = KeyRing(inMemoryAt: 1_700_000_000)

/// Settings under which a test's few objects fill segments. Encrypted, as stores are.
func smallDisk(_ path: String = "/store", sizeBytes: Int = 8 << 20) -> DiskTier.Configuration {
  var configuration = DiskTier.Configuration(path: path, sizeBytes: sizeBytes)
  configuration.segmentBytes = 256 << 10
  configuration.snapshotInterval = .seconds(3600)
  configuration.retryInterval = .zero
  configuration.readerThreads = 2
  configuration.keyRing = testKeyRing
  return configuration
}

let quietLogger = Logger(label: "disk", factory: { _ in SwiftLogNoOpLogHandler() })

func openDisk(
  _ device: any BlockDevice, _ configuration: DiskTier.Configuration = smallDisk()
) throws -> DiskTier {
  let tier = try DiskTier(configuration: configuration, device: device, logger: quietLogger)
  tier.waitUntilLoaded()
  return tier
}

/// Runs `body` with a new folder on the real file system, removed afterwards.
func withTemporaryFolder<Result>(
  _ body: (String) async throws -> Result
) async throws -> Result {
  var template = Array("/tmp/disk-tier-XXXXXX".utf8CString)
  let path = try #require(mkdtemp(&template).map { String(cString: $0) })
  defer { removeFolder(path) }
  return try await body(path)
}

func removeFolder(_ path: String) {
  for name in (try? PosixBlockDevice().list(path)) ?? [] {
    if Glibc.unlink(path + "/" + name) != 0 { removeFolder(path + "/" + name) }
  }
  rmdir(path)
}
