import EdgeSecurity
import HTTPMessage
import NIOCore

/// Who may PURGE on the listeners that serve clients, as Varnish's and Fastly's users have it.
public struct PurgeAccess: Sendable {
  /// Addresses that may, as the edge sees them; nil for all.
  public var allowed: AddressList?
  /// What a request must show, as a bearer token or in Fastly-Key; nil for nothing.
  public var secret: [UInt8]?

  /// For these addresses and this secret; with neither nobody may.
  public init(allowed: AddressList?, secret: [UInt8]?) {
    self.allowed = allowed
    self.secret = secret
  }

  /// Whether a request may purge. Whatever is set must fit.
  func admits(_ head: RequestHead, from address: SocketAddress?) -> Bool {
    guard allowed != nil || secret != nil else { return false }
    if let allowed {
      guard let text = address?.ipAddress, let client = NetworkAddress(text),
        allowed.contains(client)
      else { return false }
    }
    guard let secret else { return true }
    let bearer = Array("bearer ".utf8)
    var isShown = false
    head.fields.forEach(.authorization) { value in
      guard value.count > bearer.count,
        zip(value, bearer).allSatisfy({ $0.asciiLowercased == $1 })
      else { return }
      if ConstantTime.areEqual(Array(value.dropFirst(bearer.count)), secret) { isShown = true }
    }
    Array("fastly-key".utf8).withUnsafeBytes { name in
      head.fields.forEach(named: name) { value in
        if ConstantTime.areEqual(Array(value), secret) { isShown = true }
      }
    }
    return isShown
  }
}
