/// A password or key from the configuration. It never shows in a description, a dump or a log.
///
/// Equality is not constant-time; compare credentials with the functions of `EdgeSecurity`.
public struct Secret: Sendable, Equatable {
  /// What every textual form of a secret shows instead of its value.
  public static let placeholder = "(set)"

  /// The value itself. Name the use where it is read; do not store it elsewhere.
  public let exposedValue: String

  /// Wraps a value that must not be shown.
  public init(_ value: String) {
    exposedValue = value
  }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// The placeholder.
  public var description: String { Secret.placeholder }
  /// The placeholder.
  public var debugDescription: String { Secret.placeholder }
  /// A mirror without children, so that `dump` shows nothing either.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
