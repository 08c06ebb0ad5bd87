/// Finds the certificate for the server name that a client sends (RFC 6066 section 3): the name
/// itself goes before a wildcard, which stands for exactly one label (RFC 9525 section 6.3).
struct ServerNameTable: Sendable {
  private var places: [String: Int] = [:]

  /// A table over each certificate's names, in lower case; of two that have one, the first counts.
  init(_ names: [[String]]) {
    for (place, names) in names.enumerated() {
      for name in names where places[name] == nil { places[name] = place }
    }
  }

  /// The place of the certificate for this name; nil when none has it. A last dot does not count.
  func place(of name: String) -> Int? {
    var name = name.lowercased()
    if name.hasSuffix(".") { name.removeLast() }
    if let place = places[name] { return place }
    guard let dot = name.firstIndex(of: ".") else { return nil }
    return places["*" + name[dot...]]
  }
}
