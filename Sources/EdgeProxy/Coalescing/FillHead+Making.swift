import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore

extension FillHead {
  /// A head that is passed on and not stored.
  convenience init(
    passing response: OriginResponseHead, refusal: ResultReason, isKeyUncacheable: Bool,
    via: ByteBuffer
  ) {
    self.init(
      status: response.status, lines: Self.passedLines(response, via: via),
      contentLength: response.contentLength,
      refusal: refusal, isKeyUncacheable: isKeyUncacheable, freshness: nil, ageSeconds: nil,
      variants: nil, variantValues: ByteBuffer(), primaryKey: ByteBuffer(),
      storedKey: ByteBuffer(), metadata: ObjectMetadata())
  }

  private static func passedLines(_ response: OriginResponseHead, via: ByteBuffer) -> ByteBuffer {
    var fields = FieldBlock(capacity: response.fields.bytes.readableBytes + 64)
    fields.append(contentsOf: response.fields, except: [.contentLength, .xCache])
    via.withUnsafeReadableBytes { fields.append(.via, value: $0) }
    return fields.bytes
  }

  /// A head that is stored.
  convenience init(
    storing fields: FieldBlock, response: OriginResponseHead, freshness: Freshness,
    metadata: ObjectMetadata, variants: VariantList?, request: RequestHead, rules: KeyRules,
    primaryKey: ByteBuffer, via: ByteBuffer, tags: [UInt64]
  ) {
    var key = primaryKey
    var values = ByteBuffer()
    if let variants {
      variants.fields.writeVariantKey(request: request, rules: rules, into: &values)
      VariantList.extend(&key, salt: variants.salt) { $0.writeImmutableBuffer(values) }
    }
    let ageSeconds = response.fields.contains(.age) ? freshness.initialAgeSeconds : nil
    self.init(
      status: response.status, lines: fields.bytes, contentLength: response.contentLength,
      refusal: nil, isKeyUncacheable: false, freshness: freshness, ageSeconds: ageSeconds,
      variants: variants, variantValues: values, primaryKey: primaryKey, storedKey: key,
      metadata: metadata,
      ownLines: freshness.flags.contains(.withholdsFields)
        ? Self.passedLines(response, via: via) : nil, tags: tags)
  }

  /// The same head, now not stored for `refusal`.
  convenience init(refusing refusal: ResultReason, _ head: FillHead) {
    self.init(
      status: head.status, lines: head.lines, contentLength: head.contentLength, refusal: refusal,
      isKeyUncacheable: false, freshness: nil, ageSeconds: head.ageSeconds,
      variants: head.variants, variantValues: head.variantValues, primaryKey: head.primaryKey,
      storedKey: head.storedKey, metadata: head.metadata, ownLines: head.ownLines,
      tags: head.tags,
      stretch: head.stretch, originStatus: head.originStatus)
  }

  /// What the store keeps beside a head of these fields (a built block) and its body; `route` is
  /// the number of a ``RouteIdentity``.
  static func metadata(
    of fields: FieldBlock, status: Int, freshness: Freshness, route: UInt16, fetchSequence: UInt64
  ) -> ObjectMetadata {
    var metadata = ObjectMetadata()
    metadata.status = UInt16(clamping: status)
    metadata.route = route
    metadata.freshness = freshness
    metadata.fetchSequence = fetchSequence
    if let entry = fields.entries.first(where: { $0.known == .etag }) {
      metadata.etagOffset = entry.valueOffset
      metadata.etagCount = UInt16(clamping: Int(entry.valueCount))
    }
    metadata.lastModifiedSeconds =
      fields.withFirst(.lastModified) { HTTPDate.parse($0) }
      .flatMap { $0 } ?? .min
    metadata.dateSeconds =
      fields.withFirst(.date) { HTTPDate.parse($0) }
      .flatMap { $0 } ?? freshness.responseTimeSeconds
    let staleSeconds = max(
      freshness.staleWhileRevalidateSeconds, freshness.staleIfErrorSeconds,
      freshness.flags.contains(.hasValidator) ? Self.validatableStaleSeconds : 0)
    metadata.usefulUntilSeconds =
      freshness.responseTimeSeconds
      .addingReportingOverflow(freshness.remainingSeconds(now: freshness.responseTimeSeconds))
      .partialValue.addingReportingOverflow(staleSeconds).partialValue
    return metadata
  }

  /// How long a stale response with a validator is worth keeping: a 304 saves its body. A week.
  private static let validatableStaleSeconds: Int64 = 7 * 86_400
}
