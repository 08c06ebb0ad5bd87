/// Finding what is in use, for invalidations that fetch it again.
extension Store {
  /// Keys of responses in memory that the selectors match and that have been hit, those with more
  /// hits first. Walks memory on a thread of its own, with short lock slices.
  /// - Parameter limit: keys at most.
  public func hotKeys(
    matching selectors: [InvalidationSelector], limit: Int
  ) async -> [[UInt8]] {
    var rules = InvalidationRules()
    for selector in selectors { rules.append(InvalidationRule(selector, sequence: .max)) }
    return await onOwnThread { [self, rules] in collectHot(rules, limit: limit) } ?? []
  }

  private func collectHot(_ rules: InvalidationRules, limit: Int) -> [[UInt8]] {
    // By hits, which eviction counts up to 3.
    var found: [[[UInt8]]] = [[], [], [], []]
    for shard in memory.shards {
      var next: UInt32? = 0
      while let start = next {
        let page = shard.collect(from: start, count: MemoryTier.walkCount) { object in
          object.hits > 0 && object.kind.isWholeResponse
            && object.withSubject { rules.match($0, newerThan: 0) != nil }
        }
        for object in page.objects {
          let level = min(Int(object.hits), 3)
          if found[level].count < limit { found[level].append(object.withKey { [UInt8]($0) }) }
        }
        next = page.next
      }
    }
    return Array((found[3] + found[2] + found[1]).prefix(limit))
  }
}
