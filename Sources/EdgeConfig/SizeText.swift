/// Sizes as people write them: `2 GiB`, `64 KiB`, `64k`, `20GB`, plain bytes.
///
/// `KiB`, `MiB`, ... and the bare letters `k`, `m`, `g`, `t` count by 1024 (as in nginx);
/// `kB`, `MB`, ... count by 1000 (SI). Case does not matter. The limit is `Int.max` bytes.
enum SizeText {
  private struct Unit {
    let bytes: Int
    let name: String
    let spellings: [String]
  }

  private static let units: [Unit] = [
    Unit(bytes: 1 << 40, name: "TiB", spellings: ["tib", "t"]),
    Unit(bytes: 1_000_000_000_000, name: "TB", spellings: ["tb"]),
    Unit(bytes: 1 << 30, name: "GiB", spellings: ["gib", "g"]),
    Unit(bytes: 1_000_000_000, name: "GB", spellings: ["gb"]),
    Unit(bytes: 1 << 20, name: "MiB", spellings: ["mib", "m"]),
    Unit(bytes: 1_000_000, name: "MB", spellings: ["mb"]),
    Unit(bytes: 1 << 10, name: "KiB", spellings: ["kib", "k"]),
    Unit(bytes: 1_000, name: "kB", spellings: ["kb"]),
    Unit(bytes: 1, name: "B", spellings: ["b", "byte", "bytes"]),
  ]

  static let form = "a size such as 64 KiB, 100 MiB or 20 GB"

  /// Reads a size in bytes. The fault's text continues "'option' ".
  static func parse(_ text: String) throws(ValueFault) -> Int {
    var scanner = QuantityScanner(text)
    if scanner.beginsWithMinus {
      throw ValueFault(message: "cannot be negative, but is '\(text)'")
    }
    guard let number = scanner.number() else { throw expected(text) }
    var bytes = 1
    if let word = scanner.word() {
      guard let unit = units.first(where: { $0.spellings.contains(word.lowercased()) }) else {
        throw ValueFault(
          message: "has the unknown unit '\(word)' in '\(text)' "
            + "(known: B, KiB, MiB, GiB, TiB; kB, MB, GB, TB; k, m, g, t)")
      }
      bytes = unit.bytes
    }
    guard scanner.isAtEnd else { throw expected(text) }
    guard let size = number.multiplied(by: bytes) else {
      throw ValueFault(message: "is '\(text)', which is too large or not a whole number of bytes")
    }
    return size
  }

  /// Writes a size with the unit that gives the smallest whole number: `2 GiB`, `20 GB`, `1500 B`.
  static func format(_ bytes: Int) -> String {
    guard bytes > 0 else { return "0" }
    let exact = units.filter { bytes % $0.bytes == 0 }
    guard let unit = exact.max(by: { $0.bytes < $1.bytes }) else { return "\(bytes) B" }
    return "\(bytes / unit.bytes) \(unit.name)"
  }

  private static func expected(_ text: String) -> ValueFault {
    ValueFault(message: "must be \(form), not '\(text)'")
  }
}
