import Foundation
import FoundationXML

/// One element of a small XML document, read whole: name, text and elements below it.
///
/// The parser is Foundation's. What makes XML dangerous is refused before it sees a byte: document
/// type declarations, with them every entity of one's own, and encodings other than UTF-8, in which
/// a declaration could hide. Size, depth and the number of elements are bounded.
struct XMLTree: Sendable, Equatable {
  /// Without a prefix.
  var name: String
  /// The namespace's URI; empty for none.
  var namespace: String
  /// The text directly inside it, entities replaced.
  var text = ""
  var children: [XMLTree] = []

  static let mostDepth = 8
  static let mostElements = 20_000

  /// Why a text is not XML that is read.
  struct Fault: Error, Equatable {
    /// To stand in a sentence.
    let message: String
  }

  /// The only child of this name; nil when there is none, or there are several.
  func only(_ name: String) -> XMLTree? {
    let found = children.filter { $0.name == name }
    return found.count == 1 ? found[0] : nil
  }

  /// Reads a document.
  static func read(_ bytes: [UInt8]) throws(Fault) -> XMLTree {
    try refuseUnusual(bytes)
    let parser = XMLParser(data: Data(bytes))
    parser.shouldProcessNamespaces = true
    parser.shouldResolveExternalEntities = false
    let reader = XMLReader()
    parser.delegate = reader
    let isWhole = parser.parse()
    if let fault = reader.fault { throw fault }
    guard isWhole, let root = reader.root else {
      throw Fault(
        message: "it is not well-formed at line \(parser.lineNumber), column "
          + "\(parser.columnNumber)")
    }
    return root
  }

  private static func refuseUnusual(_ bytes: [UInt8]) throws(Fault) {
    var rest = bytes[...]
    if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
    let first = rest.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
    guard first == UInt8(ascii: "<"), !rest.contains(0),
      let text = String(validating: rest, as: UTF8.self)
    else { throw Fault(message: "it is not XML in UTF-8") }
    if text.contains("<!DOCTYPE") || text.contains("<!ENTITY") {
      throw Fault(message: "it has a document type declaration, which is not read")
    }
    guard text.hasPrefix("<?xml"), let end = text.firstRange(of: "?>") else { return }
    let declaration = text[..<end.lowerBound].lowercased()
    guard let encoding = declaration.firstRange(of: "encoding") else { return }
    let named = declaration[encoding.upperBound...].drop { " =\t\r\n\"'".contains($0) }
    guard named.hasPrefix("utf-8") || named.hasPrefix("us-ascii") else {
      throw Fault(message: "its encoding is not UTF-8")
    }
  }
}

/// Builds the elements from the parser's events.
private final class XMLReader: NSObject, XMLParserDelegate {
  private(set) var root: XMLTree?
  private(set) var fault: XMLTree.Fault?
  private var open: [XMLTree] = []
  private var count = 0

  private func stop(_ parser: XMLParser, _ message: String) {
    if fault == nil { fault = XMLTree.Fault(message: message) }
    parser.abortParsing()
  }

  func parser(
    _ parser: XMLParser, didStartElement elementName: String, namespaceURI: String?,
    qualifiedName qName: String?, attributes attributeDict: [String: String] = [:]
  ) {
    guard fault == nil else { return }
    count += 1
    guard open.count < XMLTree.mostDepth else { return stop(parser, "it is nested too deeply") }
    guard count <= XMLTree.mostElements else { return stop(parser, "it has too many elements") }
    let local = elementName.split(separator: ":").last.map(String.init) ?? elementName
    open.append(XMLTree(name: local, namespace: namespaceURI ?? ""))
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) {
    guard fault == nil, !open.isEmpty else { return }
    open[open.count - 1].text += string
  }

  func parser(_ parser: XMLParser, foundCDATA CDATABlock: Data) {
    guard fault == nil, !open.isEmpty else { return }
    open[open.count - 1].text += String(decoding: CDATABlock, as: UTF8.self)
  }

  func parser(
    _ parser: XMLParser, didEndElement elementName: String, namespaceURI: String?,
    qualifiedName qName: String?
  ) {
    guard fault == nil, let element = open.popLast() else { return }
    if open.isEmpty { root = element } else { open[open.count - 1].children.append(element) }
  }
}
