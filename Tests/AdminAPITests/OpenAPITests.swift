import Foundation
import HTTPTypes
import Testing

@testable import AdminAPI

struct OpenAPITests {
  @Test func everyOperationIsReachedByItsOwnPathAndIsInTheDocument() throws {
    let text = OpenAPIDocument.json(version: "1").text
    let document = try #require(
      JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(document["openapi"] as? String == "3.1.0")
    let paths = try #require(document["paths"] as? [String: [String: [String: Any]]])
    #expect(Set(paths.keys) == Set(AdminOperation.paths))
    var identifiers: Set<String> = []
    for operation in AdminOperation.all {
      let concrete = operation.path.replacing("{", with: "x").replacing("}", with: "x")
      let found = AdminResponder.find(AdminTarget(concrete), operation.method)
      #expect(found?.operation.path == operation.path, "\(operation.path) is hidden by another")
      let entry = try #require(
        paths[operation.path]?[operation.method.rawValue.lowercased()], "\(operation.path)")
      let identifier = try #require(entry["operationId"] as? String)
      #expect(identifiers.insert(identifier).inserted, "\(identifier)")
      let responses = try #require(entry["responses"] as? [String: Any])
      #expect(responses["400"] != nil && responses["403"] != nil)
      #expect((responses["401"] != nil) == (operation.access != .open))
    }
  }

  @Test func onlyTheProbesAreOpen() {
    let open = AdminOperation.all.filter { $0.access == .open }.map(\.path)
    #expect(open == ["/healthz", "/readyz"])
  }

  @Test func everyChangeIsAudited() {
    for operation in AdminOperation.all where operation.method != .get {
      #expect(operation.isChange, "\(operation.method) \(operation.path)")
    }
  }

  @Test func pathsMatchSegmentBySegment() {
    let operation = AdminOperation(
      .get, "/v1/things/{name}/parts/{part}", access: .open,
      OperationDocumentation("", responses: [])
    ) { (_, _) async throws(Problem) in throw Problem(status: .notFound, detail: "") }
    #expect(operation.parameters(of: "/v1/things/a%20b/parts/2") == ["name": "a b", "part": "2"])
    for other in [
      "/v1/things", "/v1/things/a/parts", "/v1/things//parts/2", "/v1/things/a/parts/2/",
      "/v1/things/%zz/parts/2", "/v1/things/%+1/parts/2", "/v1/things/%ff/parts/2",
      "/V1/things/a/parts/2", "/v1/things/a/parts/",
    ] {
      #expect(operation.parameters(of: other[...]) == nil, "\(other)")
    }
  }
}
