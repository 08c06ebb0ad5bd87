/// A JSON value that keeps the order of its members, to be written as text.
indirect enum JSONText {
  case string(String)
  case integer(Int)
  /// A number with a fraction, as it is written.
  case decimal(String)
  case boolean(Bool)
  case array([JSONText])
  case object([(name: String, value: JSONText)])

  /// The value with two blanks a level.
  func text(indentation: String = "") -> String {
    let inner = indentation + "  "
    switch self {
    case .string(let string): return JSONText.quoted(string)
    case .integer(let integer): return "\(integer)"
    case .decimal(let number): return number
    case .boolean(let boolean): return boolean ? "true" : "false"
    case .array(let values):
      guard !values.isEmpty else { return "[]" }
      let lines = values.map { inner + $0.text(indentation: inner) }
      return "[\n" + lines.joined(separator: ",\n") + "\n\(indentation)]"
    case .object(let members):
      guard !members.isEmpty else { return "{}" }
      let lines = members.map { name, value in
        "\(inner)\(JSONText.quoted(name)): \(value.text(indentation: inner))"
      }
      return "{\n" + lines.joined(separator: ",\n") + "\n\(indentation)}"
    }
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\" + String(scalar)
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
