/// Turns a YAML document into checked values by walking it along the option table. It never stops
/// at a fault: each is reported, and the faulty option is left without an entry.
struct ConfigurationDecoder {
  let environment: [String: String]
  /// Absolute folder from which relative paths count.
  let baseDirectory: String
  private(set) var diagnostics: DiagnosticList

  init(environment: [String: String], baseDirectory: String, diagnostics: DiagnosticList) {
    self.environment = environment
    self.baseDirectory = baseDirectory
    self.diagnostics = diagnostics
  }

  /// Decodes the whole file; nil stands for an empty one.
  mutating func decodeFile(_ node: YAMLNode?) -> ConfigurationSection {
    let start = Place(line: 1, column: 1)
    guard let node, !node.isNull else { return decodeSection([], OptionNode.root, at: start) }
    guard case .mapping(let pairs) = node.content else {
      diagnostics.report(
        "the file must be a set of options (name: value), not \(node.kind)", at: node.place)
      return ConfigurationSection(place: node.place)
    }
    return decodeSection(pairs, OptionNode.root, at: node.place)
  }

  private mutating func decodeSection(
    _ pairs: [YAMLNode.Pair], _ parent: OptionNode, at place: Place
  ) -> ConfigurationSection {
    var section = ConfigurationSection(place: place)
    var mentioned: Set<String> = []
    let known = parent.children.map(\.name)
    for pair in pairs {
      guard let child = parent.children.first(where: { $0.name == pair.key }) else {
        let near = Spelling.nearest(to: pair.key, in: known)
        if let near { mentioned.insert(near) }
        let hint = Spelling.hint(for: pair.key, known: known, label: "known here")
        diagnostics.report("unknown option '\(pair.key)' \(hint)", at: pair.keyPlace)
        continue
      }
      mentioned.insert(child.name)
      section[child.name] = decode(pair.value, child, name: child.name, keyPlace: pair.keyPlace)
    }
    section.written = mentioned
    // An option that was only misspelled is not reported a second time as missing.
    for child in parent.children where !mentioned.contains(child.name) {
      section[child.name] = defaultEntry(child, at: place)
    }
    return section
  }

  /// The value of an option that is not in the file; nil when it is unset or a missing one.
  private mutating func defaultEntry(_ node: OptionNode, at place: Place) -> ConfigurationEntry? {
    guard let option = node.option else { return nil }
    switch option.defaultValue {
    case .absent:
      return nil
    case .required:
      let example = option.example.map { " (such as \($0))" } ?? ""
      diagnostics.report("missing option '\(option.name)'\(example)", at: place)
      return nil
    case .text(let text):
      return ConfigurationEntry(
        value: defaultValue(text, node, option, at: place), place: place, isWritten: false)
    }
  }

  private mutating func defaultValue(
    _ text: String, _ node: OptionNode, _ option: ConfigurationOption, at place: Place
  ) -> ConfigurationValue {
    switch (option.type, text) {
    case (.section, "{}"): return .section(decodeSection([], node, at: place))
    case (.list, "[]"): return .list([])
    case (.list, _): return .list(defaultElements(text, node, at: place))
    case (.map, "{}"): return .map([])
    default:
      guard let value = try? ScalarReader(option: option).read(text, shown: text) else {
        preconditionFailure("the default '\(text)' of \(option.path) does not fit its own row")
      }
      return value
    }
  }

  /// The elements of a default such as `[a, b]`.
  private mutating func defaultElements(
    _ text: String, _ node: OptionNode, at place: Place
  ) -> [ConfigurationEntry] {
    guard let element = node.elements.first, let option = element.option else { return [] }
    return text.dropFirst().dropLast().split(separator: ",").map { word in
      let word = String(word.drop { $0 == " " })
      return ConfigurationEntry(
        value: defaultValue(word, element, option, at: place), place: place, isWritten: false)
    }
  }

  /// Decodes a value that stands in the file. `name` is how messages call it.
  private mutating func decode(
    _ node: YAMLNode, _ optionNode: OptionNode, name: String, keyPlace: Place
  ) -> ConfigurationEntry? {
    guard let option = optionNode.option else { return nil }
    let value: ConfigurationValue? =
      switch node.content {
      case .mapping(let pairs) where option.type == .section:
        .section(decodeSection(pairs, optionNode, at: node.place))
      case .mapping(let pairs) where option.type == .map:
        decodeMap(pairs, optionNode, at: node.place)
      case .sequence(let nodes) where option.type == .list:
        decodeList(nodes, optionNode, at: node.place)
      case .scalar(let text, _) where !node.isNull:
        decodeScalar(text, option, name: name, at: node.place)
      default:
        wrongType(node, option, name: name, keyPlace: keyPlace)
      }
    return value.map { ConfigurationEntry(value: $0, place: node.place, isWritten: true) }
  }

  private mutating func wrongType(
    _ node: YAMLNode, _ option: ConfigurationOption, name: String, keyPlace: Place
  ) -> ConfigurationValue? {
    let example = option.example.map { " (such as \($0))" } ?? ""
    // An empty value has no characters of its own; its key is what the reader can see.
    let place = node.isNull ? keyPlace : node.place
    let words = option.words.map { " or '\($0)'" }.joined()
    let form =
      option.type == .word ? option.words.joined(separator: ", ") : option.type.form + words
    diagnostics.report("'\(name)' must be \(form), not \(node.kind)\(example)", at: place)
    return nil
  }

  private mutating func decodeScalar(
    _ text: String, _ option: ConfigurationOption, name: String, at place: Place
  ) -> ConfigurationValue? {
    let (expanded, faults) = EnvironmentReferences.expand(text, environment: environment)
    for fault in faults { diagnostics.report("'\(name)': \(fault)", at: place) }
    guard faults.isEmpty else { return nil }
    do {
      let value = try ScalarReader(option: option).read(expanded, shown: text)
      return try finish(value, option)
    } catch {
      let example =
        option.type.isContainer ? option.example.map { " (such as \($0))" } ?? "" : ""
      diagnostics.report("'\(name)' \(error.message)\(example)", at: place)
      return nil
    }
  }

  /// Resolves paths and reads secret files.
  private func finish(
    _ value: ConfigurationValue, _ option: ConfigurationOption
  ) throws(ValueFault) -> ConfigurationValue {
    guard case .text(let text) = value else { return value }
    switch option.type {
    case .path:
      return .text(FilePath.resolve(text, in: baseDirectory))
    case .secretFile:
      return .secret(try readSecret(FilePath.resolve(text, in: baseDirectory), shown: text))
    default:
      return value
    }
  }

  private func readSecret(_ path: String, shown: String) throws(ValueFault) -> Secret {
    let bytes: [UInt8]
    do {
      bytes = try FilePath.read(path, limitBytes: 64 * 1024)
    } catch {
      throw ValueFault(message: "names the file '\(shown)', which \(error.message)")
    }
    var text = String(decoding: bytes, as: UTF8.self)
    if text.hasSuffix("\r\n") || text.hasSuffix("\n") { text.removeLast() }
    guard !text.isEmpty else {
      throw ValueFault(message: "names the file '\(shown)', which is empty")
    }
    guard !text.contains(where: \.isNewline) else {
      throw ValueFault(message: "names the file '\(shown)', which has more than one line")
    }
    return Secret(text)
  }
}

/// Lists and maps.
extension ConfigurationDecoder {
  private mutating func decodeList(
    _ nodes: [YAMLNode], _ optionNode: OptionNode, at place: Place
  ) -> ConfigurationValue? {
    guard let option = optionNode.option, let element = optionNode.elements.first else {
      return nil
    }
    checkCount(nodes.count, option, at: place)
    let name = "\(option.name)[]"
    let entries = nodes.enumerated().compactMap { index, node in
      decode(
        node, element, name: name.replacing("[]", with: "[\(index)]"), keyPlace: node.place)
    }
    return .list(entries)
  }

  private mutating func decodeMap(
    _ pairs: [YAMLNode.Pair], _ optionNode: OptionNode, at place: Place
  ) -> ConfigurationValue? {
    guard let option = optionNode.option, let element = optionNode.elements.first else {
      return nil
    }
    checkCount(pairs.count, option, at: place)
    var entries: [(key: String, entry: ConfigurationEntry)] = []
    for pair in pairs {
      if let fault = keyFault(pair.key, element.name) {
        diagnostics.report(fault, at: pair.keyPlace)
        continue
      }
      let entry = decode(pair.value, element, name: pair.key, keyPlace: pair.keyPlace)
      // A faulty entry still counts as defined, so that a route may name it.
      entries.append(
        (
          pair.key,
          entry
            ?? ConfigurationEntry(
              value: .section(ConfigurationSection(place: pair.keyPlace)), place: pair.keyPlace,
              isWritten: true)
        ))
    }
    return .map(entries)
  }

  /// Lists and maps have their bounds checked by the number of entries.
  private mutating func checkCount(_ count: Int, _ option: ConfigurationOption, at place: Place) {
    let minimum = option.minimum.flatMap { Int($0) } ?? 0
    let maximum = option.maximum.flatMap { Int($0) } ?? Int.max
    guard count < minimum || count > maximum else { return }
    let example = count == 0 ? option.example.map { "; such as \($0)" } ?? "" : ""
    diagnostics.report(
      "'\(option.name)' has \(count == 0 ? "no" : "\(count)") \(option.unit ?? "entries") "
        + "(\(option.range)\(example))", at: place)
  }

  private func keyFault(_ key: String, _ kind: String) -> String? {
    switch kind {
    case "STATUS":
      guard key.utf8.count == 3, let status = Int(key), 200...599 ~= status else {
        return "unknown status '\(key)' (allowed: 200 to 599)"
      }
      return nil
    default:
      let isName =
        1...64 ~= key.utf8.count
        && key.utf8.allSatisfy { byte in
          switch byte {
          case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
          default: "-_.".utf8.contains(byte)
          }
        }
      return isName
        ? nil
        : "the name '\(key)' must have 1 to 64 letters, digits, '-', '_' or '.'"
    }
  }
}
