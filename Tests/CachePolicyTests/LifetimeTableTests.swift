import HTTPMessage
import Testing

@testable import CachePolicy

/// One random response and route, in the terms of the table and not of the wire.
private struct TableCase {
  var status: Int
  var sMaxAge: Int64?
  var maxAge: Int64?
  var expiresIn: Int64?
  var noStore: Bool
  var noCache: Bool
  var isPrivate: Bool
  var isPublic: Bool
  var mustRevalidate: Bool
  var hasETag: Bool
  var age: Int64
  var isAuthorized: Bool
  var setsCookie: Bool
  var setCookie: SetCookieHandling
  var minimum: Int64
  var standard: Int64
  var maximum: Int64
  var statusLifetime: Int64?
  var staleIfError: Int64

  init(using random: inout SeededGenerator) {
    func seconds() -> Int64 {
      [0, 1, 5, 59, 60, 61, 3_600, 100_000, 40_000_000].randomElement(using: &random) ?? 0
    }
    func maybe(_ odds: Int) -> Bool { Int.random(in: 0..<odds, using: &random) == 0 }
    status =
      [200, 200, 200, 204, 206, 301, 302, 404, 500, 503].randomElement(using: &random) ?? 200
    sMaxAge = maybe(4) ? seconds() : nil
    maxAge = maybe(2) ? seconds() : nil
    expiresIn = maybe(3) ? seconds() - 60 : nil
    noStore = maybe(8)
    noCache = maybe(8)
    isPrivate = maybe(8)
    isPublic = maybe(6)
    mustRevalidate = maybe(6)
    hasETag = maybe(2)
    age = maybe(2) ? seconds() : 0
    isAuthorized = maybe(6)
    setsCookie = maybe(6)
    setCookie = [.bypass, .strip, .store].randomElement(using: &random) ?? .bypass
    minimum = maybe(2) ? 0 : seconds()
    standard = seconds()
    maximum = maybe(3) ? 31_536_000 : seconds()
    statusLifetime = maybe(4) ? seconds() : nil
    staleIfError = maybe(2) ? 0 : seconds()
  }

  var response: OriginResponseHead {
    var fields: [(String, String)] = [("Date", httpDate(receipt))]
    if let sMaxAge { fields.append(("Cache-Control", "s-maxage=\(sMaxAge)")) }
    if let maxAge { fields.append(("cache-control", "max-age=\(maxAge)")) }
    if let expiresIn { fields.append(("Expires", httpDate(receipt + expiresIn))) }
    if noStore { fields.append(("Cache-Control", "foo, no-store")) }
    if noCache { fields.append(("Cache-Control", "No-Cache")) }
    if isPrivate { fields.append(("Cache-Control", "private , bar=\"x,y\"")) }
    if isPublic { fields.append(("Cache-Control", "public")) }
    if mustRevalidate { fields.append(("Cache-Control", "must-revalidate")) }
    if hasETag { fields.append(("ETag", "\"v\"")) }
    if age > 0 { fields.append(("Age", "\(age)")) }
    if setsCookie { fields.append(("Set-Cookie", "a=b")) }
    return makeResponse(status, fields)
  }

  var rules: PolicyRules {
    PolicyRules(
      ttl: TTLBounds(
        defaultSeconds: standard, minimumSeconds: minimum, maximumSeconds: maximum),
      statusLifetimes: statusLifetime.map { [status: $0] } ?? [:],
      staleIfErrorSeconds: staleIfError, setCookie: setCookie)
  }
}

/// The table once more, as a list of cases and without any of the code under test.
private func expected(_ row: TableCase) -> (remaining: Int64, source: LifetimeSource)? {
  if row.status == 206 { return nil }
  let isForbidden = row.noStore || row.isPrivate || row.noCache
  if row.minimum == 0 && (row.noStore || row.isPrivate) { return nil }
  if row.setsCookie && row.setCookie == .bypass { return nil }
  let isForced = row.minimum > 0 && isForbidden
  if row.isAuthorized {
    if isForced { return nil }
    if !row.isPublic && row.sMaxAge == nil && !row.mustRevalidate { return nil }
  }

  let declared = row.sMaxAge ?? row.maxAge ?? row.expiresIn.map { $0 < 0 ? 0 : $0 }
  let isOrdinary = [200, 204, 301, 404].contains(row.status)
  let isMarked = row.isPublic && row.status == 302
  if declared == nil && !isOrdinary && !isMarked && row.statusLifetime == nil { return nil }

  var result: (remaining: Int64, source: LifetimeSource)
  if isForced {
    result = (min(row.minimum, row.maximum), .routeMinimum)
  } else if let declared {
    let name: LifetimeSource =
      row.sMaxAge != nil ? .sMaxAge : row.maxAge != nil ? .maxAge : .expires
    result =
      declared > row.maximum ? (row.maximum - row.age, .routeMaximum) : (declared - row.age, name)
    let floor = min(row.minimum, row.maximum)
    if floor > 0 && result.remaining < floor { result = (floor, .routeMinimum) }
  } else {
    if let seconds = row.statusLifetime {
      result = (seconds, .statusLifetime)
    } else if row.minimum > row.standard {
      result = (row.minimum, .routeMinimum)
    } else {
      result = (row.standard, .routeDefault)
    }
    if result.remaining > row.maximum { result = (row.maximum, .routeMaximum) }
    if result.remaining == 0 { result.remaining = -row.age }
  }
  if row.noCache && !isForced { return row.hasETag ? result : nil }
  if row.hasETag { return result }
  let forbidsStale = isForced || row.mustRevalidate || row.sMaxAge != nil
  return result.remaining + (forbidsStale ? 0 : row.staleIfError) > 0 ? result : nil
}

@Suite struct LifetimeTableTests {
  /// The first seed is new in every run; those that ever failed join the list.
  @Test(arguments: [UInt64.random(in: 0 ... .max), 1, 2, 3])
  func randomResponsesGetWhatTheTableSays(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var rowsBySource: [LifetimeSource: Int] = [:]
    for index in 0..<5_000 {
      let row = TableCase(using: &random)
      let request = makeRequest(fields: row.isAuthorized ? [("Authorization", "x")] : [])
      let decision = decide(row.response, to: request, row.rules)
      let table = expected(row)
      let isSame =
        decision.freshness?.remainingSeconds(now: receipt) == table?.remaining
        && decision.source == table?.source
      if let table { rowsBySource[table.source, default: 0] += 1 }
      if isSame { continue }
      Issue.record(
        "seed \(seed), case \(index): \(decision) but the table says \(table as Any): \(row)")
      return
    }
    // No row of the table goes untried.
    for source in LifetimeSource.allCases {
      #expect(rowsBySource[source, default: 0] > 10, "seed \(seed): \(source)")
    }
  }
}
