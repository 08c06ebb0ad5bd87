import HTTPServer
import Testing

extension HTTP2Peer {
  /// ENHANCE_YOUR_CALM (RFC 9113 section 7).
  static let calm: UInt32 = 11

  /// The connection has ended for this abuse and no other.
  func expectCalmed(_ abuse: HTTP2Abuse, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(goAwayCode == Self.calm, sourceLocation: sourceLocation)
    #expect(pool.statistics.count(of: abuse) == 1, sourceLocation: sourceLocation)
    #expect(connection.closeIntent == .lingering, sourceLocation: sourceLocation)
    for other in HTTP2Abuse.allCases where other != abuse {
      #expect(pool.statistics.count(of: other) == 0, sourceLocation: sourceLocation)
    }
  }

  /// The connection goes on.
  func expectUnharmed(sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(goAwayCode == nil, sourceLocation: sourceLocation)
    #expect(connection.closeIntent == .none, sourceLocation: sourceLocation)
  }
}
