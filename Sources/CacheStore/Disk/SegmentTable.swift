import DequeModule
import Synchronization

/// All live segments: by slot, as the index names them, and in the order in which they will be
/// reclaimed. Any thread; one lock, held for a table access.
final class SegmentTable: Sendable {
  private struct State {
    var bySlot: [UInt32: Segment] = [:]
    var byGeneration: [UInt64: Segment] = [:]
    var order: Deque<Segment> = []
    var lastSlot: UInt32 = 0
    var nextGeneration: UInt64
  }

  /// Slots are 23 bits, 0 is none.
  static let mostSegments = 1 << 23 - 1
  private let state: Mutex<State>

  init(firstGeneration: UInt64) {
    state = Mutex(State(nextGeneration: firstGeneration))
  }

  func segment(slot: UInt32) -> Segment? { state.withLock { $0.bySlot[slot] } }

  func segment(generation: UInt64) -> Segment? { state.withLock { $0.byGeneration[generation] } }

  /// All segments, the next to be reclaimed first.
  var all: [Segment] { state.withLock { Array($0.order) } }

  var count: Int { state.withLock { $0.order.count } }

  /// Bytes of all segments.
  var usedBytes: Int { state.withLock { $0.order }.reduce(0) { $0 + $1.byteCount } }

  /// A generation and a slot for a new segment.
  func reserve() -> (generation: UInt64, slot: UInt32)? {
    state.withLock { state in
      guard state.bySlot.count < Self.mostSegments - 1 else { return nil }
      let generation = state.nextGeneration
      state.nextGeneration += 1
      return (generation, Self.freeSlot(&state))
    }
  }

  /// A slot for a segment of an earlier run.
  func reserveSlot() -> UInt32? {
    state.withLock { state in
      guard state.bySlot.count < Self.mostSegments - 1 else { return nil }
      return Self.freeSlot(&state)
    }
  }

  func add(_ segment: Segment) {
    state.withLock { state in
      state.bySlot[segment.slot] = segment
      state.byGeneration[segment.generation] = segment
      state.order.append(segment)
    }
  }

  /// Takes a segment out; its slot may be given to another at once.
  func remove(_ segment: Segment) {
    state.withLock { state in
      guard state.bySlot[segment.slot] === segment else { return }
      state.bySlot[segment.slot] = nil
      state.byGeneration[segment.generation] = nil
      if let position = state.order.firstIndex(where: { $0 === segment }) {
        state.order.remove(at: position)
      }
    }
  }

  /// Puts a segment at the end of the order: a dedicated one that was looked up.
  func moveToEnd(_ segment: Segment) {
    state.withLock { state in
      guard let position = state.order.firstIndex(where: { $0 === segment }) else { return }
      state.order.remove(at: position)
      state.order.append(segment)
    }
  }

  /// Oldest segment that `mayReclaim` allows.
  func oldest(where mayReclaim: (Segment) -> Bool) -> Segment? {
    state.withLock { $0.order }.first(where: mayReclaim)
  }

  private static func freeSlot(_ state: inout State) -> UInt32 {
    repeat {
      state.lastSlot = (state.lastSlot + 1) & 0x7F_FFFF
    } while state.lastSlot == 0 || state.bySlot[state.lastSlot] != nil
    return state.lastSlot
  }
}
