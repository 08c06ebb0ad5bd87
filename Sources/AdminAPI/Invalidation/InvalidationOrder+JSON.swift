extension InvalidationOrder {
  /// The members by which answers and the file of jobs name the order.
  var members: [JSONMember] {
    var members = List.allCases.compactMap { list in
      lists[list].map { texts in
        JSONMember(
          list.rawValue,
          .array(
            texts.map { text in
              list == .statuses ? Int(text).map { .integer($0) } ?? .string(text) : .string(text)
            }))
      }
    }
    if let host { members.append(JSONMember("host", .string(host))) }
    if ignoresQuery { members.append(JSONMember("ignoreQuery", .bool(true))) }
    if let receivedBefore {
      members.append(JSONMember("receivedBefore", .integer(Int(receivedBefore))))
    }
    members.append(JSONMember("kind", .string(kind.rawValue)))
    return members
  }

  /// The order that ``members`` name, other members left aside; nil when they name none.
  init?(members: [JSONMember]) {
    self.init()
    for member in members {
      switch (member.name, member.value) {
      case ("host", .string(let text)): host = text
      case ("ignoreQuery", .bool(let value)): ignoresQuery = value
      case ("receivedBefore", .integer(let second)): receivedBefore = Int64(second)
      case ("kind", .string(let text)):
        guard let kind = Kind(rawValue: text) else { return nil }
        self.kind = kind
      case (let name, .array(let items)):
        guard let list = List(rawValue: name) else { continue }
        self[list] = items.compactMap { item in
          switch item {
          case .string(let text): text
          case .integer(let number): "\(number)"
          default: nil
          }
        }
      default: break
      }
    }
    if count == 0 { return nil }
  }
}
