/// Something about the files of a TLS listener that keeps it from working, or soon will.
public struct TLSFinding: Error, Sendable, Equatable, CustomStringConvertible {
  /// Which of the configuration's values it is about.
  public enum Subject: Sendable, Equatable {
    case certificate
    case key
    case authorities
    case names
  }

  /// Which of the configuration's values it is about.
  public var subject: Subject
  /// The file it is found in.
  public var file: String
  /// What is wrong; continues a sentence about the file, as in "which expired at ...".
  public var reason: String
  /// Whether the listener works all the same, for now.
  public var isWarning: Bool

  /// A fault, or a warning.
  public init(subject: Subject, file: String, reason: String, isWarning: Bool = false) {
    self.subject = subject
    self.file = file
    self.reason = reason
    self.isWarning = isWarning
  }

  /// The file and the reason.
  public var description: String { "\(file) \(reason)" }
}

/// A TLS listener that cannot be opened: every fault of its files.
public struct TLSConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// At least one.
  public var faults: [TLSFinding]

  /// Each file with its reason.
  public var description: String {
    "TLS: " + faults.map(\.description).joined(separator: "; ")
  }
}
