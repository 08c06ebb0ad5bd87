import EdgeSecurity
import HTTPTypes
import Hummingbird

/// From which addresses the admin API may be used, and whom it believes about others' addresses.
public struct AdminAddressPolicy: Sendable {
  /// Who may come; nil for everybody.
  public var allowed: AddressList?
  /// Who may not, allowed or not.
  public var denied: AddressList
  /// Proxies whose X-Forwarded-For is believed.
  public var trustedProxies: AddressList

  /// Everybody may come, and no proxy is believed.
  public init(
    allowed: AddressList? = nil, denied: AddressList = AddressList([]),
    trustedProxies: AddressList = AddressList([])
  ) {
    self.allowed = allowed
    self.denied = denied
    self.trustedProxies = trustedProxies
  }

  /// Whether a client may come. One without an address may where nothing is restricted.
  func admits(_ client: NetworkAddress?) -> Bool {
    guard let client else { return allowed == nil && denied.isEmpty }
    return !denied.contains(client) && (allowed?.contains(client) ?? true)
  }

  /// The client of a request: the peer, unless that is a trusted proxy; then whom it names.
  ///
  /// X-Forwarded-For is read from its end, for each proxy appends whom it saw: the first address
  /// that is no trusted proxy is the client's. What stands before it anybody may have written. An
  /// entry that is no address ends the search at the proxy that passed it on.
  func client(peer: NetworkAddress?, forwardedFor lines: [String]) -> NetworkAddress? {
    guard var client = peer, trustedProxies.contains(client) else { return peer }
    let entries = lines.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }
    for entry in entries.reversed() {
      let text = entry.drop { $0 == " " || $0 == "\t" }
      let trimmed = text.prefix { $0 != " " && $0 != "\t" }
      guard let address = NetworkAddress(String(trimmed)) else { return client }
      client = address
      if !trustedProxies.contains(address) { return client }
    }
    return client
  }
}

extension HTTPField.Name {
  /// Whom the proxies before this one saw.
  static var xForwardedFor: HTTPField.Name { HTTPField.Name("X-Forwarded-For") ?? .via }
  /// When the token of the request expires.
  static var tokenExpires: HTTPField.Name { HTTPField.Name("Edge-Token-Expires") ?? .expires }
}
