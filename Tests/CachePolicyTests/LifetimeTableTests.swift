import HTTPMessage
import Testing

@testable import CachePolicy

/// What one field of a random response says about caching.
private struct RandomDirectives {
  var sMaxAge: Int64?
  var maxAge: Int64?
  var whileRevalidate: Int64?
  var ifError: Int64?
  var noStore: Bool
  var noCache: Bool
  var isPrivate: Bool
  var isPublic: Bool
  var mustRevalidate: Bool
  var proxyRevalidate: Bool

  init(using random: inout SeededGenerator) {
    sMaxAge = random.odds(1, in: 5) ? random.seconds() : nil
    maxAge = random.odds(1, in: 3) ? random.seconds() : nil
    whileRevalidate = random.odds(1, in: 5) ? random.seconds() : nil
    ifError = random.odds(1, in: 5) ? random.seconds() : nil
    noStore = random.odds(1, in: 10)
    noCache = random.odds(1, in: 10)
    isPrivate = random.odds(1, in: 10)
    isPublic = random.odds(1, in: 5)
    mustRevalidate = random.odds(1, in: 8)
    proxyRevalidate = random.odds(1, in: 8)
  }

  /// The members, as either syntax has them.
  var text: String {
    var members: [String] = []
    if let sMaxAge { members.append("s-maxage=\(sMaxAge)") }
    if let maxAge { members.append("max-age=\(maxAge)") }
    if let whileRevalidate { members.append("stale-while-revalidate=\(whileRevalidate)") }
    if let ifError { members.append("stale-if-error=\(ifError)") }
    if noStore { members.append("no-store") }
    if noCache { members.append("no-cache") }
    if isPrivate { members.append("private") }
    if isPublic { members.append("public") }
    if mustRevalidate { members.append("must-revalidate") }
    if proxyRevalidate { members.append("proxy-revalidate") }
    return members.joined(separator: ", ")
  }
}

/// One random response and route, in the terms of the table and not of the wire.
private struct TableCase {
  enum Previous { case none, declared, adaptive(granted: Int64, elapsed: Int64) }

  var status: Int
  var plain: RandomDirectives
  var targeted: RandomDirectives?
  var spoilsTargeted: Bool
  var expiresIn: Int64?
  var stoodFor: Int64?
  var hasETag: Bool
  var age: Int64
  var isAuthorized: Bool
  var setsCookie: Bool
  var setCookie: SetCookieHandling
  var minimum: Int64
  var standard: Int64
  var maximum: Int64
  var statusLifetime: Int64?
  var errors: ErrorLifetimes
  var heuristic: HeuristicLifetime?
  var isAdaptive: Bool
  var previous: Previous
  var isUnchanged: Bool
  var isStrict: Bool
  var routeWhileRevalidate: Int64
  var routeIfError: Int64

  init(using random: inout SeededGenerator) {
    let statuses = [200, 200, 200, 200, 204, 206, 299, 301, 302, 404, 404, 410, 500, 503, 599]
    status = random.pick(statuses)
    plain = RandomDirectives(using: &random)
    targeted = random.odds(1, in: 3) ? RandomDirectives(using: &random) : nil
    spoilsTargeted = random.odds(1, in: 4)
    expiresIn = random.odds(1, in: 4) ? random.seconds() - 60 : nil
    stoodFor = random.odds(1, in: 3) ? random.seconds() : nil
    hasETag = random.odds(1, in: 3)
    age = random.odds(1, in: 2) ? random.seconds() : 0
    isAuthorized = random.odds(1, in: 8)
    setsCookie = random.odds(1, in: 8)
    setCookie = random.pick([.bypass, .strip, .store])
    minimum = random.odds(2, in: 3) ? 0 : random.seconds()
    standard = random.seconds()
    maximum = random.odds(1, in: 2) ? 31_536_000 : random.seconds()
    statusLifetime = random.odds(1, in: 8) ? random.seconds() : nil
    errors = ErrorLifetimes(
      seconds: random.pick([0, 10, 60, 5_000]), includesServerErrors: random.odds(1, in: 2))
    heuristic =
      random.odds(1, in: 3)
      ? HeuristicLifetime(percent: random.pick([1, 10, 100]), maximumSeconds: random.seconds())
      : nil
    isAdaptive = random.odds(1, in: 3)
    previous = random.pick([
      .none, .declared,
      .adaptive(granted: random.seconds(), elapsed: random.seconds()),
    ])
    isUnchanged = random.odds(1, in: 2)
    isStrict = random.odds(1, in: 4)
    routeWhileRevalidate = random.odds(1, in: 2) ? 0 : random.seconds()
    routeIfError = random.odds(1, in: 2) ? 0 : random.seconds()
  }

  var response: OriginResponseHead {
    var fields: [(String, String)] = [("Date", httpDate(receipt))]
    if !plain.text.isEmpty { fields.append(("cache-control", plain.text)) }
    if let targeted {
      fields.append(("CDN-Cache-Control", targeted.text + (spoilsTargeted ? " ;" : "")))
    }
    if let expiresIn { fields.append(("Expires", httpDate(receipt + expiresIn))) }
    if let stoodFor { fields.append(("Last-Modified", httpDate(receipt - stoodFor))) }
    if hasETag { fields.append(("ETag", "\"v\"")) }
    if age > 0 { fields.append(("Age", "\(age)")) }
    if setsCookie { fields.append(("Set-Cookie", "a=b")) }
    return makeResponse(status, fields)
  }

  var rules: PolicyRules {
    PolicyRules(
      ttl: TTLBounds(
        defaultSeconds: standard, minimumSeconds: minimum, maximumSeconds: maximum),
      statusLifetimes: statusLifetime.map { [status: $0] } ?? [:], errors: errors,
      heuristic: heuristic, isAdaptive: isAdaptive,
      staleWhileRevalidateSeconds: routeWhileRevalidate, staleIfErrorSeconds: routeIfError,
      isStaleStrict: isStrict, setCookie: setCookie)
  }

  var previousFreshness: Freshness? {
    switch previous {
    case .none: nil
    case .declared:
      Freshness(responseTimeSeconds: receipt - 9, initialAgeSeconds: 0, lifetimeSeconds: 9)
    case .adaptive(let granted, let elapsed):
      Freshness(
        responseTimeSeconds: receipt - elapsed, initialAgeSeconds: 7,
        lifetimeSeconds: granted + 7,
        flags: FreshnessFlags().tracing(LifetimeTrace(row: .adaptive, rowSeconds: nil)))
    }
  }
}

/// What the table says of a response that is stored.
private struct TableEntry: Equatable {
  /// Seconds from the receipt for which it is fresh.
  var remaining: Int64
  var row: LifetimeSource
  var clamps: LifetimeClamps = []
  var lastWord: LifetimeSource
  var whileRevalidate: Int64 = 0
  var ifError: Int64 = 0
}

/// The table once more, as a list of cases and without any of the code under test.
private func expected(_ row: TableCase) -> TableEntry? {
  // RFC 9213: the targeted field takes the place of the others when it is valid and not empty.
  var said = row.plain
  var expiresIn = row.expiresIn
  if let targeted = row.targeted, !targeted.text.isEmpty, !row.spoilsTargeted {
    said = targeted
    expiresIn = nil
  }
  let floor = row.minimum < row.maximum ? row.minimum : row.maximum
  let isForbidden = said.noStore || said.isPrivate || said.noCache
  let isForced = isForbidden && floor > 0
  if row.status == 206 { return nil }
  if (said.noStore || said.isPrivate) && !isForced { return nil }
  if row.setsCookie && row.setCookie == .bypass { return nil }
  if row.isAuthorized {
    if isForced { return nil }
    if !said.isPublic && said.sMaxAge == nil && !said.mustRevalidate { return nil }
  }
  let declared = said.sMaxAge ?? said.maxAge ?? expiresIn.map { $0 < 0 ? 0 : $0 }
  if declared == nil && row.statusLifetime == nil {
    switch row.status {
    case 200, 204, 301: break
    case 299, 302: if !said.isPublic { return nil }
    case 404, 410: if row.errors.seconds == 0 { return nil }
    case 500, 503:
      if row.errors.seconds == 0 || !row.errors.includesServerErrors { return nil }
    default: return nil
    }
  }

  var entry: TableEntry
  if isForced {
    entry = TableEntry(
      remaining: floor, row: .routeMinimum, clamps: .forced, lastWord: .routeMinimum)
  } else if let declared {
    entry = originsEntry(
      declared, said.sMaxAge != nil ? .sMaxAge : said.maxAge != nil ? .maxAge : .expires,
      row, floor: floor, isError: [404, 410, 500, 503].contains(row.status))
  } else if let seconds = row.statusLifetime {
    entry = operatorsEntry(seconds, .statusLifetime, row, floor: 0)
  } else if [404, 410, 500, 503].contains(row.status) {
    entry = operatorsEntry(row.errors.seconds, .errorLifetime, row, floor: 0)
  } else {
    entry = undeclaredEntry(row, floor: floor)
  }

  // Stale use.
  let isUnvalidated = !row.hasETag && row.stoodFor == nil
  if said.noCache && !isForced { return isUnvalidated ? nil : entry }
  let forbidsOutright = isForced || said.mustRevalidate || said.proxyRevalidate
  if !forbidsOutright && !(row.isStrict && said.sMaxAge != nil) {
    entry.whileRevalidate = said.whileRevalidate ?? 0
    entry.ifError = said.ifError ?? 0
  }
  if !forbidsOutright && said.sMaxAge == nil {
    if said.whileRevalidate == nil { entry.whileRevalidate = row.routeWhileRevalidate }
    if said.ifError == nil { entry.ifError = row.routeIfError }
  }
  let isUseless = entry.remaining + max(entry.whileRevalidate, entry.ifError) <= 0
  return isUnvalidated && isUseless ? nil : entry
}

/// A lifetime that counts from the response's origin.
private func originsEntry(
  _ seconds: Int64, _ name: LifetimeSource, _ row: TableCase, floor: Int64, isError: Bool
) -> TableEntry {
  var entry = TableEntry(remaining: seconds - row.age, row: name, lastWord: name)
  if seconds > row.maximum {
    entry.remaining = row.maximum - row.age
    entry.clamps = .cutAtMaximum
    entry.lastWord = .routeMaximum
  }
  var errorFloor: Int64 = 0
  if isError && row.errors.includesServerErrors {
    errorFloor = row.errors.seconds > row.maximum ? row.maximum : row.errors.seconds
  }
  if errorFloor > floor {
    if entry.remaining < errorFloor {
      entry.remaining = errorFloor
      entry.clamps.insert(.raisedToErrorMinimum)
      entry.lastWord = .errorLifetime
    }
  } else if floor > 0 && entry.remaining < floor {
    entry.remaining = floor
    entry.clamps.insert(.raisedToMinimum)
    entry.lastWord = .routeMinimum
  }
  return entry
}

/// A lifetime that counts from the receipt.
private func operatorsEntry(
  _ seconds: Int64, _ name: LifetimeSource, _ row: TableCase, floor: Int64
) -> TableEntry {
  var entry = TableEntry(remaining: seconds, row: name, lastWord: name)
  if seconds > row.maximum {
    entry.remaining = row.maximum
    entry.clamps = .cutAtMaximum
    entry.lastWord = .routeMaximum
  } else if seconds < floor {
    entry.remaining = floor
    entry.clamps = .raisedToMinimum
    entry.lastWord = .routeMinimum
  }
  if entry.remaining == 0 { entry.remaining = -row.age }
  return entry
}

private func undeclaredEntry(_ row: TableCase, floor: Int64) -> TableEntry {
  var expectable: Int64?
  if let heuristic = row.heuristic, let stoodFor = row.stoodFor {
    let share = stoodFor * heuristic.percent / 100
    expectable = share < heuristic.maximumSeconds ? share : heuristic.maximumSeconds
  }
  if row.isAdaptive {
    var seconds = expectable ?? row.standard
    if case .adaptive(let stored, let elapsed) = row.previous {
      let granted = stored < 1 ? 1 : stored
      if !row.isUnchanged {
        seconds = (granted < elapsed ? granted : elapsed) / 2
      } else if elapsed < granted || elapsed > granted + granted + 60 {
        seconds = granted
      } else {
        seconds = granted + granted
      }
    }
    return operatorsEntry(seconds < 1 ? 1 : seconds, .adaptive, row, floor: floor)
  }
  if let expectable {
    return originsEntry(expectable, .heuristic, row, floor: floor, isError: false)
  }
  return operatorsEntry(row.standard, .routeDefault, row, floor: floor)
}

extension SeededGenerator {
  fileprivate mutating func odds(_ count: Int, in all: Int) -> Bool {
    Int.random(in: 0..<all, using: &self) < count
  }

  fileprivate mutating func pick<Element>(_ choices: [Element]) -> Element {
    choices[Int.random(in: 0..<choices.count, using: &self)]
  }

  fileprivate mutating func seconds() -> Int64 {
    pick([0, 1, 5, 59, 60, 61, 3_600, 100_000, 40_000_000])
  }
}

@Suite struct LifetimeTableTests {
  /// The first seed is new in every run; those that ever failed join the list.
  @Test(
    "RFC 9111 3, 4.2, 5.2; RFC 5861; RFC 9213: the TTL table",
    arguments: [UInt64.random(in: 0 ... .max), 1, 2, 3])
  func randomResponsesGetWhatTheTableSays(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var rowsBySource: [LifetimeSource: Int] = [:]
    for index in 0..<10_000 {
      let row = TableCase(using: &random)
      let explanation = StorePolicy.explain(
        request: makeRequest(fields: row.isAuthorized ? [("Authorization", "x")] : []),
        response: row.response, requestTime: receipt, responseTime: receipt, rules: row.rules,
        previous: row.previousFreshness, isUnchanged: row.isUnchanged)
      let table = expected(row)
      var found: TableEntry?
      if case .store(let freshness, let source) = explanation.decision,
        let trace = explanation.lifetime
      {
        found = TableEntry(
          remaining: freshness.remainingSeconds(now: receipt), row: trace.row,
          clamps: trace.clamps, lastWord: source,
          whileRevalidate: freshness.staleWhileRevalidateSeconds,
          ifError: freshness.staleIfErrorSeconds)
        // What is stored keeps the trace.
        #expect(freshness.trace?.row == trace.row && freshness.trace?.clamps == trace.clamps)
      }
      if let table { rowsBySource[table.lastWord, default: 0] += 1 }
      if found == table { continue }
      Issue.record(
        """
        seed \(seed), case \(index): \(explanation) but the table says \(table as Any): \(row)
        """)
      return
    }
    // No row of the table goes untried.
    for source in LifetimeSource.allCases {
      #expect(rowsBySource[source, default: 0] > 10, "seed \(seed): \(source)")
    }
  }
}
