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
  case tooManyConnections = "too many connections"

  /// The status code of the answer.
  public var status: Int {
    switch self {
    case .targetTooLong: 414
    case .headTooLarge, .tooManyFields: 431
    case .contentTooLarge: 413
    case .unsupportedExpectation: 417
    case .unsupportedVersion: 505
    case .unsupportedTransferEncoding, .unsupportedMethod: 501
    case .headerTimeout, .bodyTimeout: 408
    case .tooManyConnections: 503
    default: 400
    }
  }
}
