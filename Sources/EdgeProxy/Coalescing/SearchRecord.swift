import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore

/// Which queries of one path name the same resource, as the store keeps it: a record of its own
/// under the key without a query (`SearchVariance` says how it is used).
///
/// Responses stand under reduced keys: the key without a query, line feed, salt, reduced query. The
/// salt is new for every record, so that whatever removes the record makes them unreachable.
/// A record that has left memory counts as absent: the next response makes another.
///
/// | bytes | content |
/// |---|---|
/// | 0-7 | salt, big-endian |
/// | 8- | the variance as `SearchVariance` encodes it |
struct SearchRecord {
  /// The variance.
  let variance: SearchVariance
  /// What tells this record's reduced keys from those of its predecessors.
  let salt: UInt64

  /// A record of `variance`.
  init(variance: SearchVariance, salt: UInt64) {
    self.variance = variance
    self.salt = salt
  }

  /// The record that `object` holds, which stood under a key without a query.
  init?(_ object: StoredObject) {
    guard object.metadata.kind == .variantList else { return nil }
    let parsed = object.withHead { head -> (UInt64, SearchVariance)? in
      guard head.count > 8 else { return nil }
      let encoded = UnsafeRawBufferPointer(rebasing: head[8...])
      return SearchVariance(encoded: encoded).map {
        (UInt64(bigEndian: head.loadUnaligned(as: UInt64.self)), $0)
      }
    }
    guard let parsed else { return nil }
    self.init(variance: parsed.1, salt: parsed.0)
  }

  /// The head bytes of the record.
  func encoded() -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.writeInteger(salt)
    variance.encode(into: &buffer)
    return buffer
  }

  private static let mark = ByteBuffer(staticString: "\n:search\n")

  /// Whether a primary key is a reduced one. O(bytes).
  static func isReduced(_ key: ByteBuffer) -> Bool {
    key.withUnsafeReadableBytes { key in
      mark.withUnsafeReadableBytes { mark in
        guard key.count >= mark.count else { return false }
        return (0...(key.count - mark.count)).contains { start in
          key[start] == mark[0] && key[start..<(start + mark.count)].elementsEqual(mark)
        }
      }
    }
  }
}

extension ProxyLoop {
  /// Turns ``key`` into the reduced key of a request whose whole key holds nothing; false, with
  /// ``key`` as it was, when the path has no record.
  func reduceKey(of head: RequestHead, route: Route) -> Bool {
    let whole = key
    key.clear()
    CacheKeyBuilder.writeWithoutQuery(
      head, rules: route.rules.key, routeSalt: route.keySalt, into: &key)
    guard let record = searchRecord() else {
      key = whole
      return false
    }
    extendKey(of: head, record, route)
    return true
  }

  /// The reduced key under which a response with this variance is stored; makes the record when the
  /// path has none, or another one.
  func reducedKey(of head: RequestHead, route: Route, variance: SearchVariance) -> ByteBuffer {
    key.clear()
    CacheKeyBuilder.writeWithoutQuery(
      head, rules: route.rules.key, routeSalt: route.keySalt, into: &key)
    var record = searchRecord()
    if record?.variance != variance {
      let made = SearchRecord(variance: variance, salt: randomNumber())
      insertList(made.encoded(), key: key, fetchSequence: shared.store.sequence)
      shared.noteSearchRecord()
      record = made
    }
    if let record { extendKey(of: head, record, route) }
    return key
  }

  /// Removes the record of a request's path, and with its salt all that stands under reduced keys.
  func removeSearchRecord(of head: RequestHead, route: Route) {
    key.clear()
    CacheKeyBuilder.writeWithoutQuery(
      head, rules: route.rules.key, routeSalt: route.keySalt, into: &key)
    shared.store.remove(key.withUnsafeReadableBytes { shared.store.hasher.hash($0) })
  }

  private func searchRecord() -> SearchRecord? {
    key.withUnsafeReadableBytes { bytes in
      let hash = shared.store.hasher.hash(bytes)
      guard
        case .memory(let object) = shared.store.lookup(
          hash, key: bytes, nowSeconds: clock.wallSeconds)
      else { return nil }
      return SearchRecord(object)
    }
  }

  private func extendKey(of head: RequestHead, _ record: SearchRecord, _ route: Route) {
    key.writeStaticString("\n")
    key.writeInteger(record.salt)
    head.fields.bytes.withUnsafeReadableBytes { bytes in
      record.variance.writeReducedQuery(
        head.query?.slice(of: bytes), keeping: route.rules.key.query, into: &key)
    }
  }
}
