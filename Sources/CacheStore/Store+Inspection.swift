// Looking into the store, for the admin API: counting what an invalidation would take, and listing
// objects. Everything here walks with short lock slices and reads footers from disk, on a thread of
// its own; never on a loop.

import NIOCore

/// Where the store has an object.
public enum ObjectTier: String, Sendable {
  /// In memory only.
  case memory
  /// On disk, or on its way there, only.
  case disk
  /// In both.
  case both
}

/// What the store can tell of an object without its bytes.
public struct ObjectSummary: Sendable, Equatable {
  /// The full normalized key; a variant's has bytes behind a line feed that are no text.
  public var key: [UInt8]
  /// Status code; nil when only the record itself would tell.
  public var status: UInt16?
  /// Bytes held: in memory those charged to the budget, on disk only the record's on disk.
  public var bytes: Int
  /// Where it is.
  public var tier: ObjectTier
  /// Wall clock, Unix seconds, when the response was received; nil as for the status.
  public var responseTimeSeconds: Int64?
  /// The route that stored it; nil as for the status.
  public var route: UInt16?
  /// Hits that eviction counts, 0 to 3, more are not told apart; nil on disk.
  public var hits: Int?
  /// Number of tags; nil when there are more than are kept.
  public var tagCount: Int?
  /// True when a soft invalidation matches it.
  public var isMarkedStale: Bool

  /// The key up to its first line feed: the URL.
  public var url: String {
    String(decoding: key.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
  }
}

/// A part of a listing.
public struct ObjectPage: Sendable {
  /// What was found; may be fewer than asked for although there is more.
  public var objects: [ObjectSummary]
  /// Where to go on; nil at the end.
  public var next: ObjectCursor?
}

/// A place in a listing. It stays usable while objects come and go: what is there all the while is
/// listed once, what moves may be listed twice or not at all.
public struct ObjectCursor: Sendable, Equatable, CustomStringConvertible {
  enum Place: Equatable {
    /// A shard and an entry of it.
    case memory(shard: Int, entry: UInt32)
    /// A path by its number, a segment there of at least this generation, and the entries of its
    /// footer to pass over.
    case disk(path: Int, generation: UInt64, skipped: Int)
  }

  let place: Place

  init(_ place: Place) { self.place = place }

  /// The start.
  public static let start = ObjectCursor(.memory(shard: 0, entry: 0))

  /// The text of a cursor, for a URL.
  public var description: String {
    switch place {
    case .memory(let shard, let entry): "m\(shard).\(entry)"
    case .disk(0, let generation, let skipped): "d\(generation).\(skipped)"
    case .disk(let path, let generation, let skipped): "d\(generation).\(skipped).\(path)"
    }
  }

  /// Reads what ``description`` wrote; nil when it is something else.
  public init?(_ text: String) {
    let parts = text.dropFirst().split(separator: ".", omittingEmptySubsequences: false)
    guard 2...3 ~= parts.count else { return nil }
    switch text.first {
    case "m":
      guard parts.count == 2, let shard = Int(parts[0]), shard >= 0, let entry = UInt32(parts[1])
      else { return nil }
      place = .memory(shard: shard, entry: entry)
    case "d":
      guard let generation = UInt64(parts[0]), let skipped = Int(parts[1]), skipped >= 0,
        let path = parts.count == 3 ? Int(parts[2]) : 0, path >= 0
      else { return nil }
      place = .disk(path: path, generation: generation, skipped: skipped)
    default: return nil
    }
  }
}

/// What an invalidation would take.
public struct InvalidationCount: Sendable, Equatable {
  /// Objects in memory that it matches.
  public var memory = 0
  /// Objects on disk that it matches; one in both tiers counts in both.
  public var disk = 0
  /// Keys of some of them.
  public var samples: [[UInt8]] = []
}

extension Store {
  /// Entries that one page looks at, at most.
  private static let mostVisited = 100_000
  /// Objects on one page, at most.
  public static let mostListed = 10_000

  /// Counts what an invalidation would take now, and takes nothing.
  /// - Parameter sampleLimit: keys to give as examples, at most.
  public func countMatches(
    _ selectors: [InvalidationSelector], sampleLimit: Int
  ) async -> InvalidationCount {
    var rules = InvalidationRules()
    for selector in selectors { rules.append(InvalidationRule(selector, sequence: .max)) }
    return await onOwnThread { [self, rules] in count(rules, sampleLimit: sampleLimit) }
      ?? InvalidationCount()
  }

  /// Objects whose key begins with some bytes, a page at a time.
  /// - Parameters:
  ///   - prefix: what the keys begin with; nothing for all.
  ///   - selectors: what an object must match beside, each of them.
  ///   - cursor: ``ObjectCursor/start``, or where the page before ended.
  ///   - limit: objects on the page, at most.
  public func objects(
    prefix: [UInt8], matching selectors: [InvalidationSelector] = [], after cursor: ObjectCursor,
    limit: Int
  ) async -> ObjectPage {
    let limit = min(max(1, limit), Self.mostListed)
    let filter = ListFilter(prefix: prefix, selectors: selectors)
    return await onOwnThread { [self] in list(filter, after: cursor, limit: limit) }
      ?? ObjectPage(objects: [], next: nil)
  }

  /// The object under a hash, its body left where it is, without counting a hit; nil when there is
  /// none, or an invalidation takes it.
  public func object(under hash: KeyHash) async -> StoredObject? {
    await onOwnThread { [self] in
      (memory.shard(hash).peek(hash) ?? disk?.read(hash)).flatMap { unlessInvalidated($0) }
    } ?? nil
  }

  /// The object under a key, its body left where it is, without counting a hit; nil when there is
  /// none, or an invalidation takes it.
  public func object(forKey key: [UInt8]) async -> StoredObject? {
    await onOwnThread { [self] in find(key) } ?? nil
  }

  // MARK: - Steps

  func onOwnThread<Result: Sendable>(
    _ body: @escaping @Sendable () -> Result
  ) async -> Result? {
    await withCheckedContinuation { continuation in
      let thread = DiskThread.start("store-inspect", isBackground: true) {
        continuation.resume(returning: body())
      }
      if thread == nil { continuation.resume(returning: nil) }
    }
  }

  private func count(_ rules: InvalidationRules, sampleLimit: Int) -> InvalidationCount {
    let known = invalidations.known
    var result = InvalidationCount()
    func isMatch(_ subject: InvalidationSubject) -> Bool {
      rules.match(subject, newerThan: 0) != nil
        && known.match(subject, newerThan: subject.fetchSequence)?.kind != .hard
    }
    func sample(_ key: UnsafeRawBufferPointer) {
      if result.samples.count < sampleLimit { result.samples.append([UInt8](key)) }
    }
    for shard in memory.shards {
      var next: UInt32? = 0
      while let start = next {
        let found = shard.collect(from: start, count: MemoryTier.walkCount) { object in
          object.withSubject { isMatch($0) }
        }
        result.memory += found.objects.count
        for object in found.objects where result.samples.count < sampleLimit {
          object.withKey { sample($0) }
        }
        next = found.next
      }
    }
    for tier in disk?.tiers ?? [] {
      tier.forEachRecord { segment, entry in
        guard isMatch(entry.subject), tier.isThere(entry, in: segment) else { return }
        result.disk += 1
        if !isInMemory(entry) { sample(entry.key) }
      }
    }
    return result
  }

  private func isInMemory(_ entry: FooterEntry) -> Bool {
    memory.shard(entry.hash).peek(entry.hash, key: entry.key) != nil
  }

  private func list(_ filter: ListFilter, after cursor: ObjectCursor, limit: Int) -> ObjectPage {
    var page = ObjectPage(objects: [], next: nil)
    var visited = 0
    switch cursor.place {
    case .memory(let shard, let entry):
      let end = listMemory(
        filter, fromShard: shard, entry: entry, limit: limit, &page, &visited)
      page.next =
        end ?? (disk == nil ? nil : ObjectCursor(.disk(path: 0, generation: 0, skipped: 0)))
    case .disk(let first, var generation, var skipped):
      for (number, entry) in (disk?.disks ?? []).enumerated() where number >= first {
        if let tier = entry.tier,
          let cut = listDisk(
            tier, filter, from: generation, skipped: skipped, limit: limit, &page, &visited)
        {
          page.next = ObjectCursor(
            .disk(path: number, generation: cut.generation, skipped: cut.skipped))
          break
        }
        (generation, skipped) = (0, 0)
      }
    }
    return page
  }

  /// Returns where to go on in memory; nil when memory is through.
  private func listMemory(
    _ filter: ListFilter, fromShard first: Int, entry: UInt32, limit: Int, _ page: inout ObjectPage,
    _ visited: inout Int
  ) -> ObjectCursor? {
    let known = invalidations.known
    var start = entry
    for number in memory.shards.indices.dropFirst(first) {
      while true {
        let room = limit - page.objects.count
        guard room > 0, visited < Self.mostVisited else {
          return ObjectCursor(.memory(shard: number, entry: start))
        }
        let count = min(MemoryTier.walkCount, UInt32(room))
        let found = memory.shards[number].collect(from: start, count: count) { object in
          object.withSubject { subject in
            filter.admits(subject)
              && known.match(subject, newerThan: subject.fetchSequence)?.kind != .hard
          }
        }
        visited += Int(count)
        page.objects += found.objects.map { summary($0, known) }
        guard let next = found.next else { break }
        start = next
      }
      start = 0
    }
    return nil
  }

  private func summary(_ object: StoredObject, _ known: InvalidationLog.Known) -> ObjectSummary {
    let metadata = object.metadata
    let isStale = object.withSubject {
      known.match($0, newerThan: $0.fetchSequence)?.kind == .soft
    }
    return ObjectSummary(
      key: object.withKey { [UInt8]($0) }, status: metadata.status, bytes: object.chargedBytes,
      tier: object.isOnDisk ? .both : .memory,
      responseTimeSeconds: metadata.responseTimeSeconds, route: metadata.route,
      hits: Int(object.hits), tagCount: object.tagCount,
      isMarkedStale: object.isMarkedStale || isStale)
  }

  /// Returns where to go on on this disk; nil when it is through.
  private func listDisk(
    _ disk: DiskTier, _ filter: ListFilter, from generation: UInt64, skipped: Int, limit: Int,
    _ page: inout ObjectPage, _ visited: inout Int
  ) -> (generation: UInt64, skipped: Int)? {
    let known = invalidations.known
    for segment in disk.segmentsByGeneration where segment.generation >= generation {
      let skip = segment.generation == generation ? skipped : 0
      var position = 0
      var cut: Int?
      disk.forEachRecord(in: segment) { entry in
        defer { position += 1 }
        guard position >= skip, cut == nil else { return }
        guard page.objects.count < limit, visited < Self.mostVisited else {
          cut = position
          return
        }
        visited += 1
        guard filter.admits(entry.subject), let place = disk.place(of: entry, in: segment),
          !isInMemory(entry)
        else { return }
        let match = known.match(entry.subject, newerThan: entry.fetchSequence)
        if match?.kind == .hard { return }
        page.objects.append(
          ObjectSummary(
            key: [UInt8](entry.key), status: entry.attributes?.status,
            bytes: disk.recordBytes(place, in: segment), tier: .disk,
            responseTimeSeconds: entry.attributes?.responseTimeSeconds,
            route: entry.attributes?.route, hits: nil,
            tagCount: entry.tags.isUnknown ? nil : entry.tags.count,
            isMarkedStale: place.isMarkedStale || match?.kind == .soft))
      }
      if let cut { return (segment.generation, cut) }
    }
    return nil
  }

  private func find(_ key: [UInt8]) -> StoredObject? {
    key.withUnsafeBytes { bytes in
      let hash = hasher.hash(bytes)
      let inMemory = memory.shard(hash).peek(hash, key: bytes)
      guard let object = inMemory ?? disk?.read(hash, key: bytes) else { return nil }
      return unlessInvalidated(object)
    }
  }

  private func unlessInvalidated(_ object: StoredObject) -> StoredObject? {
    switch object.withSubject({ invalidations.match(stored: $0) })?.kind {
    case .hard: return nil
    case .soft: object.markStale()
    case nil: break
    }
    return object
  }
}

/// What a listing shows: keys that begin with some bytes, and match every selector.
private struct ListFilter: Sendable {
  let prefix: [UInt8]
  private let rules: [InvalidationRules]

  init(prefix: [UInt8], selectors: [InvalidationSelector]) {
    self.prefix = prefix
    rules = selectors.map { selector in
      var rules = InvalidationRules()
      rules.append(InvalidationRule(selector, sequence: .max))
      return rules
    }
  }

  func admits(_ subject: InvalidationSubject) -> Bool {
    subject.key.starts(with: prefix)
      && rules.allSatisfy { $0.match(subject, newerThan: 0) != nil }
  }
}
