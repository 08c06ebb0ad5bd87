import Testing

@testable import EdgeConfig

@Suite struct CompressionOptionTests {
  private func route(_ options: String) throws -> EdgeConfiguration.Route {
    try load(minimal.replacing("origin: api }", with: "origin: api\(options) }")).routes[0]
  }

  @Test func compressionIsOnForWhatGainsByIt() throws {
    let compression = try #require(try route("").compression)
    #expect(compression.types.contains("text/*"))
    #expect(compression.types.contains("application/json"))
    #expect(!compression.types.contains { $0.hasPrefix("image/p") || $0.hasPrefix("video") })
    #expect(compression.sizeBytes == 1024...(8 << 20))
    #expect(compression.level == 6)
  }

  @Test(arguments: ["off", "false"])
  func itCanBeSwitchedOff(word: String) throws {
    #expect(try route(", compression: \(word)").compression == nil)
    #expect(try route(", compression: on").compression != nil)
  }

  @Test func typesAndBoundsAreTheRoutes() throws {
    let compression = try route(
      ", compression_types: [Text/HTML, application/*+json], compression_min_size: 100 B, "
        + "compression_max_size: 1 MiB, compression_level: 9"
    ).compression
    #expect(
      compression
        == .init(
          types: ["text/html", "application/*+json"], sizeBytes: 100...(1 << 20), level: 9))
  }

  @Test func aLargestSizeThatIsNotWrittenIsNoFault() throws {
    let compression = try route(", compression_min_size: 20 MiB").compression
    #expect(compression?.sizeBytes == (20 << 20)...(20 << 20))
  }

  @Test(arguments: ["text", "text/", "/html", "text/html;q=1", "*/*", "a/b/c", "text /html"])
  func aTypeThatIsNoneIsNamedWithItsPlace(type: String) {
    #expect(
      routeFaults("compression_types: [\"\(type)\"]") == [
        "edge.conf:6:25: '\(type)' is no media type (write one such as text/html, text/* or "
          + "application/*+json)"
      ])
  }

  @Test func boundsAreInOrder() {
    #expect(
      routeFaults("compression_min_size: 2 KiB\ncompression_max_size: 1 KiB") == [
        "edge.conf:7:27: 'compression_max_size' is below 'compression_min_size' (raise it or "
          + "lower the other)"
      ])
  }
}
