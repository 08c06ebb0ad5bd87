/// What invalidations are compared with: an object, a fill under way, or a record on disk. Views
/// into memory of the owner's, valid during the comparison.
struct InvalidationSubject {
  /// What some selectors ask for beside the key and the tags.
  struct Attributes {
    var status: UInt16
    var route: UInt16
    var responseTimeSeconds: Int64
  }

  /// The full normalized key.
  let key: UnsafeRawBufferPointer
  /// The number at which its fetch began.
  let fetchSequence: UInt64
  /// Its tags; unknown ones are matched by every tag.
  var tags = TagList.none
  /// Nil when they are not known: every status, route and age matches then.
  var attributes: Attributes?
}

extension StoredObject {
  /// Calls `body` with this object as invalidations see it.
  @inline(__always)
  func withSubject<Result>(_ body: (InvalidationSubject) -> Result) -> Result {
    withKeyAndTags { key, tags in
      let packed = withHeader { $0.pointee.metadata }
      return body(
        InvalidationSubject(
          key: key, fetchSequence: packed.sequence, tags: tags, attributes: packed.attributes))
    }
  }
}
