import NIOCore

/// A channel that its loop keeps an eye on: an HTTP/1.1 or HTTP/2 connection, or a TLS handshake on
/// the way to one.
protocol LoopMember: AnyObject {
  /// Its place in the loop's list; nil when it is not in it. The list writes it.
  var index: Int? { get set }
  /// When it has to be looked at if nothing happens to it before; the distant past: at every walk.
  var restsUntil: NIODeadline { get }
  /// Goes on after ``LoopState/scheduleResume(_:)``.
  func resume()
  /// Checks its deadlines.
  func tick()
  /// Takes no more requests, and closes as soon as none is under way.
  func beginDrain()
  /// Closes at once: the drain limit has passed.
  func cut()
}

/// A loop's members, and beside each the time it has to be looked at: who rests costs a walk eight
/// bytes in a row, where looking at it would fetch its objects from memory, and push those of busy
/// connections out of the processor's caches.
///
/// Invariant: no member's time is later than what it said last in ``LoopMember/restsUntil``.
struct LoopMembers {
  private(set) var all: [any LoopMember] = []
  private var due: [NIODeadline] = []

  var isEmpty: Bool { all.isEmpty }

  /// Takes a member in, to be looked at in the next walk.
  mutating func add(_ member: any LoopMember) {
    member.index = all.count
    all.append(member)
    due.append(.distantPast)
  }

  /// Takes a member out; the last one takes its place. False when it was not in.
  mutating func remove(_ member: any LoopMember) -> Bool {
    guard let index = member.index, let last = all.popLast(), let lastDue = due.popLast() else {
      return false
    }
    member.index = nil
    if last !== member {
      all[index] = last
      due[index] = lastDue
      last.index = index
    }
    return true
  }

  /// Has the member at `index` looked at no later than at `time`.
  @inline(__always)
  mutating func look(at index: Int, noLaterThan time: NIODeadline) {
    if time < due[index] { due[index] = time }
  }

  /// Notes that a member was looked at: not again before it wants to be, or something happens.
  mutating func setDue(of member: any LoopMember) {
    if let index = member.index { due[index] = member.restsUntil }
  }

  /// Those whose time has come.
  func due(at now: NIODeadline) -> [any LoopMember] {
    var result: [any LoopMember] = []
    for (index, time) in due.enumerated() where time <= now { result.append(all[index]) }
    return result
  }
}
