/// Writes XML: elements of text and of elements, nothing else.
struct XMLText {
  private(set) var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

  /// Appends an element with text.
  mutating func add(_ name: String, _ content: String) {
    text += "<\(name)>"
    for scalar in content.unicodeScalars {
      switch scalar {
      case "&": text += "&amp;"
      case "<": text += "&lt;"
      case ">": text += "&gt;"
      // Control characters are no part of XML 1.0, not even as references.
      case _ where scalar.value < 0x20 && scalar != "\t" && scalar != "\n": text += "\u{FFFD}"
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "</\(name)>"
  }

  /// Appends an element with elements.
  mutating func add(_ name: String, namespace: String? = nil, _ body: (inout XMLText) -> Void) {
    text += "<\(name)" + (namespace.map { " xmlns=\"\($0)\"" } ?? "") + ">"
    body(&self)
    text += "</\(name)>"
  }
}
