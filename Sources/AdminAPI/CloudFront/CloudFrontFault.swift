/// An error of CloudFront's API, by the code that its clients know.
///
/// | code | status |
/// |---|---|
/// | AccessDenied | 403 |
/// | NoSuchDistribution, NoSuchInvalidation | 404 |
/// | InvalidArgument, MissingBody, InconsistentQuantities | 400 |
/// | TooManyInvalidationsInProgress, InvalidationBatchAlreadyExists | 400 |
/// | BatchTooLarge | 413 |
struct CloudFrontFault: Error, Sendable, Equatable {
  enum Code: String, Sendable {
    case accessDenied = "AccessDenied"
    case noSuchDistribution = "NoSuchDistribution"
    case noSuchInvalidation = "NoSuchInvalidation"
    case invalidArgument = "InvalidArgument"
    case missingBody = "MissingBody"
    case inconsistentQuantities = "InconsistentQuantities"
    case batchTooLarge = "BatchTooLarge"
    case tooManyInProgress = "TooManyInvalidationsInProgress"
    case batchAlreadyExists = "InvalidationBatchAlreadyExists"

    var status: Int {
      switch self {
      case .accessDenied: 403
      case .noSuchDistribution, .noSuchInvalidation: 404
      case .batchTooLarge: 413
      default: 400
      }
    }
  }

  let code: Code
  /// What is wrong and what to do, for whoever runs the client.
  let message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}
