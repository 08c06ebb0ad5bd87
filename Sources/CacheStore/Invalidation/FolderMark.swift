/// Sixteen bits that tell objects of different folders apart without a look at the objects.
///
/// The folder is what a key's path begins with, up to its second slash: `/images/` of
/// `http://example.com/images/1.png`. Two folders share a mark once in 65,536 pairs; what is told
/// apart by it is compared in full afterwards.
struct FolderMark: Equatable, Sendable {
  let bits: UInt16

  /// Of a path without a second slash.
  static let none = FolderMark(bits: 0)

  private static let hasher = KeyHasher(seed: 2)

  private init(bits: UInt16) { self.bits = bits }

  /// The mark of a normalized key.
  init(key: UnsafeRawBufferPointer) { self.init(target: KeyParts(key).target) }

  /// The mark of a path, or of what a path begins with: when that has a second slash, every path
  /// that begins so has this mark.
  init(target: UnsafeRawBufferPointer) {
    var slashes = 0
    for (index, byte) in target.enumerated() where byte == UInt8(ascii: "/") {
      slashes += 1
      guard slashes == 2 else { continue }
      let folder = UnsafeRawBufferPointer(rebasing: target[...index])
      bits = max(1, UInt16(truncatingIfNeeded: Self.hasher.hash(folder).low))
      return
    }
    bits = 0
  }
}

/// The folders outside which no rule of a sweep matches anything.
struct FolderFilter: Sendable {
  /// A bit for each mark.
  private var words: [UInt64]

  /// Nil when a rule may match objects of any folder.
  init?(_ rules: InvalidationRuleSet) {
    words = Array(repeating: 0, count: (Int(UInt16.max) + 1) / 64)
    for rule in rules.hard.all + rules.soft.all {
      guard let mark = rule.folder else { return nil }
      words[Int(mark.bits) / 64] |= 1 << (mark.bits % 64)
    }
  }

  /// True when the filter has this mark's folder.
  @inline(__always)
  func contains(_ mark: FolderMark) -> Bool {
    words[Int(mark.bits &>> 6)] &>> UInt64(mark.bits & 63) & 1 != 0
  }
}

extension InvalidationRule {
  /// The mark of all keys that the rule may match; nil when they may have different ones.
  fileprivate var folder: FolderMark? {
    switch matcher {
    case .glob(let pattern): Self.folder(ofAllWith: pattern.prefix)
    // The query, which is left out here, may have the second slash.
    case .path(let text): Self.folder(ofAllWith: text)
    case .target(let text): text.withUnsafeBytes { FolderMark(target: $0) }
    case .any, .tag, .route, .status, .receivedBefore: nil
    }
  }

  private static func folder(ofAllWith prefix: [UInt8]) -> FolderMark? {
    let mark = prefix.withUnsafeBytes { FolderMark(target: $0) }
    return mark == .none ? nil : mark
  }
}
