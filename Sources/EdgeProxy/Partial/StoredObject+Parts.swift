import CacheStore
import HTTPMessage

extension StoredObject {
  /// The field lines of the head: all of it, but for the table of a partial object.
  func withLines<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    if metadata.kind == .partial, let partial = PartialObject(self) {
      return partial.withLines(body)
    }
    return withHead(body)
  }

  /// The answer from stored parts, which must hold what the request asks for.
  func partialAnswer(to request: RequestHead, boundary: @autoclosure () -> UInt64) -> StoredAnswer {
    guard let partial = PartialObject(self),
      let answer = partial.answer(to: request, boundary: boundary())
    else { preconditionFailure("an answer from parts that do not hold it") }
    return answer
  }

  /// Whether it holds all that the answer to `request` needs.
  func holdsAnswer(to request: RequestHead) -> Bool {
    switch metadata.kind {
    case .response: true
    case .partial: PartialObject(self)?.answer(to: request, boundary: 0) != nil
    case .variantList: false
    }
  }
}

extension ProxyLoop {
  /// Judges stored parts for a request, as ``judge(_:_:_:_:)`` does a whole response; those that
  /// cannot be read are none.
  func judgeParts(
    _ object: StoredObject, _ found: inout Lookup, _ head: RequestHead, _ route: Route
  ) {
    guard let partial = PartialObject(object) else {
      found.object = nil
      found.verdict = .absent
      return
    }
    judge(object, &found, head, route)
    if partial.answer(to: head, boundary: 0) == nil { found.verdict = .partAbsent }
  }
}
