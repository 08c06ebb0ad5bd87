import Yams

/// A node of a YAML document with its place; aliases and merge keys are already resolved.
struct YAMLNode {
  struct Pair {
    let key: String
    let keyPlace: Place
    let value: YAMLNode
  }

  enum Content {
    /// `isPlain` is false for quoted and block texts.
    case scalar(String, isPlain: Bool)
    case mapping([Pair])
    case sequence([YAMLNode])
  }

  let content: Content
  let place: Place

  /// Whether the value is left empty or written as `~` or `null`.
  var isNull: Bool {
    guard case .scalar(let text, isPlain: true) = content else { return false }
    return text.isEmpty || text == "~" || text.lowercased() == "null"
  }

  /// What the value is, in words.
  var kind: String {
    switch content {
    case .scalar(let text, _): isNull ? "empty" : "'\(text)'"
    case .mapping: "a section"
    case .sequence: "a list"
    }
  }
}

/// Reads YAML into `YAMLNode`s by composing it with Yams.
///
/// Yams stops at the first mapping that names a key twice. All faults are to be reported in one
/// go, so the earlier key is renamed by exchanging one character (no mark moves) and the document
/// is composed again; afterwards a renamed key tells which key was there twice, and where.
struct YAMLReader {
  /// Nodes after aliases are resolved; more is an alias bomb, not a configuration.
  static let nodeLimit = 200_000
  /// Each duplicate costs one more pass over the text.
  static let duplicateLimit = 100

  private var text: YAMLText
  private var renamed: [Unicode.Scalar: Unicode.Scalar] = [:]
  private var nodeCount = 0
  private(set) var diagnostics = DiagnosticList()

  /// Reads the document. The node is nil when it is empty or cannot be read at all; the latter is
  /// told by the diagnostics.
  static func read(_ text: String) -> (node: YAMLNode?, diagnostics: DiagnosticList) {
    var reader = YAMLReader(text: YAMLText(text))
    let node = reader.compose().map { reader.convert($0) }
    if reader.nodeCount > nodeLimit {
      reader.diagnostics.report(
        "the file has more than \(nodeLimit) values (aliases counted)", at: .wholeFile)
      return (nil, reader.diagnostics)
    }
    return (node, reader.diagnostics)
  }

  private init(text: YAMLText) {
    self.text = text
  }

  private mutating func compose() -> Node? {
    while true {
      do {
        return try Yams.compose(yaml: text.string, .default, .default, .utf8)
      } catch YamlError.duplicatedKeysInMapping(let names, let context) {
        let place = Place(line: context.mark.line, column: context.mark.column)
        guard renamed.count < YAMLReader.duplicateLimit,
          let change = text.replaceKeyStart(at: place)
        else {
          diagnostics.report("duplicate option '\(names.first ?? "")'", at: place)
          return nil
        }
        renamed[change.replacement] = change.original
      } catch let error as YamlError {
        let fault = YAMLSyntaxFault(error, text: text)
        diagnostics.report(fault.message, at: fault.place)
        return nil
      } catch {
        diagnostics.report("not valid YAML: \(error)", at: .wholeFile)
        return nil
      }
    }
  }

  private mutating func convert(_ node: Node) -> YAMLNode {
    nodeCount += 1
    let place = node.mark.map { Place(line: $0.line, column: $0.column) } ?? .wholeFile
    guard nodeCount <= YAMLReader.nodeLimit else {
      return YAMLNode(content: .sequence([]), place: place)
    }
    switch node {
    case .scalar(let scalar):
      let isPlain = scalar.style == .plain || scalar.style == .any
      return YAMLNode(content: .scalar(scalar.string, isPlain: isPlain), place: place)
    case .sequence(let sequence):
      return YAMLNode(content: .sequence(sequence.map { convert($0) }), place: place)
    case .mapping(let mapping):
      return YAMLNode(content: .mapping(convertPairs(mapping)), place: place)
    case .alias:
      // Yams resolves aliases while composing.
      return YAMLNode(content: .scalar("", isPlain: true), place: place)
    }
  }

  private mutating func convertPairs(_ mapping: Node.Mapping) -> [YAMLNode.Pair] {
    var pairs: [YAMLNode.Pair] = []
    var merged: [YAMLNode.Pair] = []
    var replaced: [(name: String, place: Place)] = []
    for (key, value) in mapping {
      let place = key.mark.map { Place(line: $0.line, column: $0.column) } ?? .wholeFile
      guard case .scalar(let scalar) = key else {
        diagnostics.report("an option's name must be a plain word", at: place)
        continue
      }
      if let first = scalar.string.unicodeScalars.first, let original = renamed[first] {
        let rest = scalar.string.unicodeScalars.dropFirst()
        replaced.append((String(original) + String(rest), place))
      } else if scalar.string == "<<", scalar.style == .plain {
        merged += mergedPairs(value, at: place)
      } else {
        pairs.append(YAMLNode.Pair(key: scalar.string, keyPlace: place, value: convert(value)))
      }
    }
    reportDuplicates(replaced, last: pairs)
    for pair in merged where !pairs.contains(where: { $0.key == pair.key }) { pairs.append(pair) }
    return pairs
  }

  /// Every occurrence after the first is a fault; the first one's line is named.
  private mutating func reportDuplicates(
    _ replaced: [(name: String, place: Place)], last pairs: [YAMLNode.Pair]
  ) {
    var firstLines: [String: Int] = [:]
    let remaining = pairs.map { (name: $0.key, place: $0.keyPlace) }
    for (name, place) in replaced + remaining {
      if let line = firstLines[name] {
        diagnostics.report(
          "duplicate option '\(name)' (already set at line \(line); keep one)", at: place)
      } else if replaced.contains(where: { $0.name == name }) {
        firstLines[name] = place.line
      }
    }
  }

  /// The value of a merge key `<<`: a section, or a list of sections of which the first wins.
  private mutating func mergedPairs(_ value: Node, at place: Place) -> [YAMLNode.Pair] {
    switch value {
    case .mapping(let mapping): return convertPairs(mapping)
    case .sequence(let sequence):
      return sequence.flatMap { mergedPairs($0, at: place) }
    case .scalar, .alias:
      diagnostics.report("'<<' must be followed by a section (such as <<: *name)", at: place)
      return []
    }
  }
}
