import CacheStore
import EdgeSecurity
import HTTPTypes
import Hummingbird
import Logging

/// CloudFront's invalidation API on the wire, so that its own clients work: `aws cloudfront
/// create-invalidation --endpoint-url`, boto3, Terraform.
///
/// Requests are believed for their signature alone; users and tokens of the admin API have no say
/// here.
extension AdminOperation {
  private static let path = "/2020-05-31/distribution/{distribution}/invalidation"

  static let cloudFrontOperations: [AdminOperation] = [
    AdminOperation(
      .post, path, access: .signature(scheme: "aws4"), isChange: true,
      documentation("Create an invalidation, as CloudFront's API does", status: 201)
    ) { (responder, call) async throws(Problem) in
      await responder.answerCloudFront(call) { (call, content, key) async throws(CloudFrontFault) in
        try await responder.createBatch(call, content, key: key)
      }
    },
    AdminOperation(
      .get, path, access: .signature(scheme: "aws4"),
      documentation("List invalidations, as CloudFront's API does", status: 200)
    ) { (responder, call) async throws(Problem) in
      await responder.answerCloudFront(call) { (call, _, _) async throws(CloudFrontFault) in
        try await responder.listBatches(call)
      }
    },
    AdminOperation(
      .get, path + "/{id}", access: .signature(scheme: "aws4"),
      documentation("Get an invalidation, as CloudFront's API does", status: 200)
    ) { (responder, call) async throws(Problem) in
      await responder.answerCloudFront(call) { (call, _, _) async throws(CloudFrontFault) in
        try await responder.getBatch(call)
      }
    },
  ]

  private static func documentation(_ summary: String, status: Int) -> OperationDocumentation {
    OperationDocumentation(
      summary,
      responses: [.text(status, "The document.", "text/xml")]
        + [400, 403, 404, 413].filter { $0 != status }.map {
          .text($0, "CloudFront's ErrorResponse.", "text/xml")
        })
  }
}

extension AdminResponder {
  /// Most items of a list, and their number when the client names none.
  private static let mostListed = 100

  /// Checks signature and distribution, and answers faults as CloudFront does.
  func answerCloudFront(
    _ call: AdminCall,
    _ body: (AdminCall, [UInt8], String) async throws(CloudFrontFault) -> Response
  ) async -> Response {
    do throws(CloudFrontFault) {
      let (content, key) = try await admit(call)
      return try await body(call, content, key)
    } catch {
      let requestID = hexadecimal((0..<16).map { _ in UInt8.random(in: .min ... .max) })
      return response(
        CloudFrontAnswer.error(error, requestID: requestID), status: error.code.status)
    }
  }

  private func admit(
    _ call: AdminCall
  ) async throws(CloudFrontFault) -> (content: [UInt8], key: String) {
    guard let cloudFront else {
      throw CloudFrontFault(
        .accessDenied, "This edge has no admin.cloudfront section, so nobody may use this API.")
    }
    let content: [UInt8]
    do throws(Problem) {
      content = try await call.content.read()
    } catch {
      throw CloudFrontFault(
        error.status == .contentTooLarge ? .batchTooLarge : .invalidArgument, error.detail)
    }
    let key = try verify(call, content, cloudFront)
    call.audit.setIdentity(
      AdminIdentity(name: key, credential: .signature, scopes: .purge))
    let distribution = call.parameter("distribution")
    guard distribution == cloudFront.distribution else {
      throw CloudFrontFault(
        .noSuchDistribution,
        "There is no distribution \(distribution.prefix(80)); the one of this edge is named by "
          + "admin.cloudfront.distribution.")
    }
    return (content, key)
  }

  private func verify(
    _ call: AdminCall, _ content: [UInt8], _ configuration: CloudFrontConfiguration
  ) throws(CloudFrontFault) -> String {
    let headers = call.request.headers
    let authority = call.request.head.authority
    let signed = SignedRequest(
      method: call.request.method.rawValue, path: String(call.target.path),
      query: String(call.target.pathAndQuery.drop { $0 != "?" }.dropFirst()),
      field: { name in
        if name == "host" { return authority }
        guard let name = HTTPField.Name(name) else { return nil }
        let values = headers[values: name]
        return values.isEmpty ? nil : values.joined(separator: ",")
      }, content: content)
    let verifier = SignatureVerifier(
      keys: configuration.keys.map { SignatureVerifier.Key(id: $0.id, secret: $0.secret) })
    do throws(SignatureVerifier.Refusal) {
      return try verifier.verify(signed, nowSeconds: nowSeconds())
    } catch {
      logger.warning("A signed request was refused.", metadata: ["cause": "\(error.message)"])
      throw CloudFrontFault(.accessDenied, error.message)
    }
  }

  fileprivate func createBatch(
    _ call: AdminCall, _ content: [UInt8], key: String
  ) async throws(CloudFrontFault) -> Response {
    let batch = try CloudFrontBatch(xml: content)
    var order = InvalidationOrder()
    order[.cloudFrontPaths] = batch.paths
    let selectors: [InvalidationSelector]
    do throws(Problem) {
      selectors = try order.selectors(routeNames: backend.routeNames)
    } catch {
      throw CloudFrontFault(.invalidArgument, error.detail)
    }
    let outcome: InvalidationRegistry.Outcome
    do throws(InvalidationRegistry.Refusal) {
      outcome = try await registry.make(order, selectors, reference: batch.callerReference)
    } catch {
      switch error {
      case .referenceInUse(let id):
        throw CloudFrontFault(
          .batchAlreadyExists,
          "The invalidation \(id) has this CallerReference and other paths. Use another reference.")
      case .tooManyInProgress:
        throw CloudFrontFault(
          .tooManyInProgress, "Too many invalidations are in progress. Try again in a second.")
      }
    }
    call.audit.note(outcome)
    var response = response(CloudFrontAnswer.invalidation(outcome.job), status: 201)
    response.headers[.location] = "\(call.target.path)/\(outcome.job.id)"
    return response
  }

  fileprivate func listBatches(_ call: AdminCall) async throws(CloudFrontFault) -> Response {
    var limit = Self.mostListed
    if let text = call.query("MaxItems") {
      guard let count = Int(text), 1...Self.mostListed ~= count else {
        throw CloudFrontFault(
          .invalidArgument, "MaxItems must be a whole number from 1 to \(Self.mostListed).")
      }
      limit = count
    }
    let marker = call.query("Marker").flatMap { $0.isEmpty ? nil : $0 }
    guard let page = await registry.list(after: marker, limit: limit) else {
      throw CloudFrontFault(
        .invalidArgument, "Marker must be the NextMarker of the page before.")
    }
    return response(
      CloudFrontAnswer.list(page.jobs, marker: marker ?? "", next: page.next, limit: limit),
      status: 200)
  }

  fileprivate func getBatch(_ call: AdminCall) async throws(CloudFrontFault) -> Response {
    let id = call.parameter("id")
    guard let job = await registry.job(id) else {
      throw CloudFrontFault(
        .noSuchInvalidation,
        "There is no invalidation \(id.prefix(80)), or it is no longer remembered.")
    }
    return response(CloudFrontAnswer.invalidation(job), status: 200)
  }

  private func response(_ text: String, status: Int) -> Response {
    Response(text: text, contentType: "text/xml", status: .init(code: status))
  }
}
