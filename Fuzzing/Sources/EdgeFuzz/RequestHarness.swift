import NIOCore

/// The parser and the decoder of HTTP/1.1 requests beside the oracle: whole, byte by byte, and cut
/// somewhere.
enum RequestHarness {
  /// Small limits, so that the fuzzer reaches them.
  private static let limits = OracleLimits(headBytes: 512, targetBytes: 64, fieldCount: 8)

  static func request(_ bytes: Bytes) {
    for cuts in cuts(bytes) {
      let mismatch = OracleComparison.mismatch(request: bytes, cuts: cuts, limits: limits)
      require(mismatch == nil, "cut at \(cuts): \(mismatch ?? "")")
    }
  }

  static func chunked(_ bytes: Bytes) {
    for cuts in cuts(bytes) {
      let mismatch = OracleComparison.mismatch(chunked: bytes, cuts: cuts, limits: limits)
      require(mismatch == nil, "cut at \(cuts): \(mismatch ?? "")")
    }
  }

  private static func cuts(_ bytes: Bytes) -> [[Int]] {
    var cuts = Cuts(bytes)
    return [[], Array(stride(from: 1, to: bytes.count, by: 1)), cuts.places(bytes.count)]
  }
}
