/// CloudFront's API on the admin listener.
public struct CloudFrontConfiguration: Sendable {
  /// An access key; both halves are the operator's to make up.
  public struct Key: Sendable {
    /// The half that requests name.
    public var id: String
    /// The half that signs.
    public var secret: String

    /// A key.
    public init(id: String, secret: String) {
      self.id = id
      self.secret = secret
    }
  }

  /// The distribution's id, which stands in the paths.
  public var distribution: String
  /// The keys that requests may be signed with.
  public var keys: [Key]

  /// An API for one distribution.
  public init(distribution: String, keys: [Key]) {
    self.distribution = distribution
    self.keys = keys
  }
}
