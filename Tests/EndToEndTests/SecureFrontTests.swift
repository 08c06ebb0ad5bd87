import Foundation
import TestSupport
import Testing

/// TLS and HTTP/2 as a user has them: by edge.conf, with real certificates and real curl.
@Suite struct SecureFrontTests {
  private func listener(_ certificate: TestCertificate, port: Int) -> String {
    """
      - address: 127.0.0.1:\(port)
        tls: { certificate: \(certificate.certificate), key: \(certificate.key) }
        hsts: { max_age: 1 day }
    """
  }

  @Test func curlSpeaksHTTP2OverTLSAndGetsHits() throws {
    let certificate = try TestCertificate()
    let origin = try ScriptedOrigin.constant("secret")
    let port = try freePort()
    let edge = try Edge(originPort: origin.port, listeners: listener(certificate, port: port))
    let url = "https://localhost:\(port)/a"
    let trust = ["--cacert", certificate.certificate, "--resolve", "localhost:\(port):127.0.0.1"]
    let miss = try Curl.get(url, trust + ["--http2"])
    #expect(miss.status == 200 && miss.body == "secret")
    #expect(miss.header("X-Cache") == "Miss from edge")
    #expect(miss.header("Strict-Transport-Security") == "max-age=86400")
    for version in ["--http2", "--http1.1"] {
      let hit = try Curl.get(url, trust + [version, "--tlsv1.3"])
      #expect(hit.status == 200 && hit.body == "secret", "\(version)")
      #expect(hit.header("X-Cache") == "Hit from edge", "\(version)")
    }
    #expect(try edge.metric("edge_http2_connections_total") == 2)
    #expect(
      try Curl.get(url, trust + ["--tlsv1.2", "--tls-max", "1.2"]).status == 0,
      "TLS 1.2 is off by default")
    #expect(try edge.get("/a").header("X-Cache") == "Miss from edge", "http is another key")
  }

  @Test func clearTextHTTP2NeedsPriorKnowledge() throws {
    let origin = try ScriptedOrigin.constant("clear")
    let edge = try Edge(originPort: origin.port)
    let answer = try edge.get("/a", "--http2-prior-knowledge")
    #expect(answer.status == 200 && answer.body == "clear")
    #expect(try edge.get("/a").header("X-Cache") == "Hit from edge")
  }

  /// The last answer of a connection, larger than what its socket takes at once, arrives whole
  /// from memory and from disk: the close comes behind what is written while bytes go out.
  @Test(arguments: [(false, "64 KiB"), (true, "64 KiB"), (false, "4 MiB"), (true, "4 MiB")])
  func theLastAnswerOfAConnectionIsWhole(isSecure: Bool, largestInMemory: String) throws {
    let certificate = try TestCertificate()
    let origin = try FixtureOrigin()
    let securePort = try freePort()
    let edge = try Edge(
      originPort: origin.port, listeners: listener(certificate, port: securePort),
      store: """
          memory: { size: 8 MiB, largest: \(largestInMemory) }
          disk: { path: cache, size: 256 MiB }
        """)
    let port = isSecure ? securePort : edge.port
    let trust = ["--cacert", certificate.certificate, "--resolve", "localhost:\(port):127.0.0.1"]
    for bytes in [300_000, 3_000_000] {
      let path = "/large?bytes=\(bytes)"
      let url = "\(isSecure ? "https" : "http")://localhost:\(port)\(path)"
      let reference = try Curl.get("http://127.0.0.1:\(origin.port)\(path)").bytes
      #expect(try eventually { try Curl.get(url, trust).header("X-Cache") == "Hit from edge" })
      for way in [["--http1.0"], ["-H", "Connection: close"], ["--http1.1"], ["--http2"]] {
        // Also slow enough that the edge has to wait for the client again and again.
        for pace in [[], ["--limit-rate", "20M"]] {
          let answer = try Curl.get(url, trust + way + pace)
          #expect(answer.exit == 0, "\(way) \(pace)")
          #expect(answer.header("X-Cache") == "Hit from edge", "\(way) \(pace)")
          #expect(Bool(answer.bytes == reference), "\(way) \(pace): \(answer.bytes.count)")
        }
      }
    }
  }

  @Test func aCertificateThatDoesNotFitItsKeyIsAFaultOfTheConfiguration() throws {
    let (one, other) = (try TestCertificate(), try TestCertificate())
    let file = one.folder.appendingPathComponent("edge.conf")
    try """
    listeners:
      - address: 127.0.0.1:8443
        tls: { certificate: edge.pem, key: \(other.key) }
    origins: { api: { servers: [http://127.0.0.1:9000] } }
    routes: [{ match: /*, origin: api }]
    store: { disk: off }
    """.write(to: file, atomically: true, encoding: .utf8)
    for command in ["check", "serve"] {
      let result = try ChildProcess.run(Edge.binary, [command, "--config", file.path])
      #expect(result.status == 78, "\(result.output)")
      #expect(result.output.contains("edge.conf:3:"), "\(result.output)")
      #expect(result.output.contains(other.key), "\(result.output)")
    }
  }
}
