@testable import CacheStore

/// What a random run of the store did, so that a failure tells how an object came to where it was
/// found. Owner: the run. Limit: `most` events, the oldest go first.
struct StoreModelTrace {
  private struct Event {
    let step: Int
    /// The object's number; nil when it concerns all.
    let number: Int?
    let text: String
  }

  private static let most = 4000
  private var events: [Event] = []
  /// The step that is under way.
  var step = 0

  mutating func note(_ text: @autoclosure () -> String, of number: Int? = nil) {
    if events.count >= Self.most { events.removeFirst(Self.most / 4) }
    events.append(Event(step: step, number: number, text: text()))
  }

  /// What happened to an object and to all, from its third to last insertion on.
  func lines(of number: Int) -> String {
    let own = events.filter { $0.number == number || $0.number == nil }
    let insertions = own.indices.filter { own[$0].text.hasPrefix("insert") }
    let first = insertions.suffix(3).first ?? own.startIndex
    return own[first...].map { "  step \($0.step): \($0.text)" }.joined(separator: "\n")
  }
}

extension MemoryStore {
  /// Where a look-up would find an object now, without a hit.
  func whereabouts(_ url: String) -> String {
    if holds(url) { return "memory" }
    guard let disk = store.disk?.owner(of: hash(url)) else { return "nowhere" }
    let hash = hash(url)
    if disk.inbox.queued(hash) != nil { return "write queue" }
    guard let place = disk.index.place(hash) else { return "nowhere" }
    guard let segment = disk.table.segment(slot: place.slot) else { return "a removed segment" }
    return "\(segment.kind) segment \(segment.generation), block \(place.block)"
  }
}
