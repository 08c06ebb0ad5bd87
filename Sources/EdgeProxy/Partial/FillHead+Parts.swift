import CachePolicy
import CacheStore
import HTTPMessage

extension FillHead {
  /// The same head over a fill whose content is put together as `composition` says.
  ///
  /// A head that is not stored gets the validators that the client's conditions are evaluated
  /// against, which otherwise only stored ones have.
  convenience init(_ head: FillHead, _ composition: PartComposition, nowSeconds: Int64) {
    var metadata = head.metadata
    if head.refusal != nil {
      metadata = Self.metadata(
        of: FieldBlock(lines: head.lines), status: head.status,
        freshness: Freshness(
          responseTimeSeconds: nowSeconds, initialAgeSeconds: 0, lifetimeSeconds: 0),
        route: RouteIdentity.none, fetchSequence: 0)
    }
    self.init(
      status: head.status, lines: head.lines, contentLength: composition.completeLength,
      refusal: head.refusal, isKeyUncacheable: head.isKeyUncacheable, freshness: head.freshness,
      ageSeconds: head.ageSeconds, variants: head.variants, variantValues: head.variantValues,
      primaryKey: head.primaryKey, storedKey: head.storedKey, metadata: metadata,
      ownLines: head.ownLines, tags: head.tags,
      stretch: composition.isWhole ? nil : composition.stretch, originStatus: 206)
  }

  /// How many bytes the fill brings; nil when that is not known.
  var contentCount: Int? { stretch?.count ?? contentLength }

  /// Whether the fill brings all that the answer to `request` needs.
  func holdsAnswer(to request: RequestHead) -> Bool {
    guard let stretch else { return true }
    return answer(to: request).pieces.allSatisfy { piece in
      guard case .body(let range) = piece else { return true }
      return stretch.lowerBound <= range.lowerBound && range.upperBound <= stretch.upperBound
    }
  }
}
