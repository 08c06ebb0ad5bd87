/// Prints checked values as YAML in the order of the option table.
///
/// The text loads to the same values: texts that YAML or environment references would change are
/// quoted and escaped. Secrets are shown as "(set)"; unset options are left out.
enum EffectiveConfiguration {
  static func print(_ file: ConfigurationSection) -> String {
    lines(file, OptionNode.root).joined(separator: "\n") + "\n"
  }

  private static func lines(_ section: ConfigurationSection, _ node: OptionNode) -> [String] {
    node.children.flatMap { child -> [String] in
      section[child.name].map { lines(key: child.name, $0, child) } ?? []
    }
  }

  /// `key: value` on one line, or `key:` with an indented block below it.
  private static func lines(
    key: String, _ entry: ConfigurationEntry, _ node: OptionNode
  ) -> [String] {
    switch entry.value {
    case .section(let section):
      let block = lines(section, node)
      return block.isEmpty ? ["\(key): {}"] : ["\(key):"] + block.map { "  " + $0 }
    case .map(let entries):
      guard let element = node.elements.first, !entries.isEmpty else { return ["\(key): {}"] }
      return ["\(key):"]
        + entries.flatMap { lines(key: quoted($0.key), $0.entry, element) }.map { "  " + $0 }
    case .list(let entries):
      return list(key: key, entries, node)
    default:
      return ["\(key): \(scalar(entry.value))"]
    }
  }

  private static func list(
    key: String, _ entries: [ConfigurationEntry], _ node: OptionNode
  ) -> [String] {
    guard let element = node.elements.first, element.option?.type == .section else {
      return ["\(key): [\(entries.map { scalar($0.value) }.joined(separator: ", "))]"]
    }
    return ["\(key):"]
      + entries.flatMap { entry -> [String] in
        let block = entry.section.map { lines($0, element) } ?? []
        return block.enumerated().map { index, line in (index == 0 ? "  - " : "    ") + line }
      }
  }

  /// A plain value as it would be written; secrets as their placeholder.
  static func scalar(_ value: ConfigurationValue) -> String {
    switch value {
    case .word(let word): quoted(word)
    case .text(let text): quoted(EnvironmentReferences.escape(text))
    case .secret: Secret.placeholder
    case .boolean(let boolean): boolean ? "true" : "false"
    case .count(let count): "\(count)"
    case .size(let bytes): SizeText.format(bytes)
    case .duration(let duration): DurationText.format(duration)
    case .listenAddress(let address): quoted(address.description)
    case .server(let server): quoted(server.description)
    case .pattern(let pattern): quoted(EnvironmentReferences.escape(pattern.description))
    case .list, .map, .section: ""
    }
  }

  /// A plain scalar where YAML leaves no doubt, otherwise a double-quoted one.
  private static func quoted(_ text: String) -> String {
    let isPlain =
      text.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "/._-:*".utf8.contains(byte)
        }
      } && text.utf8.first.map { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: "*") } ?? false
      && !text.hasSuffix(":") && !["no", "yes", "on", "true", "false", "null"].contains(text)
    if isPlain { return text }
    let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    return "\"\(escaped)\""
  }
}
