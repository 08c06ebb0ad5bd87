import Glibc

/// Has the C library keep more freed blocks with each thread.
///
/// By default glibc keeps 7 of a size; a burst of 64 concurrent misses frees and allocates ten
/// times as many, and those beyond went to the shared arena and back: a tenth of a miss's CPU time
/// (Benchmarks/RESULTS.md). The number can be given in the environment only, which is read before
/// the program begins, so the program starts itself anew once, in the same process.
enum AllocatorTuning {
  private static let variable = "GLIBC_TUNABLES"
  private static let name = "glibc.malloc.tcache_count"
  /// Of a size, up to 1 KiB each: at most 8 MiB a thread.
  private static let keptBlocks = 256

  /// What the environment variable is to say after `present`; nil when it says it already.
  static func tunables(after present: String?) -> String? {
    guard let present, !present.isEmpty else { return "\(name)=\(keptBlocks)" }
    return present.contains(name) ? nil : "\(present):\(name)=\(keptBlocks)"
  }

  /// Starts the program anew with the setting, unless it has it. To be called before there are
  /// threads or open files. When that fails, all goes on as it is, a little slower.
  static func restartWithSetting() {
    let present = getenv(variable).map { String(cString: $0) }
    guard let setting = tunables(after: present), let program = programPath() else { return }
    setenv(variable, setting, 1)
    execv(program, CommandLine.unsafeArgv)
    unsetenv(variable)
    if let present { setenv(variable, present, 1) }
  }

  /// The file this program was started from; nil when it has been replaced since.
  private static func programPath() -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX) + 1) { path in
      guard let start = path.baseAddress else { return nil }
      let count = readlink("/proc/self/exe", start, Int(PATH_MAX))
      guard count > 0 else { return nil }
      // Bound: `readlink` writes at most PATH_MAX bytes, and one more has room.
      path[count] = 0
      return access(start, X_OK) == 0 ? String(cString: start) : nil
    }
  }
}
