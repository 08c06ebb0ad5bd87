import ArgumentParser
import CacheStore
import Glibc

/// `edge-bench recover`
struct RecoverCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recover",
    abstract: "Times the start of a store with many objects, as after a kill.",
    discussion: """
      Makes a store with a synthetic index in a folder of its own under --folder, opens it \
      --rounds times and removes it. The files are in the page cache then, as they are after a kill.
      """)

  @Option(help: "Objects in the index snapshot.") var objects = 1_000_000
  @Option(help: "Further objects in the journal behind it.") var journaled = 100_000
  @Option(help: "Starts to time.") var rounds = 5
  @Option(help: "Folders that the store is spread over, as over several disks.") var paths = 1
  @Option(help: "Where the store's folder is made.") var folder = "/tmp"

  func validate() throws {
    guard (1...100_000_000).contains(objects), (0...5_000_000).contains(journaled),
      (1...100).contains(rounds), (1...16).contains(paths)
    else {
      throw ValidationError(
        "--objects takes 1 to 100000000, --journaled 0 to 5000000, --rounds 1 to 100, "
          + "--paths 1 to 16")
    }
  }

  func run() throws {
    var template = Array((folder + "/edge-recover-XXXXXX").utf8CString)
    guard let made = mkdtemp(&template) else {
      throw ValidationError("no folder can be made in \(folder)")
    }
    let path = String(cString: made)
    defer { removeFolder(path) }
    let folders = (1...paths).map { path + "/\($0)" }
    try RecoveryBenchmark.make(paths: folders, objectCount: objects, journaledCount: journaled)
    var rows: [RecoveryBenchmark.Round] = []
    for _ in 0..<rounds { rows.append(try RecoveryBenchmark.round(paths: folders)) }
    let median = rows.map(\.loadSeconds).sorted()[rows.count / 2]
    let open = rows.map(\.openSeconds).sorted()[rows.count / 2]
    let last = rows[rows.count - 1]
    let share = Double(last.indexBytes) / Double(max(1, last.objectCount))
    print("objects \(last.objectCount)")
    print("serving after \(milliseconds(open)) ms (median of \(rounds))")
    print("index whole after \(milliseconds(median)) ms")
    print("index \(last.indexBytes) bytes, \((share * 100).rounded() / 100) an object")
  }

  private func milliseconds(_ seconds: Double) -> Double { (seconds * 10_000).rounded() / 10 }

  private func removeFolder(_ path: String) {
    guard let stream = opendir(path) else { return }
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        // d_name is NUL-terminated within its 256 bytes.
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name == "." || name == ".." { continue }
      if unlink(path + "/" + name) != 0 { removeFolder(path + "/" + name) }
    }
    closedir(stream)
    rmdir(path)
  }
}
