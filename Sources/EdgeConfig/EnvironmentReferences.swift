/// `${NAME}` and `${NAME:-fallback}` in values; `$${` stands for `${` itself.
///
/// As in a shell the fallback also replaces an empty variable. A fallback is taken as it stands,
/// without references inside, and ends at the first `}`.
enum EnvironmentReferences {
  /// Replaces all references. Returns the text, and every fault that was met as a whole sentence.
  static func expand(
    _ text: String, environment: [String: String]
  ) -> (text: String, faults: [String]) {
    guard text.contains("${") else { return (text, []) }
    var result = ""
    var faults: [String] = []
    var rest = text[...]
    while let dollar = rest.firstRange(of: "${") {
      let before = rest[..<dollar.lowerBound]
      rest = rest[dollar.upperBound...]
      if before.hasSuffix("$") {
        result += before.dropLast() + "${"
        continue
      }
      result += before
      guard let close = rest.firstIndex(of: "}") else {
        faults.append("'${' has no closing '}' (write '$${' for the characters themselves)")
        return (result, faults)
      }
      switch lookup(rest[..<close], environment) {
      case .success(let value): result += value
      case .failure(let fault): faults.append(fault.message)
      }
      rest = rest[rest.index(after: close)...]
    }
    return (result + rest, faults)
  }

  /// Writes a text so that `expand` gives it back.
  static func escape(_ text: String) -> String {
    text.replacing("${", with: "$${")
  }

  private static func lookup(
    _ reference: Substring, _ environment: [String: String]
  ) -> Result<String, ValueFault> {
    let separator = reference.firstRange(of: ":-")
    let name = String(reference[..<(separator?.lowerBound ?? reference.endIndex)])
    let fallback = separator.map { String(reference[$0.upperBound...]) }
    guard isName(name) else {
      return .failure(
        ValueFault(
          message: "'${\(name)}' names no environment variable "
            + "(write ${NAME} or ${NAME:-fallback})"))
    }
    let value = environment[name]
    if let value, !value.isEmpty { return .success(value) }
    if let fallback { return .success(fallback) }
    let state = value == nil ? "not set" : "empty"
    return .failure(
      ValueFault(
        message: "the environment variable '\(name)' is \(state) "
          + "(set it, or write ${\(name):-fallback})"))
  }

  private static func isName(_ name: String) -> Bool {
    guard let first = name.utf8.first, !(0x30...0x39 ~= first) else { return false }
    return name.utf8.allSatisfy { byte in
      byte == UInt8(ascii: "_") || 0x30...0x39 ~= byte || 0x41...0x5A ~= byte
        || 0x61...0x7A ~= byte
    }
  }
}
