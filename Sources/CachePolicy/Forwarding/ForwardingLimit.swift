import HTTPMessage

/// What Max-Forwards says about a request (RFC 9110 section 7.6.2).
public enum ForwardingLimit: Sendable, Equatable {
  /// Nothing: the method is neither TRACE nor OPTIONS, or there is no valid field.
  case none
  /// The edge is the last recipient: it answers and forwards nothing.
  case reached
  /// The request goes on with this value.
  case remaining(Int64)

  /// What the Max-Forwards of a request comes to. Larger numbers than 63 bits hold count as the
  /// largest; a field that is repeated or is no number does not count.
  public init(_ head: RequestHead) {
    self = .none
    guard head.method == .trace || head.method == .options,
      head.fields.occurrences(of: .maxForwards) == 1,
      let value = head.fields.withFirst(.maxForwards, { $0.decimal() }) ?? nil
    else { return }
    self = value == 0 ? .reached : .remaining(value - 1)
  }
}
