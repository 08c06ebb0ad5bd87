import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore

extension ProxyLoop {
  /// Explains a request by looking it up; `completion` is called on the loop, perhaps at once.
  func explain(_ head: RequestHead, completion: @escaping (Explanation) -> Void) {
    clock.refresh()
    guard let routeIndex = shared.routes.index(for: head) else {
      return completion(Explanation(result: "refuse", reason: ResultReason.noRoute.string))
    }
    let route = shared.routes.routes[routeIndex]
    if let pass = StorePolicy.mayAnswerFromCache(request: head, rules: route.rules) {
      var explanation = Explanation(result: "pass", reason: ResultReason(pass).string)
      explanation.route = route.name
      return completion(explanation)
    }
    // A QUERY is never answered by what GET stored; here it is one without content.
    let content = head.method == .query ? ByteBuffer() : nil
    explain(
      lookUp(head, route: route, content: content), head, route, tier: "memory", completion)
  }

  private func explain(
    _ found: Lookup, _ head: RequestHead, _ route: Route, tier: String,
    _ completion: @escaping (Explanation) -> Void
  ) {
    if let location = found.location {
      let key = key
      shared.store.load(location, hash: found.hash, key: key, on: eventLoop) { [self] loaded in
        self.key = key
        guard let loaded else {
          return completion(explanation(of: .init(.absent, found), route, tier: "disk"))
        }
        explain(
          judgeLoaded(loaded, head, route: route, found), head, route, tier: "disk", completion)
      }
      return
    }
    completion(explanation(of: found, route, tier: tier))
  }

  private func explanation(of found: Lookup, _ route: Route, tier: String) -> Explanation {
    let (result, reason) = found.verdict.explanation
    var explanation = Explanation(result: result, reason: reason.string)
    explanation.route = route.name
    explanation.key = key.readableBytesView.prefix(4096).map { byte -> String in
      byte >= 0x20 && byte < 0x7F ? String(UnicodeScalar(byte)) : " "
    }.joined()
    explanation.keyHash = found.hash.text
    if let object = found.object, object.isWhole {
      explanation.stored = Explanation.Stored(object, tier: tier, now: clock.wallSeconds)
    }
    explanation.variants = variants(primaryCount: found.primaryCount)
    return explanation
  }

  private func variants(primaryCount: Int) -> Explanation.Variants? {
    var primaryKey = key
    primaryKey.moveWriterIndex(to: primaryKey.readerIndex + primaryCount)
    return primaryKey.withUnsafeReadableBytes { bytes in
      let hash = shared.store.hasher.hash(bytes)
      guard
        case .memory(let object) = shared.store.lookup(
          hash, key: bytes, nowSeconds: clock.wallSeconds),
        let list = VariantList(object)
      else { return nil }
      return Explanation.Variants(
        fields: String(decoding: list.fields.names, as: UTF8.self).split(separator: ",").map(
          String.init), count: VariantList.members(of: object).count)
    }
  }
}

extension Explanation.Stored {
  /// A stored object as it stands at `now`, Unix seconds.
  init(_ object: StoredObject, tier: String, now: Int64) {
    let freshness = object.metadata.freshness
    self.init(
      status: Int(object.metadata.status), tier: tier, contentBytes: object.bodyCount,
      ageSeconds: freshness.age(now: now), lifetimeSeconds: freshness.lifetimeSeconds,
      remainingSeconds: freshness.remainingSeconds(now: now),
      staleWhileRevalidateSeconds: freshness.staleWhileRevalidateSeconds,
      staleIfErrorSeconds: freshness.staleIfErrorSeconds,
      lifetimeRow: freshness.trace?.row.rawValue, clamps: freshness.trace?.clamps.names ?? [],
      flags: freshness.flags.names)
  }
}

extension ProxyLoop.Lookup {
  /// The same look-up with another verdict and nothing found.
  fileprivate init(_ verdict: RequestStateMachine.LookupVerdict, _ found: ProxyLoop.Lookup) {
    self.init(verdict: verdict, hash: found.hash, primaryCount: found.primaryCount)
  }
}

extension RequestStateMachine.LookupVerdict {
  fileprivate var explanation: (result: String, reason: ResultReason) {
    switch self {
    case .fresh: ("hit", .fresh)
    case .staleWhileRevalidate: ("stale hit", .staleWhileRevalidate)
    case .mustRevalidate(let reason): ("revalidate", reason)
    case .absent: ("miss", .absent)
    case .variantAbsent: ("miss", .variantAbsent)
    case .partAbsent: ("miss", .partAbsent)
    case .onDisk: ("hit", .freshOnDisk)
    case .knownUncacheable: ("pass", .uncacheableKey)
    }
  }
}

extension ResultReason {
  /// The reason's words as a String.
  var string: String { "\(text)" }
}

extension KeyHash {
  /// 32 hexadecimal digits.
  var text: String {
    [high, low].map { half in
      let digits = String(half, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }
}

extension LifetimeClamps {
  /// The clamps in words.
  var names: [String] {
    let all: [(LifetimeClamps, String)] = [
      (.cutAtMaximum, "cut at the maximum"), (.raisedToMinimum, "raised to the minimum"),
      (.forced, "forced on what the origin forbids"),
      (.raisedToErrorMinimum, "raised to the errors' minimum"),
    ]
    return all.filter { contains($0.0) }.map(\.1)
  }
}

extension FreshnessFlags {
  /// The flags in words.
  var names: [String] {
    let all: [(FreshnessFlags, String)] = [
      (.mustRevalidate, "must-revalidate"), (.alwaysRevalidate, "no-cache"),
      (.immutable, "immutable"), (.explicitLifetime, "explicit lifetime"),
      (.noTransform, "no-transform"), (.mayServeStaleOnFailure, "stale if unreachable"),
      (.hasValidator, "has a validator"),
    ]
    return all.filter { contains($0.0) }.map(\.1)
  }
}
