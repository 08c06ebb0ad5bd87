/// One option with its value, flat: what two configurations are compared by.
struct OptionSetting: Sendable, Equatable {
  /// Where it stands, entries of lists named by their first option:
  /// `routes[/images/*].ttl.default`.
  let path: String
  /// The row of the option table.
  let option: ConfigurationOption
  /// The pattern of the route it belongs to; nil outside of `routes`.
  let route: String?
  /// The value; a list of plain values is one text.
  let text: String
  /// The value of a secret, which has no text.
  let secret: Secret?

  static func == (left: OptionSetting, right: OptionSetting) -> Bool {
    left.path == right.path && left.text == right.text && left.secret == right.secret
  }

  /// Every option of a checked file that has a value, defaults included, in table order.
  static func all(of file: ConfigurationSection) -> [OptionSetting] {
    var walk = Walk()
    walk.visit(file, OptionNode.root, path: "")
    return walk.settings
  }

  /// Goes through a section and all below it.
  private struct Walk {
    var settings: [OptionSetting] = []
    var route: String?

    mutating func visit(_ section: ConfigurationSection, _ node: OptionNode, path: String) {
      for child in node.children {
        guard let entry = section[child.name] else { continue }
        visit(entry, child, path: path.isEmpty ? child.name : "\(path).\(child.name)")
      }
    }

    private mutating func visit(_ entry: ConfigurationEntry, _ node: OptionNode, path: String) {
      switch entry.value {
      case .section(let section):
        add(node, path: path, text: "{}")
        visit(section, node, path: path)
      case .map(let entries):
        guard let element = node.elements.first else { return }
        for (key, entry) in entries { visit(entry, element, path: "\(path).\(key)") }
      case .list(let entries):
        visit(list: entries, node, path: path)
      case .secret(let secret):
        add(node, path: path, text: Secret.placeholder, secret: secret)
      default:
        add(node, path: path, text: EffectiveConfiguration.scalar(entry.value))
      }
    }

    private mutating func visit(
      list entries: [ConfigurationEntry], _ node: OptionNode, path: String
    ) {
      guard let element = node.elements.first, element.option?.type == .section else {
        let texts = entries.map { EffectiveConfiguration.scalar($0.value) }
        return add(node, path: path, text: texts.joined(separator: ", "))
      }
      for entry in entries {
        guard let section = entry.section else { continue }
        let label =
          element.children.first.flatMap { section[$0.name] }.map {
            $0.pattern?.description ?? $0.text ?? EffectiveConfiguration.scalar($0.value)
          } ?? ""
        if path == "routes" { route = label }
        add(element, path: "\(path)[\(label)]", text: "{}")
        visit(section, element, path: "\(path)[\(label)]")
        if path == "routes" { route = nil }
      }
    }

    private mutating func add(
      _ node: OptionNode, path: String, text: String, secret: Secret? = nil
    ) {
      guard let option = node.option else { return }
      settings.append(
        OptionSetting(path: path, option: option, route: route, text: text, secret: secret))
    }
  }
}
