import HTTPMessage

/// The options of a request's Connection lines: fields that end here (RFC 9110 section 7.6.1).
///
/// Read once, so that each line of the request is looked up and not the whole of Connection
/// searched for it. The pointers are valid as long as the request's bytes.
struct ConnectionOptions {
  /// More options than this that the edge does not know are taken to name every such field: a
  /// request that has them is an attack on the look-up.
  static let optionLimit = 32

  private var known: KnownFieldSet = []
  private var others: [UnsafeRawBufferPointer] = []
  private var namesAllOthers = false

  /// The options in `fields`, whose bytes are `bytes`. Allocates only for options that are not
  /// known, which no browser sends.
  init(_ fields: FieldBlock, bytes: UnsafeRawBufferPointer) {
    guard fields.contains(.connection) else { return }
    for entry in fields.entries where entry.known == .connection {
      for option in ListMembers(entry.value.slice(of: bytes)) { add(option) }
    }
  }

  /// Whether the field ends here.
  @inline(__always)
  func contains(_ name: UnsafeRawBufferPointer, _ field: KnownField) -> Bool {
    if field != .other { return known.contains(field) }
    return namesAllOthers || (!others.isEmpty && namesOther(name))
  }

  private func namesOther(_ name: UnsafeRawBufferPointer) -> Bool {
    for option in others where option.equalsIgnoringCase(name) { return true }
    return false
  }

  private mutating func add(_ option: UnsafeRawBufferPointer) {
    let field = KnownField(option)
    if field != .other {
      known.insert(field)
    } else if others.count < Self.optionLimit {
      // The one option that is common and no field.
      if !option.equalsIgnoringCase("close") { others.append(option) }
    } else {
      namesAllOthers = true
    }
  }
}
