import Testing

/// All rows, in the order of their topics.
enum SemanticsRows {
  static let all =
    FreshnessRows.all + AgeRows.all + LifetimeRows.all + StatusRows.all + StoringRows.all
    + VaryRows.all + HeadRows.all + ConditionalRows.all + ValidationRows.all + StaleRows.all
    + DirectiveRows.all + RangeRows.all + InvalidationRows.all + TargetedRows.all
    + ForwardingRows.all + KeyRows.all + ExtensionRows.all + CacheStatusRows.all + PartRows.all
    + OptionRows.all + MessageRows.all + InterplayRows.all
}

extension SemanticsRows {
  /// The rows that read, change or drop what is stored: for what is stored on disk, too.
  static let onDisk =
    AgeRows.all + StoringRows.all + VaryRows.all + HeadRows.all + ConditionalRows.all
    + ValidationRows.all + StaleRows.all + InvalidationRows.all + ExtensionRows.all
    + CacheStatusRows.all + PartRows.all.filter { !largeParts.contains($0.claim) }
    + InterplayRows.all

  /// Parts of one object take at most `store.memory.largest`, which is 1 KiB on disk.
  private static let largeParts: Set<String> = [
    "large parts are combined across their seams", "a large whole is completed around its middle",
    "a range across a missing middle",
  ]
}

/// The rules of HTTP caching, each a row that runs through the running edge with a scripted origin
/// behind it. A failing row prints its exchanges as they happened.
@Suite struct SemanticsTests {
  @Test(arguments: FreshnessRows.all) func freshness(_ row: Row) throws { try RowRun.run(row) }
  @Test(arguments: AgeRows.all) func age(_ row: Row) throws { try RowRun.run(row) }
  @Test(arguments: LifetimeRows.all) func lifetime(_ row: Row) throws { try RowRun.run(row) }
  @Test(arguments: StatusRows.all) func status(_ row: Row) throws { try RowRun.run(row) }
  @Test(arguments: StoringRows.all) func storing(_ row: Row) throws { try RowRun.run(row) }
  @Test(arguments: VaryRows.all) func vary(_ row: Row) throws { try RowRun.run(row) }
  @Test(arguments: HeadRows.all) func head(_ row: Row) throws { try RowRun.run(row) }
  @Test(arguments: ConditionalRows.all) func conditional(_ row: Row) throws {
    try RowRun.run(row)
  }
  @Test(arguments: ValidationRows.all) func validation(_ row: Row) throws { try RowRun.run(row) }
  @Test(arguments: StaleRows.all) func stale(_ row: Row) throws { try RowRun.run(row) }
  @Test(arguments: DirectiveRows.all) func directive(_ row: Row) throws { try RowRun.run(row) }
  @Test(arguments: RangeRows.all) func range(_ row: Row) throws { try RowRun.run(row) }
  @Test(arguments: PartRows.all) func part(_ row: Row) throws { try RowRun.run(row) }
  @Test(arguments: OptionRows.all) func option(_ row: Row) throws { try RowRun.run(row) }
  @Test(arguments: MessageRows.all) func message(_ row: Row) throws { try RowRun.run(row) }
  @Test(arguments: InterplayRows.all) func interplay(_ row: Row) throws { try RowRun.run(row) }
  @Test(arguments: InvalidationRows.all) func invalidation(_ row: Row) throws {
    try RowRun.run(row)
  }
  @Test(arguments: TargetedRows.all) func targeted(_ row: Row) throws { try RowRun.run(row) }
  @Test(arguments: ForwardingRows.all) func forwarding(_ row: Row) throws { try RowRun.run(row) }
  @Test(arguments: KeyRows.all) func key(_ row: Row) throws { try RowRun.run(row) }
  @Test(arguments: ExtensionRows.all) func extensions(_ row: Row) throws { try RowRun.run(row) }
  @Test(arguments: CacheStatusRows.all) func cacheStatus(_ row: Row) throws {
    try RowRun.run(row)
  }
  @Test(arguments: SemanticsRows.onDisk) func onDisk(_ row: Row) throws {
    try RowRun.run(row, on: RowEdge.onDisk)
  }
}
