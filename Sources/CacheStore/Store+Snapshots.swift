/// Kept snapshots of the disk tier's index.
extension Store {
  /// Saves the disk tier's index and keeps it until it can be brought back.
  public func keepSnapshot() async -> Result<KeptSnapshot, SnapshotFailure> {
    guard let disk else { return .failure(.noDisk) }
    return await disk.keepSnapshot()
  }

  /// The kept snapshots, oldest first. Reads files; not for loops.
  public func keptSnapshots() -> Result<[KeptSnapshot], SnapshotFailure> {
    guard let disk else { return .failure(.noDisk) }
    return disk.keptSnapshots()
  }
}
