/// Invalidations.
extension Store {
  /// Takes away everything the selectors match.
  ///
  /// Effective before the first suspension: no lookup that begins afterwards serves a matching
  /// object, and no fill that began before is stored. Returns when the disk tier's journal has it
  /// durably; with the disk tier off nothing outlives the process, so nothing needs to be durable.
  public func invalidate(_ selectors: [InvalidationSelector]) async -> InvalidationReceipt {
    let sequence = invalidations.record(selectors)
    maintenance.wake()
    guard let disk else { return InvalidationReceipt(sequence: sequence, isDurable: true) }
    let failure = await disk.recordInvalidation(sequence: sequence, selectors: selectors)
    return InvalidationReceipt(
      sequence: sequence, isDurable: failure == nil, failure: failure)
  }

  /// Takes away everything the selectors match, effective on return; made durable in the
  /// background, for callers on an event loop that answer no client for it.
  public func invalidateSoon(_ selectors: [InvalidationSelector]) {
    let sequence = invalidations.record(selectors)
    maintenance.wake()
    guard let disk else { return }
    Task { _ = await disk.recordInvalidation(sequence: sequence, selectors: selectors) }
  }

  /// Works the pending rules and the floor off both tiers. Only from maintenance.
  func sweepInvalidated() {
    // Each round takes what was pending when it began; a few rounds catch what came meanwhile.
    for _ in 0..<8 {
      guard let sweep = invalidations.pendingSweep() else { return }
      memory.forEach { object in
        object.fetchSequence < sweep.floor
          || object.checkedSequence < sweep.rules.newestSequence
            && object.withKey { sweep.takes(key: $0, fetchSequence: object.checkedSequence) }
      } _: { shard, object in
        _ = shard.remove(object, cause: .invalidated)
        return true
      }
      disk?.sweep(upTo: sweep.upTo) { key, fetchSequence in
        sweep.takes(key: key, fetchSequence: fetchSequence)
      }
      invalidations.finish(sweep)
    }
  }
}
