import EdgeSecurity
import Synchronization

/// Checks where a report of an event comes from.
struct EventSignature: Sendable {
  /// Why a report is not believed.
  struct Refusal: Error, Equatable {
    let message: String
  }

  /// How far a report's time may be from ours.
  static let toleranceSeconds: Int64 = 300

  let form: EventConfiguration.Signature
  let secret: String

  /// - Parameters:
  ///   - value: the signature field's; nil when there is none.
  ///   - seen: refuses a timed report that has come before.
  func verify(
    _ value: String?, content: [UInt8], nowSeconds: Int64, seen: SeenSignatures
  ) throws(Refusal) {
    guard let value, value.utf8.count <= 4096 else {
      throw Refusal(message: "The report is not signed.")
    }
    switch form {
    case .content:
      let claimed = value.hasPrefix("sha256=") ? String(value.dropFirst(7)) : ""
      try check([claimed], of: content)
    case .timed:
      var claimed: [String] = []
      var seconds: String?
      for part in value.split(separator: ",") {
        let pair = part.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
        guard pair.count == 2 else { continue }
        if pair[0] == "t" { seconds = String(pair[1]) }
        if pair[0] == "v1", claimed.count < 8 { claimed.append(String(pair[1])) }
      }
      guard let seconds, let time = Int64(seconds) else {
        throw Refusal(message: "The signature must be of the form t=SECONDS,v1=HEXADECIMAL.")
      }
      try check(claimed, of: Array("\(seconds).".utf8) + content)
      guard time <= nowSeconds + Self.toleranceSeconds, time >= nowSeconds - Self.toleranceSeconds
      else {
        throw Refusal(
          message:
            "The report was signed more than \(Self.toleranceSeconds / 60) minutes from this "
            + "server's clock.")
      }
      let code = HMACSHA256.code(Array("\(seconds).".utf8) + content, key: Array(secret.utf8))
      guard seen.note(hexadecimal(code), until: time + Self.toleranceSeconds, nowSeconds) else {
        throw Refusal(message: "This very report has come before.")
      }
    }
  }

  /// All are compared, also after one that agrees.
  private func check(_ claimed: [String], of message: [UInt8]) throws(Refusal) {
    let expected = Array(
      hexadecimal(HMACSHA256.code(message, key: Array(secret.utf8))).utf8)
    var isValid = false
    for text in claimed
    where ConstantTime.areEqual(expected, Array(text.lowercased().utf8)) {
      isValid = true
    }
    guard isValid else {
      throw Refusal(
        message: "The signature is not that of the content under the event's secret.")
    }
  }
}

/// Signatures that have come, for as long as they would be good. Limit: `mostSeen`; beyond it no
/// report is taken until some have run out, since forgetting one would let it in again.
final class SeenSignatures: Sendable {
  private static let mostSeen = 100_000
  private let expiries = Mutex<[String: Int64]>([:])

  /// False when it has come before, or nothing more can be remembered.
  func note(_ signature: String, until expirySeconds: Int64, _ nowSeconds: Int64) -> Bool {
    expiries.withLock { expiries in
      if let expiry = expiries[signature], expiry >= nowSeconds { return false }
      if expiries.count >= Self.mostSeen {
        expiries = expiries.filter { $0.value >= nowSeconds }
        guard expiries.count < Self.mostSeen else { return false }
      }
      expiries[signature] = expirySeconds
      return true
    }
  }
}
