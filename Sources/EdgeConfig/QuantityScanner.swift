/// A decimal number kept exactly: `digits` divided by ten to the power of `scale`.
struct DecimalNumber {
  let text: String
  fileprivate let digits: Int
  fileprivate let scale: Int

  var isZero: Bool { digits == 0 }

  /// The exact product, or nil when it overflows `Int` or is no whole number.
  func multiplied(by factor: Int) -> Int? {
    var divisor: Int128 = 1
    for _ in 0..<scale { divisor *= 10 }
    // The product of two `Int`s always fits into 128 bits.
    let (quotient, remainder) = (Int128(digits) * Int128(factor)).quotientAndRemainder(
      dividingBy: divisor)
    return remainder == 0 ? Int(exactly: quotient) : nil
  }
}

/// Splits a quantity such as `1d 12h` into numbers and words; blanks between them do not matter.
struct QuantityScanner {
  private var rest: Substring

  init(_ text: String) {
    rest = text[...]
    skipBlanks()
  }

  var isAtEnd: Bool { rest.isEmpty }
  var beginsWithMinus: Bool { rest.first == "-" }

  /// The number at the front with at most 9 decimals, or nil when there is none that fits.
  mutating func number() -> DecimalNumber? {
    var digits = 0
    var scale = 0
    var end = rest.startIndex
    var isFraction = false
    var hasDigits = false
    scan: for index in rest.indices {
      let character = rest[index]
      switch character {
      case _ where character.isASCII && character.isWholeNumber:
        guard let value = character.wholeNumberValue, scale < 9 else { return nil }
        let (product, overflow) = digits.multipliedReportingOverflow(by: 10)
        let (sum, sumOverflow) = product.addingReportingOverflow(value)
        guard !overflow, !sumOverflow else { return nil }
        digits = sum
        scale += isFraction ? 1 : 0
        hasDigits = true
      case "." where hasDigits && !isFraction:
        isFraction = true
      default:
        break scan
      }
      end = rest.index(after: index)
    }
    guard hasDigits, !isFraction || scale > 0 else { return nil }
    let text = String(rest[..<end])
    rest = rest[end...]
    skipBlanks()
    return DecimalNumber(text: text, digits: digits, scale: scale)
  }

  /// The run of letters at the front, or nil when there is none.
  mutating func word() -> String? {
    let word = rest.prefix { $0.isLetter }
    guard !word.isEmpty else { return nil }
    rest = rest[word.endIndex...]
    skipBlanks()
    return String(word)
  }

  private mutating func skipBlanks() {
    rest = rest.drop { $0 == " " || $0 == "\t" }
  }
}
