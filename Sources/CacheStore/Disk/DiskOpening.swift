import Logging

/// A start of all disks of a store: every folder is locked and read, ``DiskAgreement`` says what is
/// to become of each, and only then anything is changed. Nothing serves before it is through.
struct DiskOpening {
  /// By the place of the path in the configuration; nil for a disk that can't be used.
  private(set) var stores: [OpenedStore?]
  /// Why a disk can't be used.
  private(set) var failures: [StoreError?]
  let partitions: DiskPartitions
  /// Who takes part from now on.
  private(set) var members: DiskMembers
  /// Number that this start goes on from.
  private(set) var sequence: UInt64 = 0
  /// Of each disk, the partitions that are its own; nil for all.
  let bitmaps: [[UInt8]?]

  private let device: any BlockDevice
  private let witnessPath: String?
  private let logger: Logger
  private let draw: () -> UInt64

  /// - Parameters:
  ///   - configurations: one a disk, checked.
  ///   - witnessPath: where the record beside the keys is; nil for none.
  /// - Throws: when no disk can be used, one is in use by another process, or they can't be one
  ///   store.
  init(
    _ configurations: [DiskTier.Configuration], witnessPath: String?, device: any BlockDevice,
    logger: Logger, draw: @escaping () -> UInt64 = { .random(in: .min ... .max) }
  ) throws(StoreError) {
    self.device = device
    self.witnessPath = witnessPath
    self.logger = logger
    self.draw = draw
    partitions = DiskPartitions(configurations.map { ($0.path, $0.sizeBytes) })
    bitmaps = configurations.indices.map { [partitions] in partitions.bitmap(of: $0) }
    stores = configurations.map { _ in nil }
    failures = configurations.map { _ in nil }
    members = DiskMembers(identifier: 0, hashSeed: 0, all: [], tokens: [])
    let claims = try read(configurations)
    let there = claims.indices.filter { claims[$0] != nil }
    let witness = try readWitness()
    let agreement: DiskAgreement
    do throws(DiskAgreement.Fault) {
      agreement = try DiskAgreement(
        there.compactMap { claims[$0]?.claim }, witness: witness, draw: draw)
    } catch {
      throw Self.storeError(error, there.map { configurations[$0].path })
    }
    sequence = agreement.sequence
    for (disk, verdict) in zip(there, agreement.verdicts) {
      guard let claim = claims[disk] else { continue }
      tell(verdict, configurations[disk].path)
      do throws(DeviceError) {
        stores[disk] = try OpenedStore(
          claim,
          OpenedStore.Orders(
            hashSeed: agreement.hashSeed, verdict: verdict, partitions: bitmaps[disk],
            keyRing: configurations[disk].keyRing, encrypts: configurations[disk].encrypts),
          device: device)
      } catch {
        try drop(disk, DiskClaim.storeError(claim.directories, error))
      }
    }
    try record(agreement, witness)
  }

  // MARK: - Steps

  private mutating func read(
    _ configurations: [DiskTier.Configuration]
  ) throws(StoreError) -> [DiskClaim?] {
    var claims: [DiskClaim?] = configurations.map { _ in nil }
    for (disk, configuration) in configurations.enumerated() {
      do throws(StoreError) {
        claims[disk] = try DiskClaim(
          configuration, mayMakeParent: configurations.count == 1, device: device, logger: logger)
      } catch {
        guard case .directory = error else { throw error }
        try drop(disk, error)
      }
    }
    return claims
  }

  private func readWitness() throws(StoreError) -> DiskMembers? {
    guard let witnessPath else { return nil }
    do throws(DeviceError) {
      return try device.readMembers(witnessPath)
    } catch { throw Self.witnessError(witnessPath, error) }
  }

  /// Goes on without a disk.
  /// - Throws: when it was the last one.
  private mutating func drop(_ disk: Int, _ error: StoreError) throws(StoreError) {
    stores[disk] = nil
    failures[disk] = error
    if failures.allSatisfy({ $0 != nil }) { throw failures[0] ?? error }
    logger.error(
      "a path of the disk tier can't be used; what belongs to it is fetched each time",
      metadata: ["cause": "\(error)"])
  }

  private func tell(_ verdict: DiskAgreement.Verdict, _ path: String) {
    if verdict.isLogLost {
      logger.error(
        "the disk tier's invalidation log is damaged; everything stored before is invalidated",
        metadata: ["path": "\(path)"])
    }
    if let cause = verdict.cause {
      logger.error(
        "what was stored on a path of the disk tier is given up",
        metadata: ["path": "\(path)", "cause": "\(cause.rawValue)"])
    } else if verdict.lackedCount > 0 {
      logger.notice(
        "a path of the disk tier lacked invalidations that another one has",
        metadata: ["path": "\(path)", "invalidations": "\(verdict.lackedCount)"])
    }
  }

  /// Says durably who takes part, everywhere, and last beside the keys; a disk that does not take
  /// it is left out.
  private mutating func record(
    _ agreement: DiskAgreement, _ witness: DiskMembers?
  ) throws(StoreError) {
    var written = stores.map { $0?.members }
    var isWhole = false
    while !isWhole {
      isWhole = true
      members = agreement.members(Set(stores.compactMap { $0?.identifier }), draw: draw)
      for (disk, store) in stores.enumerated() {
        guard let store else { continue }
        let own = members.of(store.identifier)
        do throws(DeviceError) {
          if written[disk] != own {
            written[disk] = nil
            try device.writeMembers(own, store.directories.members)
            written[disk] = own
          }
          try store.commit(device)
        } catch {
          isWhole = false
          try drop(disk, DiskClaim.storeError(store.directories, error))
        }
      }
    }
    guard let witnessPath else { return }
    var record = members.of(0)
    record.sequence = agreement.sequence
    guard witness != record else { return }
    do throws(DeviceError) {
      try device.writeMembers(record, witnessPath)
    } catch { throw Self.witnessError(witnessPath, error) }
  }

  // MARK: - Errors

  private static func witnessError(_ path: String, _ error: DeviceError) -> StoreError {
    .directory(
      path: path, reason: "\(error)", remedy: "let this user read and write it, or check its disk")
  }

  private static func storeError(
    _ fault: DiskAgreement.Fault, _ paths: [String]
  ) -> StoreError {
    switch fault {
    case .otherStore(let disk, let other):
      .format(
        path: paths[disk], reason: "it holds another store than \(paths[other])",
        remedy: "remove its files so that it begins empty, or name another folder")
    case .copy(let disk, let other):
      .format(
        path: paths[disk], reason: "it is a copy of \(paths[other])",
        remedy: "remove its files so that it begins empty, or name another folder")
    }
  }
}
