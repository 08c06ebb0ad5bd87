/// A place in a configuration file. Lines and columns count from one; columns count characters.
struct Place: Sendable, Hashable {
  let line: Int
  let column: Int

  /// The file as a whole, for faults that belong to no line.
  static let wholeFile = Place(line: 0, column: 0)
}

/// One fault in a configuration file, in words for the person who wrote the file.
public struct Diagnostic: Sendable, Hashable, CustomStringConvertible {
  /// The file as it was named when loading.
  public let file: String
  /// The line from one, or zero when the fault is about the file as a whole.
  public let line: Int
  /// The column in characters from one, or zero when the fault is about the file as a whole.
  public let column: Int
  /// What is wrong and how to mend it.
  public let message: String

  /// Creates a diagnostic; a line of zero stands for the file as a whole.
  public init(file: String, line: Int, column: Int, message: String) {
    self.file = file
    self.line = line
    self.column = column
    self.message = message
  }

  /// `edge.conf:12:5: message`, the form that editors and terminals turn into a link.
  public var description: String {
    line == 0 ? "\(file): \(message)" : "\(file):\(line):\(column): \(message)"
  }
}

/// Every fault of one configuration file, in the order of their places.
public struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The exit code of a command that stops at a faulty configuration (`EX_CONFIG`, sysexits.h).
  public static let exitCode: Int32 = 78

  /// At least one diagnostic, ordered by line and column.
  public let diagnostics: [Diagnostic]

  /// Creates the error from at least one diagnostic.
  public init(diagnostics: [Diagnostic]) {
    precondition(!diagnostics.isEmpty, "a configuration error names at least one fault")
    self.diagnostics = diagnostics
  }

  /// The diagnostics, one a line.
  public var description: String {
    diagnostics.map(\.description).joined(separator: "\n")
  }
}

/// Collects the faults found so far, so that one run reports all of them.
struct DiagnosticList {
  private typealias Finding = (place: Place, message: String)

  private var faults: [Finding] = []
  private var remarks: [Finding] = []

  var isEmpty: Bool { faults.isEmpty }

  mutating func report(_ message: String, at place: Place) {
    faults.append((place, message))
  }

  /// Notes what is allowed and probably not meant.
  mutating func warn(_ message: String, at place: Place) {
    remarks.append((place, "warning: " + message))
  }

  /// The error that holds all faults, or nil when there is none. Equal places keep their order.
  func error(file: String) -> ConfigurationError? {
    guard !faults.isEmpty else { return nil }
    return ConfigurationError(diagnostics: Self.ordered(faults, file: file))
  }

  /// What is allowed and probably not meant, by place.
  func warnings(file: String) -> [Diagnostic] { Self.ordered(remarks, file: file) }

  private static func ordered(_ findings: [Finding], file: String) -> [Diagnostic] {
    let ordered = findings.enumerated().sorted { left, right in
      (left.element.place.line, left.element.place.column, left.offset)
        < (right.element.place.line, right.element.place.column, right.offset)
    }
    return ordered.map { _, finding in
      Diagnostic(
        file: file, line: finding.place.line, column: finding.place.column,
        message: finding.message)
    }
  }
}

/// Why one value cannot be read; the text continues a sentence that begins with the option's name.
struct ValueFault: Error, Equatable {
  let message: String
}
