import CacheStore
import HTTPMessage

extension StoredObject {
  /// The field lines of the head: all of it, but for what stands before them in a partial or a
  /// compressed object.
  func withLines<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    switch kind {
    case .partial:
      if let partial = PartialObject(self) { return partial.withLines(body) }
    case .compressed:
      if let compressed = CompressedObject(self) { return compressed.withLines(body) }
    case .response, .compressible, .inflatable, .variantList: break
    }
    return withHead(body)
  }

  /// Whether it is a response with the whole of its body, in whatever form.
  var isWhole: Bool { kind.isWholeResponse }

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
    case .response, .compressible, .compressed, .inflatable: true
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
