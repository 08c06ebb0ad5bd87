import HTTPMessage
import NIOCore

/// What a successful unsafe request invalidates (RFC 9111 section 4.4).
public enum UnsafeInvalidation {
  /// Whether the request may have changed its target: a method not known to be safe
  /// (``RequestMethod/isSafe``; an unknown one such as M-SEARCH is not), and a status that is no
  /// error: 2xx or 3xx.
  public static func applies(method: RequestMethod, status: Int) -> Bool {
    !method.isSafe && (200..<400).contains(status)
  }

  /// Calls `body` with path and query of each resource to invalidate: the target, and what Location
  /// and Content-Location name on the same scheme, host and port. Another origin's resources are
  /// not touched: a server must not be able to empty the cache of its neighbour.
  /// The pointers are valid only during the calls.
  public static func forEachTarget(
    request: RequestHead, response: OriginResponseHead,
    _ body: (UnsafeRawBufferPointer) -> Void
  ) {
    request.withBytes(request.target) { body($0) }
    for field in [KnownField.location, .contentLocation] {
      response.fields.forEach(field) { reference in
        guard let target = URIReference.resolve(reference, against: request) else { return }
        let isTarget = request.withBytes(request.target) { $0.elementsEqual(target) }
        if !isTarget { target.withUnsafeBytes { body($0) } }
      }
    }
  }
}
