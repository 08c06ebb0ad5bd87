extension OptionTable {
  /// The reference page of all options, docs/OPTIONS.md, as Markdown.
  public static func referenceMarkdown() -> String {
    var lines = [referenceIntroduction]
    for node in OptionNode.root.children {
      guard let option = node.option else { continue }
      lines += ["## \(option.name)", ""]
      lines += ["| option | type | default | range | reload | description |"]
      lines += ["|---|---|---|---|---|---|"]
      lines += rows(node) + [""]
    }
    return lines.joined(separator: "\n")
  }

  private static let referenceIntroduction = """
    # Options of edge.conf

    This page is made from the option table of the program; a test keeps it in step.

    - **Names.** `routes[]` is each entry of a list; a part in capitals, as in `origins.NAME`, is
      a name you choose.
    - **Durations** have units: `250 ms`, `30 s`, `5 minutes`, `5m`, `1 day`, `1d 12h`, `1.5 hours`,
      weeks, years (365 days). Only `0` needs none.
    - **Sizes**: `64 KiB`, `2 GiB` and `64k`, `2g` count by 1024; `20 GB` counts by 1000. A number
      alone is bytes.
    - **Environment**: `${NAME}` and `${NAME:-fallback}` are replaced in every value; `$${` stands
      for `${`. A variable that is not set and has no fallback is a fault.
    - **Paths** count from the folder of the file.
    - **Reload**: `yes` takes effect when the file is read again, `restart` at the next start.
    - **Routes**: of all routes that match, the most specific wins. An exact host is more specific
      than `*.example.com`, the longer suffix first, and that more than no host; then a path
      without `*`, then the longer text before the first `*`, then the more text in all, then the
      fewer `*`, then the order in the file.
    - **Merge keys** (`<<: *anchor`) are followed.

    A file with faults starts nothing: all faults are reported at once, each with its line and
    column, and the exit code is 78.

    """

  private static func rows(_ node: OptionNode) -> [String] {
    guard let option = node.option else { return [] }
    return [row(option)] + node.children.flatMap { rows($0) } + node.elements.flatMap { rows($0) }
  }

  private static func row(_ option: ConfigurationOption) -> String {
    let cells = [
      "`\(option.path)`",
      typeCell(option),
      defaultCell(option),
      rangeCell(option),
      option.isReloadable ? "yes" : "restart",
      escaped(option.description),
    ]
    return "| " + cells.joined(separator: " | ") + " |"
  }

  private static func typeCell(_ option: ConfigurationOption) -> String {
    let words = option.words.map { "`\($0)`" }
    return option.type == .word
      ? words.joined(separator: ", ")
      : ([option.type.rawValue] + words).joined(separator: " or ")
  }

  private static func defaultCell(_ option: ConfigurationOption) -> String {
    switch option.defaultValue {
    case .required: option.path.hasSuffix("[]") || isNamed(option) ? "" : "required"
    case .absent: "not set"
    case .text("{}"), .text("[]"): ""
    case .text(let text): "`\(text)`"
    }
  }

  private static func rangeCell(_ option: ConfigurationOption) -> String {
    let unit = option.unit.map { " \($0)" } ?? ""
    return switch (option.minimum, option.maximum) {
    case (let minimum?, let maximum?): "\(minimum) to \(maximum)\(unit)"
    case (let minimum?, nil): "at least \(minimum)\(unit)"
    case (nil, let maximum?): "at most \(maximum)\(unit)"
    case (nil, nil): ""
    }
  }

  /// Whether the file chooses the option's name.
  static func isNamed(_ option: ConfigurationOption) -> Bool {
    option.name == option.name.uppercased() && !option.path.hasSuffix("[]")
  }

  /// `|` ends a table cell and `*` begins emphasis in Markdown.
  private static func escaped(_ text: String) -> String {
    text.replacing("|", with: "\\|").replacing("*", with: "\\*")
  }
}
