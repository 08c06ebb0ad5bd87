/// Reads one scalar of an option: its words, its type, its range. Environment references are
/// already replaced. Faults continue "'option' ".
struct ScalarReader {
  let option: ConfigurationOption

  /// Reads `text`. `shown` is the text as the file has it; messages quote it, so that what came
  /// from the environment is never shown.
  func read(_ text: String, shown: String) throws(ValueFault) -> ConfigurationValue {
    if let word = word(text) { return .word(word) }
    let value: ConfigurationValue
    do {
      value = try parse(text)
    } catch {
      throw ValueFault(message: describe(error, text: text, shown: shown))
    }
    try checkRange(value, shown: shown)
    return value
  }

  /// `off` and `no` also match what other YAML tools write for them.
  private func word(_ text: String) -> String? {
    if option.words.contains(text) { return text }
    let lowercased = text.lowercased()
    if option.words.contains(lowercased) { return lowercased }
    guard lowercased == "false" || lowercased == "no" || lowercased == "off" else { return nil }
    return option.words.first { $0 == "off" || $0 == "no" }
  }

  private func parse(_ text: String) throws(ValueFault) -> ConfigurationValue {
    switch option.type {
    case .duration: return .duration(try DurationText.parse(text))
    case .size: return .size(try SizeText.parse(text))
    case .count: return .count(try parseCount(text))
    case .boolean: return .boolean(try parseBoolean(text))
    case .listenAddress: return .listenAddress(try .parse(text))
    case .addressBlock: return .text(try AddressBlockText.parse(text))
    case .serverURL: return .server(try .parse(text))
    case .routePattern: return .pattern(try RoutePattern.parse(text))
    case .authority: return .text(try parseAuthority(text))
    case .token: return .text(try parseToken(text))
    case .fieldName: return .text(try parseToken(text).lowercased())
    case .text, .path, .originName, .secretFile: return .text(try parseText(text))
    case .secret:
      guard !text.isEmpty else { throw ValueFault(message: "must not be empty") }
      return .secret(Secret(text))
    case .word:
      throw ValueFault(
        message: "cannot be '\(text)' "
          + Spelling.hint(for: text, known: option.words, label: "allowed"))
    case .section, .list, .map:
      throw expected(text)
    }
  }

  /// What is wrong, with the words that would do and without values from the environment.
  private func describe(_ fault: ValueFault, text: String, shown: String) -> String {
    let message =
      text == shown || text.isEmpty ? fault.message : "must be \(option.type.form), not '\(shown)'"
    guard !option.words.isEmpty, option.type != .word else { return message }
    if let near = Spelling.nearest(to: shown, in: option.words) {
      return "cannot be '\(shown)' (did you mean '\(near)'?)"
    }
    let words = option.words.map { "'\($0)'" }.joined(separator: " or ")
    return message.hasSuffix(")")
      ? message.dropLast() + "; or write \(words))" : message + " (or write \(words))"
  }

  private func parseCount(_ text: String) throws(ValueFault) -> Int {
    let digits = text.filter { $0 != "_" }
    guard !digits.isEmpty, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), !text.hasPrefix("_")
    else {
      if Int(text) != nil, text.hasPrefix("-") {
        throw ValueFault(message: "cannot be negative, but is '\(text)'")
      }
      throw ValueFault(
        message: "must be a whole number\(option.unit.map { " of \($0)" } ?? ""), not '\(text)'")
    }
    // A number beyond Int is beyond every maximum; the range check then names the limit.
    return Int(digits) ?? Int.max
  }

  private func parseBoolean(_ text: String) throws(ValueFault) -> Bool {
    switch text.lowercased() {
    case "true", "yes", "on": return true
    case "false", "no", "off": return false
    default: throw expected(text)
    }
  }

  private func parseAuthority(_ text: String) throws(ValueFault) -> String {
    guard let (host, port) = HostAndPort.split(text), HostAndPort.canonical(host) != nil,
      port.map({ HostAndPort.portNumber($0) != nil }) ?? true
    else { throw expected(text) }
    return text.lowercased()
  }

  /// A token of RFC 9110, section 5.6.2.
  private func parseToken(_ text: String) throws(ValueFault) -> String {
    let isToken = text.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
      }
    }
    guard isToken, 1...256 ~= text.utf8.count else { throw expected(text) }
    return text
  }

  private func parseText(_ text: String) throws(ValueFault) -> String {
    guard !text.isEmpty else { throw ValueFault(message: "must not be empty") }
    guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
      throw ValueFault(message: "must not hold control characters")
    }
    return text
  }

  private func expected(_ text: String) -> ValueFault {
    ValueFault(message: "must be \(option.type.form), not '\(text)'")
  }
}

/// Ranges. The bounds stand in the table as they would be written.
extension ScalarReader {
  private func checkRange(_ value: ConfigurationValue, shown: String) throws(ValueFault) {
    guard option.type.isOrdered else { return }
    if let minimum = option.minimum, let bound = try? parse(minimum), value < bound {
      throw ValueFault(message: "is \(shown), below the minimum of \(minimum) \(allowed)")
    }
    if let maximum = option.maximum, let bound = try? parse(maximum), bound < value {
      throw ValueFault(message: "is \(shown), above the maximum of \(maximum) \(allowed)")
    }
  }

  private var allowed: String { "(\(option.range))" }
}

extension ConfigurationValue {
  /// Whether both are quantities of one kind and the left one is smaller.
  fileprivate static func < (left: ConfigurationValue, right: ConfigurationValue) -> Bool {
    switch (left, right) {
    case (.count(let left), .count(let right)): left < right
    case (.size(let left), .size(let right)): left < right
    case (.duration(let left), .duration(let right)): left < right
    default: false
    }
  }
}

extension ConfigurationOption {
  /// The allowed range in words: `allowed: 1 to 1000 connections, or unlimited`.
  var range: String {
    let unit = unit.map { " \($0)" } ?? ""
    let bounds =
      switch (minimum, maximum) {
      case (let minimum?, let maximum?): "\(minimum) to \(maximum)\(unit)"
      case (let minimum?, nil): "at least \(minimum)\(unit)"
      case (nil, let maximum?): "at most \(maximum)\(unit)"
      case (nil, nil): "any"
      }
    return (["allowed: " + bounds] + words.map { "or \($0)" }).joined(separator: ", ")
  }
}
