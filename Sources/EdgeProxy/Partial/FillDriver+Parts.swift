import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore

/// What a fill does with parts: a 206 is put together with what is stored, or stands alone; what
/// does not fit is asked for again, without the stored parts and at last without a range.
extension FillDriver {
  /// Adds Range, and the condition under which a part is wanted.
  func appendRange(to fields: inout FieldBlock) {
    guard let rangeFetch else { return }
    rangeFetch.range.withUnsafeReadableBytes { fields.append(.range, value: $0) }
    rangeFetch.ifRange?.withUnsafeReadableBytes { fields.append(.ifRange, value: $0) }
  }

  /// Takes the head of a 206 (RFC 9110 section 15.3.7).
  func takePart(_ response: OriginResponseHead) {
    guard let asked = rangeFetch else {
      // Nobody asked for a part: whatever it is, it is not what the clients wait for.
      return fail(OriginFailure(.malformed, detail: "206 to a request without Range"))
    }
    let part = ReceivedPart(response)
    if let base = asked.base {
      let validator = StrongValidator(response.fields, now: loop.clock.wallSeconds)
      if let part, let composition = PartComposition(part, validator: validator, base: base) {
        return begin(composition, combined(response, part, base))
      }
      noteChange(validator, part?.completeLength, base)
      guard let part, asked.isAnswered(by: part) else { return ask(asked.withoutBase) }
    }
    // The client reads from Content-Range what it has got.
    guard let part, asked.isAnswered(by: part) else { return accept(passing(response)) }
    begin(
      PartComposition(part), loop.judge(part.representation(of: response), for: request))
  }

  /// Takes the head of another answer to a request for a part; false when it is asked again.
  func mayTakeWhole(_ response: OriginResponseHead) -> Bool {
    guard let asked = rangeFetch else { return true }
    if response.status == 416 {
      // With stored parts this is no answer to what the client asked: the origin has a shorter
      // representation by now, and did not look at If-Range.
      guard let base = asked.base else {
        accept(passing(response))
        return false
      }
      outdated = base.partial.object
      ask(asked.withoutBase)
      return false
    }
    if response.status == 200 {
      // The stored parts' condition has failed, or the origin does not do parts: the whole takes
      // their place, and if it must not be stored they must not stay.
      outdated = asked.base?.partial.object
      rangeFetch = nil
      loop.shared.registry.promote(fill)
    }
    return true
  }

  private func begin(_ composition: PartComposition, _ head: FillHead) {
    self.composition = composition
    // A part that is all may be joined by others for the whole.
    if composition.isWhole { loop.shared.registry.promote(fill) }
    accept(FillHead(head, composition, nowSeconds: loop.clock.wallSeconds))
    guard !isEnded else { return }
    for chunk in composition.prefix { take(chunk) }
  }

  /// The stored parts are of a representation that the origin no longer has: unless something
  /// newer takes their place, they go.
  private func noteChange(
    _ validator: StrongValidator?, _ completeLength: Int?, _ base: RangeFetch.Base
  ) {
    let length = completeLength ?? base.partial.table.completeLength
    if validator != base.validator || length != base.partial.table.completeLength {
      outdated = base.partial.object
    }
  }

  /// Removes outdated parts, unless something else has been stored in their place.
  func removeOutdated() {
    guard let outdated else { return }
    let store = loop.shared.store
    let now = loop.clock.wallSeconds
    if case .memory(let present) = outdated.withKey({
      store.lookup(outdated.hash, key: $0, nowSeconds: now)
    }), !present.isIdentical(to: outdated) {
      return
    }
    store.remove(outdated.hash)
  }

  private func passing(_ response: OriginResponseHead) -> FillHead {
    FillHead(
      passing: response, refusal: .partialContent, isKeyUncacheable: false, via: loop.shared.via)
  }

  /// The head of a part put together with stored ones: the stored fields, updated by the part's
  /// (RFC 9111 section 3.4), which also say how long all of it is fresh from now on.
  private func combined(
    _ response: OriginResponseHead, _ part: ReceivedPart, _ base: RangeFetch.Base
  ) -> FillHead {
    let representation = part.representation(of: response)
    let (fields, decision) = StorePolicy.decideRefreshed(
      request: request.head, storedStatus: 200,
      stored: FieldBlock(lines: base.partial.withLines { ByteBuffer(bytes: $0) }),
      notModified: representation, requestTime: request.requestTimeSeconds,
      responseTime: loop.clock.wallSeconds,
      rules: loop.shared.routes.routes[request.routeIndex].rules,
      previous: base.partial.object.metadata.freshness)
    switch decision {
    case .refuse(let refusal):
      // The part took the right to keep them; together they still answer those who wait.
      outdated = base.partial.object
      let whole = OriginResponseHead(
        status: 200, fields: fields, contentLength: part.completeLength)
      return FillHead(
        passing: whole, refusal: ResultReason(refusal), isKeyUncacheable: refusal.concernsKey,
        via: loop.shared.via)
    case .store(let freshness, _):
      return loop.storing(fields, of: representation, freshness, for: request)
    }
  }

  // MARK: The end

  /// Keeps the fill's content beside the parts that are stored by now, if they are of the same
  /// representation, and makes a whole response of them when nothing is missing any more.
  func storePart(_ head: FillHead, _ stretch: Range<Int>) {
    let key = head.storedKey
    key.withUnsafeReadableBytes { key in
      let store = loop.shared.store
      let hash = store.hasher.hash(key)
      var content = PartContent(completeLength: head.contentLength ?? stretch.upperBound)
      if case .memory(let present) = store.lookup(
        hash, key: key, nowSeconds: loop.clock.wallSeconds)
      {
        // The whole has come in meanwhile, from a fetch that began no earlier.
        if present.isWhole, present.fetchBeganNoEarlier(than: head) { return }
        content = Self.content(of: present, fitting: head) ?? content
      }
      content.insert(fill.body(), at: stretch)
      let droppedBytes = content.trim(
        toBytes: loop.shared.configuration.largestMemoryObjectBytes, near: stretch)
      loop.metrics.count(.partsStored)
      loop.metrics.count(.partBytesDropped, by: droppedBytes)
      head.lines.withUnsafeReadableBytes { lines in
        insert(
          content.table.isComplete
            ? .make(
              hash: hash, key: key, head: lines, body: .buffers(content.body),
              metadata: head.metadata, tags: head.tags)
            : PartialObject.make(
              content, hash: hash, key: key, lines: lines, metadata: head.metadata,
              tags: head.tags))
      }
    }
  }

  /// The parts that `object` holds, if they may be combined with a part of `head`'s response.
  private static func content(of object: StoredObject, fitting head: FillHead) -> PartContent? {
    guard let partial = PartialObject(object), let body = partial.body,
      partial.table.completeLength == head.contentLength, let validator = partial.validator,
      validator == head.validator
    else { return nil }
    return PartContent(table: partial.table, body: body)
  }
}

extension RangeFetch {
  /// Whether a part answers the client without the stored ones.
  fileprivate func isAnswered(by part: ReceivedPart) -> Bool {
    guard !completesWhole, let asked else { return part.isWhole }
    guard let range = asked.resolved(length: part.completeLength) else { return false }
    return part.range.lowerBound <= range.lowerBound && range.upperBound <= part.range.upperBound
  }
}

extension FillHead {
  /// What its response must share with others to be combined with them.
  fileprivate var validator: StrongValidator? {
    let place = TextRange(offset: Int(metadata.etagOffset), count: Int(metadata.etagCount))
    return lines.withUnsafeReadableBytes { lines in
      StrongValidator(
        etag: place.isEmpty ? nil : place.slice(of: lines),
        lastModifiedSeconds: metadata.lastModifiedSeconds == .min
          ? nil : metadata.lastModifiedSeconds,
        dateSeconds: metadata.dateSeconds)
    }
  }
}

extension StoredObject {
  fileprivate func fetchBeganNoEarlier(than head: FillHead) -> Bool {
    metadata.fetchSequence >= head.metadata.fetchSequence
      && metadata.responseTimeSeconds >= head.metadata.responseTimeSeconds
  }
}
