import CacheStore

/// An invalidation that was accepted, and what has come of it.
struct InvalidationJob: Sendable, Equatable {
  /// Objects that it took away or marked, and those fetched again.
  struct Counts: Sendable, Equatable {
    var memory = 0
    var disk = 0
    /// For a refresh: objects fetched again, and those that were not, because the origin failed or
    /// the key does not tell the request.
    var refreshed: Int?
    var notRefreshed: Int?
  }

  /// Unlike any other's, also across restarts.
  let id: String
  /// Nil when the caller gave none.
  let callerReference: String?
  let order: InvalidationOrder
  /// Unix milliseconds.
  let createdMilliseconds: Int64
  /// Unix milliseconds; nil while it is in progress.
  var completedMilliseconds: Int64?
  /// Nil when it is not known: the invalidation has been made, but not followed.
  var counts: Counts?
  /// Nil until it has been made.
  var receipt: InvalidationReceipt?

  var isCompleted: Bool { completedMilliseconds != nil }
  /// As CloudFront says it.
  var status: String { isCompleted ? "Completed" : "InProgress" }

  /// Bytes that it holds, for limits.
  var byteCount: Int { 256 + order.byteCount + (callerReference?.utf8.count ?? 0) }
}

extension InvalidationJob {
  /// The answer of the admin API.
  var json: JSONValue {
    var members = [JSONMember("id", .string(id)), JSONMember("status", .string(status))]
    if let callerReference {
      members.append(JSONMember("callerReference", .string(callerReference)))
    }
    members.append(JSONMember("created", .string(UTCText.of(createdMilliseconds))))
    if let completedMilliseconds {
      members.append(JSONMember("completed", .string(UTCText.of(completedMilliseconds))))
    }
    members += order.members
    if let receipt {
      members.append(JSONMember("sequence", .integer(Int(clamping: receipt.sequence))))
      members.append(JSONMember("durable", .bool(receipt.isDurable)))
      if let failure = receipt.failure { members.append(JSONMember("failure", .string(failure))) }
    }
    members.append(JSONMember("counts", counts.map { $0.json } ?? .null))
    return .object(members)
  }
}

extension InvalidationJob.Counts {
  /// The counts by tier.
  var json: JSONValue {
    var members = [
      JSONMember("memory", .integer(memory)), JSONMember("disk", .integer(disk)),
    ]
    if let refreshed { members.append(JSONMember("refreshed", .integer(refreshed))) }
    if let notRefreshed { members.append(JSONMember("notRefreshed", .integer(notRefreshed))) }
    return .object(members)
  }

  init?(json: JSONValue) {
    guard case .object(let members) = json else { return nil }
    for member in members {
      guard case .integer(let count) = member.value else { continue }
      switch member.name {
      case "memory": memory = count
      case "disk": disk = count
      case "refreshed": refreshed = count
      case "notRefreshed": notRefreshed = count
      default: break
      }
    }
  }
}

/// Times as the admin API and CloudFront's write them: `2026-11-28T01:05:00.123Z`.
enum UTCText {
  /// - Parameter milliseconds: Unix time.
  static func of(_ milliseconds: Int64) -> String {
    let seconds = milliseconds >= 0 ? milliseconds / 1000 : (milliseconds - 999) / 1000
    let days = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
    let second = seconds - days * 86_400
    let (year, month, day) = date(days)
    return "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T\(pad(second / 3600, 2)):"
      + "\(pad(second / 60 % 60, 2)):\(pad(second % 60, 2))."
      + "\(pad(milliseconds - seconds * 1000, 3))Z"
  }

  private static func pad(_ number: Int64, _ width: Int) -> String {
    let digits = "\(number)"
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }

  /// The Gregorian date so many days after 1970-01-01: eras of 400 years that begin in March, so
  /// that the leap day is a year's last.
  private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (
      yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month,
      dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    )
  }
}
