/// An option with the options below it: the table's rows as a tree.
struct OptionNode: Sendable {
  /// The row; nil for the file as a whole.
  let option: ConfigurationOption?
  /// The options of a section, in table order.
  let children: [OptionNode]
  /// What each entry of a list or map is: no node for other types, else exactly one.
  let elements: [OptionNode]

  /// The tree of the whole table.
  static let root: OptionNode = build(nil)

  /// The key a person writes; empty for the file as a whole.
  var name: String { option?.name ?? "" }

  /// Rows are few, so a scan for every node is cheap enough: it runs once.
  private static func build(_ option: ConfigurationOption?) -> OptionNode {
    let below = OptionTable.options
      .filter { $0.parentPath == option?.path ?? "" }
      .map { build($0) }
    let isCollection = option?.type == .list || option?.type == .map
    return OptionNode(
      option: option, children: isCollection ? [] : below, elements: isCollection ? below : [])
  }
}
