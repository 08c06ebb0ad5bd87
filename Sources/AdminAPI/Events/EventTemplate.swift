/// A text with places for values of an event's content: `/products/{product.id}*`.
///
/// A place names members from the outermost on. Where there is a list on the way, the template
/// stands for one text an item; of several lists, for one a combination. What is not there, or is
/// no text, number or truth value, makes no text.
///
/// What is put in is data of somebody else's: in a path every byte but the unreserved ones
/// (RFC 3986 section 2.3) is percent-encoded, so that no value brings a `*`, a `/` or a `?` of its
/// own; in a tag a value with a blank makes no text. A template that is one place and nothing else
/// takes the value as it is: the sender names the URL then.
struct EventTemplate: Sendable, Equatable {
  /// How values are written.
  enum Use: Sendable {
    case path
    case tag
    case url
  }

  private enum Part: Sendable, Equatable {
    case text(String)
    /// Names from the outermost member on.
    case place([String])
  }

  /// Texts that one template may stand for.
  static let mostTexts = 1000

  private let parts: [Part]
  let use: Use

  /// Nil when a brace has no partner, or a place has no name.
  init?(_ template: String, use: Use) {
    var parts: [Part] = []
    var rest = template[...]
    while let open = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
      if open > rest.startIndex { parts.append(.text(String(rest[..<open]))) }
      guard rest[open] == "{", let close = rest[open...].firstIndex(of: "}") else { return nil }
      let names = rest[rest.index(after: open)..<close].split(
        separator: ".", omittingEmptySubsequences: false
      ).map(String.init)
      guard names.allSatisfy({ !$0.isEmpty && !$0.contains("{") }) else { return nil }
      parts.append(.place(names))
      rest = rest[rest.index(after: close)...]
    }
    if !rest.isEmpty { parts.append(.text(String(rest))) }
    self.parts = parts
    self.use = use
  }

  /// The texts that the content makes of the template, each once.
  func texts(from content: JSONValue) -> [String] {
    var texts = [""]
    for part in parts {
      switch part {
      case .text(let text): texts = texts.map { $0 + text }
      case .place(let names):
        let values = Self.values(at: names[...], in: content).compactMap { written($0) }
        texts = texts.flatMap { text in values.map { text + $0 } }
        if texts.count > Self.mostTexts { texts = Array(texts.prefix(Self.mostTexts)) }
      }
    }
    var seen: Set<String> = []
    return texts.filter { seen.insert($0).inserted }
  }

  private static func values(at names: ArraySlice<String>, in value: JSONValue) -> [String] {
    if case .array(let items) = value {
      return items.prefix(mostTexts).flatMap { values(at: names, in: $0) }
    }
    guard let name = names.first else {
      switch value {
      case .string(let text): return [text]
      case .integer(let number): return ["\(number)"]
      case .number(let number): return ["\(number)"]
      case .bool(let truth): return [truth ? "true" : "false"]
      default: return []
      }
    }
    guard case .object(let members) = value,
      let member = members.first(where: { $0.name == name })
    else { return [] }
    return values(at: names.dropFirst(), in: member.value)
  }

  private func written(_ value: String) -> String? {
    if value.isEmpty || value.utf8.count > 2048 { return nil }
    switch use {
    case .tag: return value.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F } ? value : nil
    case .url where parts.count == 1: return value
    case .path, .url: return SignatureVerifier.encoded(value, keepsSlash: false)
    }
  }
}
