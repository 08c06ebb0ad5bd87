/// The limits of one head or trailer section; what exceeds them is refused while it arrives.
public struct HeadLimits: Sendable, Equatable {
  /// Bytes of the whole section, line ends included; at most 1 MiB.
  public var headSizeBytes: Int
  /// Bytes of the request target.
  public var targetSizeBytes: Int
  /// How many field lines.
  public var fieldCount: Int

  /// Limits of this size. A head must fit in 1 MiB, so that every place in it fits its range.
  public init(headSizeBytes: Int = 32 << 10, targetSizeBytes: Int = 8 << 10, fieldCount: Int = 100)
  {
    precondition((1...(1 << 20)).contains(headSizeBytes), "headSizeBytes \(headSizeBytes)")
    self.headSizeBytes = headSizeBytes
    self.targetSizeBytes = targetSizeBytes
    self.fieldCount = fieldCount
  }
}
