import HTTPMessage

/// What a request came to and why: everything that Cache-Status, X-Cache, the access log and the
/// metrics say of it.
public struct RequestOutcome: Sendable, Equatable {
  /// The result.
  public var result: CacheResult = .refused
  /// Why.
  public var reason: ResultReason = .noRoute
  /// Why it went forward; nil for a hit.
  public var forward: ForwardReason?
  /// Whether it shared another request's fetch.
  public var isCollapsed = false
  /// Whether the response is being stored.
  public var isStored = false
  /// The origin's status, when it answered.
  public var forwardStatus: Int?
  /// Seconds of freshness left when the response was chosen; negative when stale; nil for a
  /// response that is not stored.
  public var remainingSeconds: Int64?
  /// How the fetch failed, when the answer is an error for that.
  var failure: OriginFailure.Kind?
}

/// The way of one request, as a list of steps: receive, look up, then hit, stale, miss or pass;
/// coalesce, fetch, deliver.
///
/// Synchronous: an event goes in, the next action comes out; no I/O, no clock, no reference to
/// anything that has them. ``ProxyLoop`` and ``ProxyExchange`` carry the actions out. Owner: the
/// request's event loop. Invariant: ``outcome`` names exactly one reason once ``phase`` is
/// delivering or finished.
struct RequestStateMachine {
  /// Where the request stands.
  enum Phase: Equatable {
    case received, lookingUp, loading, awaitingFill, delivering, finished
  }

  /// What happened.
  enum Event: Equatable {
    /// A route took the request; `pass` says why the cache has no say in it, if so.
    case received(pass: ResultReason?)
    /// No route takes it.
    case unrouted
    /// It has come through this edge already (RFC 8586).
    case looped
    /// It asks for a WebSocket in a way that no server should take.
    case badUpgrade(status: Int)
    /// The store answered, judged by the policy.
    case lookedUp(LookupVerdict)
    /// The disk could not bring what its index promised.
    case loadFailed
    /// The response head of the fill arrived, judged for this request.
    case fillAnswered(FillVerdict)
    /// The fill failed before its head.
    case fillFailed(OriginFailure.Kind, mayServeStale: Bool)
    /// The leader took too long to bring a head.
    case coalesceTimedOut
    /// The response has been handed over whole, or cut short.
    case ended
  }

  /// What the store and the policy say of a key.
  enum LookupVerdict: Equatable {
    case fresh
    /// Stale, inside its stale-while-revalidate window.
    case staleWhileRevalidate
    /// Stored, but the origin must be asked first.
    case mustRevalidate(ResultReason)
    case absent
    /// Parts are stored, but not all that the request asks for.
    case partAbsent
    /// Other variants are stored, this one is not.
    case variantAbsent
    case onDisk
    /// The key is remembered as one whose responses are not stored.
    case knownUncacheable
  }

  /// What a fill's head means for this request.
  enum FillVerdict: Equatable {
    /// It answers this request; `refusal` says why it is not stored, if so.
    case answers(status: Int, refusal: ResultReason?)
    /// The stored response was confirmed by a 304.
    case confirmed
    /// It brings a part of the response that does not answer this request: fetch the whole.
    case otherRange
    /// It is for another variant: look up again, now that the varying fields are known.
    case otherVariant
    /// It may serve only the request that fetched it: ask the origin oneself.
    case notShareable(ResultReason)
    /// An error that the stale stored response is better than.
    case staleIsBetter(status: Int)
  }

  /// What is to be done next.
  enum Action: Equatable {
    case lookUp
    case load
    /// Answer from the store.
    case deliverStored
    /// Answer from the store and fetch in the background.
    case deliverStoredAndRefresh
    /// Join the fill of this key, or begin it.
    case fetch(revalidates: Bool)
    /// Follow the joined fill's body.
    case deliverFill
    /// Relay request and response without the cache.
    case pass
    /// Answer with an error of the edge's own.
    case refuse(status: Int)
    case finish
  }

  private(set) var phase = Phase.received
  var outcome = RequestOutcome()
  /// Whether the client takes nothing but a stored response (RFC 9111 section 5.2.1.7).
  let isOnlyIfCached: Bool
  /// Whether the request is a HEAD: what is stale is not validated for it, but asked about by HEAD,
  /// whose answer freshens or removes what is stored (RFC 9111 section 4.3.5).
  let isHead: Bool

  init(isOnlyIfCached: Bool, isHead: Bool = false) {
    self.isOnlyIfCached = isOnlyIfCached
    self.isHead = isHead
  }

  /// Takes one event and says what to do next.
  mutating func handle(_ event: Event) -> Action {
    switch event {
    case .unrouted: return refuse(404, .refused, .noRoute)
    case .looped: return refuse(508, .refused, .loop)
    case .badUpgrade(let status): return refuse(status, .refused, .badUpgrade)
    case .received(let pass): return received(pass)
    case .lookedUp(let verdict): return lookedUp(verdict)
    case .loadFailed:
      outcome.reason = .brokenOnDisk
      return fetch(.uriMiss, .brokenOnDisk)
    case .fillAnswered(let verdict): return fillAnswered(verdict)
    case .fillFailed(let kind, let mayServeStale): return fillFailed(kind, mayServeStale)
    case .coalesceTimedOut: return pass(.coalesceTimeout, .uriMiss)
    case .ended:
      phase = .finished
      return .finish
    }
  }

  private mutating func received(_ passReason: ResultReason?) -> Action {
    precondition(phase == .received, "request received twice, in phase \(phase)")
    if let passReason {
      if isOnlyIfCached { return refuse(504, .refused, .onlyIfCached) }
      return pass(passReason, passReason == .methodNotCached ? .method : .bypass)
    }
    phase = .lookingUp
    return .lookUp
  }

  private mutating func lookedUp(_ verdict: LookupVerdict) -> Action {
    switch verdict {
    case .fresh:
      return deliver(.hit, phase == .loading ? .freshOnDisk : .fresh)
    case .staleWhileRevalidate:
      _ = deliver(.staleHit, .staleWhileRevalidate)
      return .deliverStoredAndRefresh
    case .onDisk:
      phase = .loading
      return .load
    case .mustRevalidate(let reason):
      if isOnlyIfCached { return refuse(504, .refused, .onlyIfCached) }
      phase = isHead ? .delivering : .awaitingFill
      outcome.result = .miss
      outcome.reason = reason
      outcome.forward = reason == .requestDirective ? .request : .stale
      return isHead ? .pass : .fetch(revalidates: true)
    case .absent: return fetch(.uriMiss, .absent)
    case .variantAbsent: return fetch(.varyMiss, .variantAbsent)
    case .partAbsent: return fetch(.partial, .partAbsent)
    case .knownUncacheable:
      if isOnlyIfCached { return refuse(504, .refused, .onlyIfCached) }
      return pass(.uncacheableKey, .uriMiss)
    }
  }

  private mutating func fetch(_ forward: ForwardReason, _ reason: ResultReason) -> Action {
    if isOnlyIfCached { return refuse(504, .refused, .onlyIfCached) }
    phase = .awaitingFill
    outcome.result = .miss
    outcome.reason = reason
    outcome.forward = forward
    return .fetch(revalidates: false)
  }

  private mutating func fillAnswered(_ verdict: FillVerdict) -> Action {
    switch verdict {
    case .answers(let status, let refusal):
      phase = .delivering
      outcome.result = .miss
      outcome.forwardStatus = status
      outcome.isStored = refusal == nil
      if let refusal { outcome.reason = refusal }
      if outcome.isCollapsed, refusal == nil { outcome.reason = .coalesced }
      return .deliverFill
    case .confirmed:
      outcome.forwardStatus = 304
      outcome.isStored = true
      return deliver(.refreshHit, .revalidated)
    case .staleIsBetter(let status):
      outcome.forwardStatus = status
      return deliver(.staleHit, .staleIfError)
    case .otherVariant:
      phase = .lookingUp
      outcome.isCollapsed = false
      return .lookUp
    case .otherRange:
      outcome.isCollapsed = false
      return fetch(outcome.forward ?? .partial, .partAbsent)
    case .notShareable(let reason):
      return pass(reason, outcome.forward ?? .uriMiss)
    }
  }

  private mutating func fillFailed(_ kind: OriginFailure.Kind, _ mayServeStale: Bool) -> Action {
    if mayServeStale { return deliver(.staleHit, .staleIfError) }
    let failure = OriginFailure(kind)
    outcome.failure = kind
    let reason: ResultReason =
      switch failure.status {
      case 504: .originTimedOut
      case 503: kind == .shutdown ? .shutdown : .originBusy
      default: .originFailed
      }
    return refuse(failure.status, .error, reason)
  }

  private mutating func deliver(_ result: CacheResult, _ reason: ResultReason) -> Action {
    phase = .delivering
    outcome.result = result
    outcome.reason = reason
    return .deliverStored
  }

  private mutating func pass(_ reason: ResultReason, _ forward: ForwardReason) -> Action {
    phase = .delivering
    outcome.result = .pass
    outcome.reason = reason
    outcome.forward = forward
    outcome.isCollapsed = false
    return .pass
  }

  private mutating func refuse(
    _ status: Int, _ result: CacheResult, _ reason: ResultReason
  ) -> Action {
    phase = .delivering
    outcome.result = result
    outcome.reason = reason
    return .refuse(status: status)
  }

  /// The relayed request failed before its head: the answer becomes an error of the edge's own.
  mutating func passFailed(_ kind: OriginFailure.Kind, _ mayServeStale: Bool) -> Action {
    fillFailed(kind, mayServeStale)
  }

  /// Notes that the request joined a fill that another one began.
  mutating func joined(asFollower isFollower: Bool) { outcome.isCollapsed = isFollower }
}
