import AdminAPI
import CacheStore
import EdgeProxy
import EdgeSecurity

// Looking into the store for the admin API.

extension AdminService {
  /// Entries that an ordered listing looks at, at most.
  private static let mostOrdered = 100_000

  func objects(_ query: ObjectQuery) async -> ObjectListing {
    guard let order = query.order else {
      let page = await page(query, after: query.cursor, limit: query.limit)
      return listing(page.objects, next: page.next, isComplete: page.next == nil)
    }
    var found: [ObjectSummary] = []
    var seen = 0
    var cursor: ObjectCursor? = .start
    while let start = cursor, seen < Self.mostOrdered {
      let page = await page(query, after: start, limit: Store.mostListed)
      // A page that found little may have passed by many: each counts as a whole one.
      seen += Store.mostListed
      found = Array(
        (found + page.objects).sorted { order.precedes($0, $1) }.prefix(query.limit))
      cursor = page.next
    }
    return listing(found, next: nil, isComplete: cursor == nil)
  }

  private func page(
    _ query: ObjectQuery, after cursor: ObjectCursor, limit: Int
  ) async -> ObjectPage {
    let selectors: [InvalidationSelector] =
      (query.host.map { [.host($0)] } ?? []) + (query.tag.map { [.tag(TagHash($0))] } ?? [])
    return await store.objects(
      prefix: Array(query.prefix.utf8), matching: selectors, after: cursor, limit: limit)
  }

  private func listing(
    _ objects: [ObjectSummary], next: ObjectCursor?, isComplete: Bool
  ) -> ObjectListing {
    ObjectListing(
      rows: objects.map { object in
        ObjectListing.Row(
          hash: explainer.hashText(ofKey: object.key), summary: object)
      }, next: next, isComplete: isComplete, nowSeconds: UTCTime.nowSeconds)
  }

  func object(hash: String) async -> ObjectDetail? { await explainer.object(hash: hash) }

  func place(_ response: PlacedResponse) async throws(PlacementFault) -> ObjectDetail {
    try await explainer.place(response)
  }

  func removeObject(hash: String) async -> Bool { await explainer.remove(hash: hash) }
}

extension ObjectQuery.Order {
  /// Whether the first object stands before the second; the URL decides between equals.
  fileprivate func precedes(_ first: ObjectSummary, _ second: ObjectSummary) -> Bool {
    let (left, right): (Int64, Int64) =
      switch self {
      case .bytes: (Int64(second.bytes), Int64(first.bytes))
      case .hits: (Int64(second.hits ?? 0), Int64(first.hits ?? 0))
      case .newest: (second.responseTimeSeconds ?? 0, first.responseTimeSeconds ?? 0)
      case .oldest: (first.responseTimeSeconds ?? .max, second.responseTimeSeconds ?? .max)
      }
    return left == right
      ? first.key.lexicographicallyPrecedes(second.key) : left < right
  }
}
