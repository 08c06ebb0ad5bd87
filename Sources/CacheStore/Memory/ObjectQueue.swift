/// One FIFO through a shard's slab, with its byte count. New entries join at the head, the tail is
/// the oldest. Owner: the shard's policy, under the shard's lock.
struct ObjectQueue {
  private var head = ObjectSlab.none
  private(set) var tail = ObjectSlab.none
  private(set) var count = 0
  private(set) var bytes = 0

  var isEmpty: Bool { count == 0 }

  /// Joins at the head.
  mutating func push(_ index: UInt32, bytes added: Int, in slab: inout ObjectSlab) {
    slab.setOlder(index, to: head)
    slab.setNewer(index, to: ObjectSlab.none)
    // Links read from the tail: `newer` leads towards the head.
    if head == ObjectSlab.none { tail = index } else { slab.setNewer(head, to: index) }
    head = index
    count += 1
    bytes += added
  }

  /// Leaves from wherever it is.
  mutating func remove(_ index: UInt32, bytes removed: Int, in slab: inout ObjectSlab) {
    // Not the whole entry, whose reference would be counted.
    let older = slab.older(index)
    let newer = slab.newer(index)
    if newer == ObjectSlab.none { head = older } else { slab.setOlder(newer, to: older) }
    if older == ObjectSlab.none { tail = newer } else { slab.setNewer(older, to: newer) }
    count -= 1
    bytes -= removed
  }

  /// Comes to the head from wherever it is.
  mutating func moveToHead(_ index: UInt32, in slab: inout ObjectSlab) {
    if index == head { return }
    remove(index, bytes: 0, in: &slab)
    push(index, bytes: 0, in: &slab)
  }
}
