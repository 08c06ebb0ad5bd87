/// Why a request could not be read, with the status that answers it.
///
/// One case a rule, so that log, metrics and tests can tell them apart.
public enum RequestFault: String, Error, Sendable, CaseIterable {
  case badRequestLine = "malformed request line"
  case badMethod = "malformed method"
  case badTarget = "malformed request target"
  case badVersion = "malformed protocol version"
  case unsupportedVersion = "unsupported protocol version"
  case bareLineFeed = "line not ended by CR LF"
  case badFieldName = "malformed field name"
  case badFieldValue = "control character in a field value"
  case foldedField = "obsolete line folding"
  case missingHost = "Host is missing"
  case duplicateHost = "more than one Host"
  case badHost = "malformed Host"
  case hostMismatch = "Host differs from the target's authority"
  case badContentLength = "malformed or repeated Content-Length"
  case lengthAndTransferEncoding = "Content-Length beside Transfer-Encoding"
  case badTransferEncoding = "Transfer-Encoding does not end in a single chunked"
  case unsupportedTransferEncoding = "transfer coding not supported"
  case unsupportedMethod = "method not supported"
  case unsupportedExpectation = "expectation not supported"
  case targetTooLong = "request target too long"
  case headTooLarge = "header section too large"
  case tooManyFields = "too many header fields"
  case contentTooLarge = "content too large"
  case badChunk = "malformed chunked coding"
  case badTrailer = "malformed trailer section"
  case headerTimeout = "request head not received in time"
  case bodyTimeout = "request content not received in time"
  case bodyTooSlow = "request content received too slowly"
  case tooManyConnections = "too many connections"
  case tooManyConnectionsOfAddress = "too many connections from this address"
  case tooManyRequests = "too many requests from this address"

  /// Seconds after which trying again makes sense (Retry-After, RFC 9110 section 10.2.3), where
  /// nothing more exact is known; nil where it makes none.
  public var retryAfterSeconds: Int? {
    switch self {
    case .tooManyConnections, .tooManyConnectionsOfAddress: 5
    case .tooManyRequests: 1
    default: nil
    }
  }

  /// The status code of the answer.
  public var status: Int {
    switch self {
    case .targetTooLong: 414
    case .headTooLarge, .tooManyFields: 431
    case .contentTooLarge: 413
    case .unsupportedExpectation: 417
    case .unsupportedVersion: 505
    case .unsupportedTransferEncoding, .unsupportedMethod: 501
    case .headerTimeout, .bodyTimeout, .bodyTooSlow: 408
    case .tooManyConnectionsOfAddress, .tooManyRequests: 429
    case .tooManyConnections: 503
    default: 400
    }
  }
}
