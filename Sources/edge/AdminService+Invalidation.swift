import AdminAPI
import CacheStore
import EdgeConfig
import EdgeProxy
import Observability

extension AdminService {
  func invalidate(
    _ selectors: [InvalidationSelector], kind: InvalidationKind, isFollowed: Bool
  ) async -> InvalidationReceipt {
    metrics.loops.first?.count(.invalidationsByAPI)
    return await store.invalidate(widened(selectors), kind: kind, isFollowed: isFollowed)
  }

  func purge(
    target: String, host: String?, kind: InvalidationKind
  ) async -> InvalidationReceipt {
    metrics.loops.first?.count(.invalidationsByPurge)
    return await store.invalidate(
      widened([.url(host: host, target: target, ignoresQuery: false)]), kind: kind,
      isFollowed: false)
  }

  func progress(of sequence: UInt64) -> InvalidationProgress? {
    store.invalidationProgress(sequence)
  }

  func countMatches(
    _ selectors: [InvalidationSelector], sampleLimit: Int
  ) async -> InvalidationCount {
    await store.countMatches(widened(selectors), sampleLimit: sampleLimit)
  }

  func refresh(_ selectors: [InvalidationSelector]) async -> RefreshResult {
    guard let refresher else { return RefreshResult() }
    return await refresher.refresh(
      await store.hotKeys(matching: widened(selectors), limit: refreshLimit))
  }

  var routeNames: [String] { shared.routeNames }

  /// What stands under a key that No-Vary-Search reduced has lost its query there: a selector of
  /// one URL with a query takes all such responses of the path.
  private func widened(_ selectors: [InvalidationSelector]) -> [InvalidationSelector] {
    guard shared.hasSearchRecords else { return selectors }
    return selectors
      + selectors.compactMap { selector in
        let (host, target): (String?, String)
        switch selector {
        case .url(let namedHost, let url, false): (host, target) = (namedHost, url)
        case .path(let namedHost, let pattern): (host, target) = (namedHost, pattern)
        default: return nil
        }
        guard let mark = target.firstIndex(of: "?") else { return nil }
        return .path(host: host, pattern: String(target[..<mark]))
      }
  }
}

extension AdminConfiguration {
  /// Takes over what the file says of invalidations.
  mutating func take(_ file: EdgeConfiguration.Invalidation, jobsFolder: String?) {
    jobsFile = file.jobsFile ?? jobsFolder.map { $0 + "/jobs" }
    cloudFront = file.cloudFront.map { section in
      CloudFrontConfiguration(
        distribution: section.distribution,
        keys: section.keys.map { .init(id: $0.id, secret: $0.secret.exposedValue) })
    }
    events = file.events.map { event in
      var configuration = EventConfiguration(
        name: event.name, secret: event.secret.exposedValue,
        signatureField: event.signatureField)
      configuration.signature = event.signature == .timed ? .timed : .content
      configuration.tags = event.tags
      configuration.paths = event.paths
      configuration.urls = event.urls
      configuration.host = event.host
      configuration.kind = event.kind.rawValue
      return configuration
    }
  }
}

extension Refresher.Pace {
  /// The pace that the file says.
  init(_ file: EdgeConfiguration.Invalidation.Refresh) {
    self.init()
    concurrency = file.concurrency
    perSecond = file.perSecond
  }
}
