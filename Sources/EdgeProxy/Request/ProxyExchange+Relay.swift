import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore

// What a relayed response means for what is stored.
extension ProxyExchange {
  /// Takes notice of the origin's answer to a relayed request; false when what is stored is better,
  /// and is being delivered instead.
  func takeNotice(of response: OriginResponseHead, sentAt requestTimeSeconds: Int64) -> Bool {
    if route.rules.unsafeMethodsInvalidate,
      UnsafeInvalidation.applies(method: head.method, status: response.status)
    {
      loop.invalidateTargets(of: head, response: response)
      loop.invalidateGroups(of: head, response: response)
    }
    machine.outcome.forwardStatus = response.status
    guard head.method == .head, let object, object.metadata.kind != .variantList else {
      return true
    }
    switch response.status {
    case 500, 502, 503, 504:
      guard mayServeStale(isUnreachable: false) else { return true }
      leaveRelay(answering: response.status)
      return false
    default:
      update(object, by: response, sentAt: requestTimeSeconds)
      return true
    }
  }

  /// A HEAD's answer freshens what GET stored, or shows that it is out of date
  /// (RFC 9111 section 4.3.5).
  private func update(
    _ object: StoredObject, by response: OriginResponseHead, sentAt requestTimeSeconds: Int64
  ) {
    let stored = FieldBlock(lines: object.withLines { ByteBuffer(bytes: $0) })
    let update: HeadUpdate =
      response.status == 304
      ? (StorePolicy.selects(stored: stored, notModified: response) ? .freshen : .none)
      : StorePolicy.headUpdates(
        stored: stored, storedStatus: Int(object.metadata.status),
        storedLength: object.originCount,
        response: response)
    switch update {
    case .none: break
    case .invalidate: loop.shared.store.remove(object.hash)
    case .freshen:
      var request = judgedRequest(sentAt: requestTimeSeconds)
      request.head.method = .get
      request.fetchSequence = object.metadata.fetchSequence
      if let freshened = loop.freshen(object, by: response, for: request) {
        loop.shared.store.insert(freshened)
      }
    }
  }

  /// Whether an invalidation since `fetchSequence` concerns the request's target.
  func isOvertaken(since fetchSequence: UInt64) -> Bool {
    guard fetchSequence < loop.shared.store.sequence else { return false }
    loop.writeKey(of: head, route: route)
    return loop.key.withUnsafeReadableBytes {
      loop.shared.store.isInvalidated(key: $0, tags: [], fetchSequence: fetchSequence)
    }
  }

  /// The recorder of a POST's answer that later GET requests may have; nil for all others.
  func postRecorder(
    _ response: OriginResponseHead, sentAt requestTimeSeconds: Int64
  ) -> PostRecorder? {
    guard head.method == .post, route.rules.isCachingEnabled,
      StorePolicy.isStorablePost(request: head, response: response, rules: route.rules)
    else { return nil }
    loop.writeKey(of: head, route: route)
    var request = judgedRequest(sentAt: requestTimeSeconds)
    request.key = loop.key
    return PostRecorder(
      loop.judge(response, for: request), store: loop.shared.store,
      limitBytes: loop.shared.configuration.largestMemoryObjectBytes, route: route)
  }

  private func judgedRequest(sentAt requestTimeSeconds: Int64) -> JudgedRequest {
    JudgedRequest(
      head: head, routeIndex: routeIndex, content: nil, key: key,
      requestTimeSeconds: requestTimeSeconds, fetchSequence: loop.shared.store.sequence,
      previous: nil)
  }
}
