import Foundation
import TestSupport
import Testing

/// The admin API keeps to its own OpenAPI document: schemathesis reads it from a running edge,
/// makes requests that it allows and requests that it does not, and looks at every answer.
@Suite struct OpenAPIConformanceTests {
  @Test func theAdminAPIKeepsToItsDocument() throws {
    let schemathesis = try PythonTools.path(of: "schemathesis")
    let origin = try ScriptedOrigin.constant("x", fields: "Cache-Control: max-age=60\r\n")
    let edge = try Edge(originPort: origin.port)
    for path in ["/a", "/b"] { _ = try edge.get(path) }
    let run = try ChildProcess.run(
      "/bin/sh",
      [
        // It keeps a folder of its own where it runs.
        "-c", "cd \"$0\" && exec \"$@\"", edge.folder.path, schemathesis, "run",
        "\(edge.adminURL)/v1/openapi.json", "--auth", "admin:\(Edge.password)",
        "--checks",
        "not_a_server_error,status_code_conformance,content_type_conformance,"
          + "response_schema_conformance,unsupported_method,allow_header_conformance,"
          + "negative_data_rejection",
        "--phases", "examples,coverage,fuzzing", "--max-examples", "25", "--seed", "1",
        "--generation-database", "none", "--workers", "1", "--suppress-health-check", "all",
        "--request-timeout", "60", "--no-color", "--continue-on-failure",
        "--warnings", "off",
      ])
    #expect(run.status == 0, "\(run.output)")
    let passed = run.output.firstMatch(of: /(\d+) generated, (\d+) passed/)
    let count = try #require(passed.flatMap { Int($0.output.1) }, "\(run.output)")
    #expect(count >= 100 && passed?.output.1 == passed?.output.2, "\(run.output)")
    #expect(edge.process?.isRunning == true)
    #expect(try edge.metric("edge_requests_total") >= 2, "the edge still answers")
  }
}
