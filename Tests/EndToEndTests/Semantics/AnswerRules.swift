/// What must hold of every answer that the edge gives, whatever the row is about.
enum AnswerRules {
  /// The rules that the answer breaks.
  static func faults(of answer: HTTPAnswer) -> [String] {
    let head = answer.head
    var faults: [String] = []
    let dates = head.values("Date")
    if dates.count != 1 { faults.append("RFC 9110 6.6.1: \(dates.count) Date lines") }
    let ages = head.values("Age")
    // What is passed by goes on as it came.
    if isStored(answer), ages.count > 1 || ages.contains(where: { UInt32($0) == nil }) {
      faults.append("RFC 9111 5.1: Age is \(ages)")
    }
    for name in ["Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Upgrade"]
    where head.value(name) != nil && answer.status != 101 && answer.status != 426 {
      faults.append("RFC 9110 7.6.1: \(name) was forwarded")
    }
    if answer.status == 204, head.value("Content-Length") != nil {
      faults.append("RFC 9110 8.6: 204 with Content-Length")
    }
    if head.value("Transfer-Encoding") != nil, head.value("Content-Length") != nil {
      faults.append("RFC 9112 6.2: Transfer-Encoding beside Content-Length")
    }
    if head.values("Warning").contains(where: { $0.hasPrefix("11") }) {
      faults.append("RFC 9111 5.5: Warning was generated")
    }
    return faults + cacheStatusFaults(of: answer) + proxyStatusFaults(of: head)
  }

  /// Whether the answer came from the store or went into it.
  private static func isStored(_ answer: HTTPAnswer) -> Bool {
    let members = try? StructuredFieldText.list(answer.head.value("Cache-Status") ?? "")
    guard let own = members?.last else { return false }
    return own.parameter("hit") != nil || own.parameter("stored") != nil
  }

  /// RFC 9211, section 2.
  private static func cacheStatusFaults(of answer: HTTPAnswer) -> [String] {
    guard let value = answer.head.value("Cache-Status") else {
      return ["RFC 9211 2: no Cache-Status"]
    }
    let members: [StructuredFieldText.Member]
    do {
      members = try StructuredFieldText.list(value)
    } catch {
      return ["RFC 9651 4.2: Cache-Status does not parse: \(error) in \(value)"]
    }
    // Of several caches, each adds itself at the end.
    guard let own = members.last else { return ["RFC 9211 2: Cache-Status is empty"] }
    var faults: [String] = []
    if own.item != .token("edge") { faults.append("RFC 9211 2: the last entry is \(own.item)") }
    for (name, item) in own.parameters where !isRight(name, item) {
      faults.append("RFC 9211 2: parameter \(name)=\(item.text)")
    }
    let isHit = own.parameter("hit") == .boolean(true)
    if isHit, own.parameter("fwd") != nil { faults.append("RFC 9211 2.2: hit beside fwd") }
    if own.parameter("fwd") == nil {
      for name in ["fwd-status", "stored", "collapsed"] where own.parameter(name) != nil {
        faults.append("RFC 9211 2: \(name) without fwd")
      }
    }
    if isHit, answer.head.value("Age") == nil { faults.append("RFC 9111 5.1: a hit without Age") }
    return faults
  }

  private static func isRight(_ name: String, _ item: StructuredFieldText.Item) -> Bool {
    switch (name, item) {
    case ("hit", .boolean), ("stored", .boolean), ("collapsed", .boolean): true
    case ("fwd", .token(let reason)):
      ["bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial"]
        .contains(reason)
    case ("fwd-status", .integer(let status)): (100...599).contains(status)
    case ("ttl", .integer): true
    case ("key", .string): true
    case ("detail", .token), ("detail", .string): true
    default: false
    }
  }

  /// RFC 9209, section 2.
  private static func proxyStatusFaults(of head: HeadText) -> [String] {
    guard let value = head.value("Proxy-Status") else { return [] }
    do {
      var faults: [String] = []
      for member in try StructuredFieldText.list(value) {
        switch member.item {
        case .token, .string: break
        default: faults.append("RFC 9209 2: an entry is \(member.item)")
        }
        if let error = member.parameter("error"), case .token = error {
        } else if member.parameter("error") != nil {
          faults.append("RFC 9209 2.1.1: error is no token")
        }
      }
      return faults
    } catch {
      return ["RFC 9651 4.2: Proxy-Status does not parse: \(error) in \(value)"]
    }
  }
}
