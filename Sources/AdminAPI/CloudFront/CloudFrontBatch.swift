/// An InvalidationBatch: paths and a caller reference, as CloudFront's clients send it.
struct CloudFrontBatch: Sendable, Equatable {
  static let namespace = "http://cloudfront.amazonaws.com/doc/2020-05-31/"
  /// Most paths in one batch, those of CloudFront.
  static let mostPaths = 3000

  let paths: [String]
  let callerReference: String

  /// Reads a batch.
  init(xml bytes: [UInt8]) throws(CloudFrontFault) {
    guard bytes.contains(where: { $0 > 0x20 }) else {
      throw CloudFrontFault(.missingBody, "The request has no InvalidationBatch in its body.")
    }
    let root: XMLTree
    do throws(XMLTree.Fault) {
      root = try XMLTree.read(bytes)
    } catch {
      throw CloudFrontFault(.invalidArgument, "The body cannot be read: \(error.message).")
    }
    guard root.name == "InvalidationBatch", [Self.namespace, ""].contains(root.namespace) else {
      throw CloudFrontFault(
        .invalidArgument,
        "The body must be an InvalidationBatch of the namespace \(Self.namespace).")
    }
    guard let list = root.only("Paths"), let reference = root.only("CallerReference")?.text else {
      throw CloudFrontFault(
        .invalidArgument, "An InvalidationBatch has one Paths and one CallerReference.")
    }
    guard InvalidationRequest.isReference(reference) else {
      throw CloudFrontFault(
        .invalidArgument,
        "CallerReference must have 1 to \(InvalidationRequest.mostReferenceBytes) bytes.")
    }
    callerReference = reference
    paths = try Self.paths(of: list)
  }

  private static func paths(of list: XMLTree) throws(CloudFrontFault) -> [String] {
    guard let text = list.only("Quantity")?.text, let quantity = Int(text), quantity >= 0 else {
      throw CloudFrontFault(.invalidArgument, "Paths needs a Quantity that is a whole number.")
    }
    let items = list.only("Items")?.children.filter { $0.name == "Path" } ?? []
    guard quantity == items.count else {
      throw CloudFrontFault(
        .inconsistentQuantities, "Quantity is \(quantity), but Items has \(items.count) Path.")
    }
    guard !items.isEmpty else {
      throw CloudFrontFault(.invalidArgument, "There is no Path; /* is everything.")
    }
    guard items.count <= mostPaths else {
      throw CloudFrontFault(
        .batchTooLarge,
        "The batch has \(items.count) paths, the limit is \(mostPaths). Send several, or a path "
          + "that ends with *.")
    }
    return items.map(\.text)
  }
}
