import Glibc

/// The rules of a sweep where all of them are prefixes of paths on any host, as `/images/*` is and
/// most are: compared without counting a reference, of which the general way counts a dozen an
/// object.
final class PrefixRules: @unchecked Sendable {
  // @unchecked: the memory is immutable once `init` has written it.
  private let rules: UnsafeMutableBufferPointer<Rule>
  private let bytes: UnsafeMutableRawBufferPointer

  fileprivate struct Rule {
    let match: InvalidationMatch
    let prefix: UnsafeRawBufferPointer
  }

  /// More rules than this are found sooner by what they begin with (``PatternIndex``).
  private static var mostRules: Int { 8 }

  /// Nil when there are other rules, or too many.
  init?(_ set: InvalidationRuleSet) {
    guard 1...Self.mostRules ~= set.count, let hard = set.hard.prefixes,
      let soft = set.soft.prefixes
    else { return nil }
    let all = Self.sorted(hard, .hard) + Self.sorted(soft, .soft)
    bytes = .allocate(byteCount: all.reduce(0) { $0 + $1.prefix.count }, alignment: 1)
    rules = .allocate(capacity: all.count)
    var offset = 0
    for (index, rule) in all.enumerated() {
      // Bound: `bytes` has room for all prefixes one after the other.
      let place = UnsafeMutableRawBufferPointer(
        rebasing: bytes[offset..<offset + rule.prefix.count])
      place.copyBytes(from: rule.prefix)
      rules.initializeElement(
        at: index,
        to: Rule(
          match: InvalidationMatch(kind: rule.kind, sequence: rule.sequence),
          prefix: UnsafeRawBufferPointer(place)))
      offset += rule.prefix.count
    }
  }

  deinit {
    rules.deallocate()
    bytes.deallocate()
  }

  private typealias Numbered = (prefix: [UInt8], sequence: UInt64, kind: InvalidationKind)

  /// Newest first, since the newest that matches counts.
  private static func sorted(
    _ prefixes: [(prefix: [UInt8], sequence: UInt64)], _ kind: InvalidationKind
  ) -> [Numbered] {
    prefixes.sorted { $0.sequence > $1.sequence }.map { ($0.prefix, $0.sequence, kind) }
  }

  /// The rules as a walk compares them; valid as long as the object is.
  var view: View { View(rules: UnsafeBufferPointer(rules)) }

  /// A view of the rules without a reference.
  struct View: @unchecked Sendable {
    // @unchecked: what it points to is immutable.
    fileprivate let rules: UnsafeBufferPointer<Rule>

    /// What a rule newer than `sequence` does to an object of this key; a hard one comes before a
    /// soft one. The same as ``InvalidationRuleSet/match(_:newerThan:)`` says.
    @inline(__always)
    func match(_ key: UnsafeRawBufferPointer, newerThan sequence: UInt64) -> InvalidationMatch? {
      let start = KeyParts.targetOffset(in: key)
      for rule in rules where rule.match.sequence > sequence {
        let prefix = rule.prefix
        // No prefix has a line feed, so none matches beyond the target's end.
        guard key.count - start >= prefix.count else { continue }
        guard prefix.count > 0, let own = key.baseAddress, let wanted = prefix.baseAddress else {
          return rule.match
        }
        if memcmp(own + start, wanted, prefix.count) == 0 { return rule.match }
      }
      return nil
    }
  }
}

extension InvalidationRules {
  /// The prefixes that all rules are, each with its number; nil when one is something else.
  fileprivate var prefixes: [(prefix: [UInt8], sequence: UInt64)]? {
    var result: [(prefix: [UInt8], sequence: UInt64)] = []
    for rule in all {
      guard rule.host == nil, case .glob(let pattern) = rule.matcher,
        let prefix = pattern.onlyPrefix, !prefix.contains(0x0A)
      else { return nil }
      result.append((prefix, rule.sequence))
    }
    return result
  }
}
