import CachePolicy
import HTTPMessage

/// What a request came to, as X-Cache, the access log and the metrics name it.
public enum CacheResult: UInt8, Sendable, CaseIterable {
  case hit, staleHit, refreshHit, miss, pass, error, refused

  /// The word that stands before `from NAME` in X-Cache, and in the access log.
  public var text: StaticString {
    switch self {
    case .hit: "Hit"
    case .staleHit: "StaleHit"
    case .refreshHit: "RefreshHit"
    case .miss: "Miss"
    case .pass: "Pass"
    case .error: "Error"
    case .refused: "Refused"
    }
  }
}

/// Why the request came to its result: one reason a request, shown as Cache-Status' `detail`
/// (RFC 9211 section 2.8) and in the access log.
public enum ResultReason: UInt8, Sendable, CaseIterable {
  case fresh, freshOnDisk, staleWhileRevalidate, staleIfError, revalidated
  case absent, stale, variantAbsent, revalidationChanged, coalesced, brokenOnDisk
  case methodNotCached, routeNotCached, requestDirective, uncacheableKey, coalesceTimeout
  case noStore, isPrivate, authorization, setCookie, varyAll, statusNotCached, partialContent
  case tooLarge, invalidatedDuringFetch, storeRefused, requestNoStore, neverFresh
  case requestContent, connectionOption, mustUnderstand, noCache, upgrade, routeReplaced
  case partAbsent
  case badUpgrade
  case onlyIfCached, noRoute, loop, lastRecipient, originFailed, originTimedOut, originBusy,
    clientClosed, shutdown
  case purge, purgeRefused
  case malformed, unsupported, tooLargeRequest, slowRequest, clientLimit

  /// The reason's words.
  public var text: StaticString { Self.texts[Int(rawValue)] }

  private static let texts: [StaticString] = [
    "fresh", "fresh-on-disk", "stale-while-revalidate", "stale-if-error", "revalidated",
    "not-stored-yet", "stale", "no-such-variant", "changed-at-origin", "coalesced",
    "unreadable-on-disk",
    "method", "route", "request-directive", "key-known-uncacheable", "coalesce-timeout",
    "no-store", "private", "authorization", "set-cookie", "vary-any", "status", "partial-content",
    "too-large", "invalidated-during-fetch", "store-refused", "request-no-store", "never-fresh",
    "request-content", "connection-option", "must-understand", "no-cache-without-validator",
    "upgrade", "route-replaced-during-fetch",
    "part-not-stored-yet",
    "bad-upgrade",
    "only-if-cached", "no-route", "loop", "max-forwards", "origin-failed", "origin-timeout",
    "origin-busy",
    "client-closed", "shutdown",
    "purge", "purge-refused",
    "malformed-request", "not-supported", "request-too-large", "request-timeout", "client-limit",
  ]
}

/// Why a request went forward: Cache-Status' `fwd` (RFC 9211 section 2.2).
public enum ForwardReason: UInt8, Sendable {
  case bypass, method, uriMiss, varyMiss, request, stale, partial

  /// The parameter's token.
  public var text: StaticString {
    switch self {
    case .bypass: "bypass"
    case .method: "method"
    case .uriMiss: "uri-miss"
    case .varyMiss: "vary-miss"
    case .request: "request"
    case .stale: "stale"
    case .partial: "partial"
    }
  }
}

extension ResultReason {
  /// The reason that a policy's refusal to store stands for.
  init(_ refusal: StoreRefusal) {
    switch refusal {
    case .routePasses: self = .routeNotCached
    case .method: self = .methodNotCached
    case .requestContent: self = .requestContent
    case .connectionOption: self = .connectionOption
    case .requestNoStore: self = .requestNoStore
    case .partial: self = .partialContent
    case .status: self = .statusNotCached
    case .noStore: self = .noStore
    case .mustUnderstand: self = .mustUnderstand
    case .isPrivate: self = .isPrivate
    case .noCache: self = .noCache
    case .authorization: self = .authorization
    case .setCookie: self = .setCookie
    case .varyAll: self = .varyAll
    case .zeroLifetime: self = .neverFresh
    }
  }

  /// The reason of a request that the front refused by itself.
  init(_ fault: RequestFault) {
    switch fault {
    case .unsupportedVersion, .unsupportedTransferEncoding, .unsupportedMethod,
      .unsupportedExpectation:
      self = .unsupported
    case .targetTooLong, .headTooLarge, .tooManyFields, .contentTooLarge: self = .tooLargeRequest
    case .headerTimeout, .bodyTimeout, .bodyTooSlow: self = .slowRequest
    case .tooManyConnections, .tooManyConnectionsOfAddress, .tooManyRequests: self = .clientLimit
    case .badRequestLine, .badMethod, .badTarget, .badVersion, .bareLineFeed, .badFieldName,
      .badFieldValue, .foldedField, .missingHost, .duplicateHost, .badHost, .hostMismatch,
      .badContentLength, .lengthAndTransferEncoding, .badTransferEncoding, .badChunk, .badTrailer:
      self = .malformed
    }
  }

  /// The reason that a request going past the cache stands for.
  init(_ pass: PassReason) {
    switch pass {
    case .routePasses: self = .routeNotCached
    case .method: self = .methodNotCached
    case .requestContent: self = .requestContent
    case .upgrade: self = .upgrade
    }
  }
}
