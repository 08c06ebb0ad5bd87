import ArgumentParser
import CacheStore
import Foundation
import NIOCore
import NIOPosix

extension SnapshotCommand {
  /// `edge snapshot export`
  struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write all objects on disk to a file that another edge can import.",
      discussion: """
        The edge must be stopped. The file holds the objects in clear, whatever store.encryption \
        says, and is made readable by its owner only; '-' writes to standard output, to be sealed \
        on the way: edge snapshot export - | age -r KEY > seed.age
        """)

    @OptionGroup var file: ConfigurationFileOption
    @Argument(help: "The file to write; '-' is standard output.") var path: String

    func run() async throws {
      let output = try ArchiveOutput(path)
      let report: ArchiveReport
      do {
        report = try await withDisk(file.path, command: "export") { disk, loop in
          try await disk.exportObjects(on: loop) { bytes throws(ArchiveFailure) in
            try output.write(bytes)
          }
        }
        try output.finish()
      } catch {
        output.abandon()
        throw error is ExitCode ? error : snapshotFailed("export", "\(error)", code: 1)
      }
      printError(
        "exported \(report.objects) objects, \(report.bodyBytes) bytes of bodies, in clear; "
          + "\(report.unreadable) could not be read, \(report.outdated) were invalidated")
    }
  }

  /// `edge snapshot import`
  struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Take the objects of an exported file into the disk tier.",
      discussion: """
        The edge must be stopped. What the store has already stays as it is. Objects of another \
        store count as fetched now; those of this store are compared with every invalidation since.
        """)

    @OptionGroup var file: ConfigurationFileOption
    @Argument(help: "The file to read; '-' is standard input.") var path: String

    func run() async throws {
      let input = path == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: path)
      guard let input else {
        throw snapshotFailed("import", "\(path) can't be read", code: 66)
      }
      do {
        let report = try await withDisk(file.path, command: "import") { disk, loop in
          var archive = ArchiveImport(into: disk, on: loop)
          return try await archive.run { count throws(ArchiveFailure) in
            try input.readWhole(count)
          }
        }
        print(
          "imported \(report.objects) objects, \(report.bodyBytes) bytes of bodies; "
            + "\(report.present) were there, \(report.outdated) are invalidated or too old"
            + (report.homeless > 0
              ? ", \(report.homeless) belong to a path that can't be used" : ""))
      } catch let error as ExitCode {
        throw error
      } catch {
        throw snapshotFailed("import", "\(error)", code: 1)
      }
    }
  }
}

/// Runs `body` with the opened disk tier of a stopped edge and a loop, and closes both.
private func withDisk<Result: Sendable>(
  _ path: String, command: String,
  _ body: (DiskSet, any EventLoop) async throws -> Result
) async throws -> Result {
  let named = try SnapshotDisk(path, command: command)
  let disk: DiskSet
  do {
    disk = try named.open()
  } catch StoreError.inUse(let path, _) {
    throw snapshotFailed(
      command, "the edge that uses \(path) is running; stop it first", code: 69)
  } catch {
    throw snapshotFailed(command, "\(error)", code: 69)
  }
  let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  do {
    let result = try await body(disk, group.next())
    await Task.detached { disk.shutdown() }.value
    try await group.shutdownGracefully()
    return result
  } catch {
    await Task.detached { disk.shutdown() }.value
    try? await group.shutdownGracefully()
    throw error
  }
}

/// The file that an export writes: under a temporary name until it is whole.
private final class ArchiveOutput {
  private let path: String
  private let temporary: String
  private let handle: FileHandle

  init(_ path: String) throws {
    self.path = path
    temporary = path + ".new"
    if path == "-" {
      handle = .standardOutput
      return
    }
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard descriptor >= 0 else {
      throw snapshotFailed(
        "export", "\(temporary) can't be made: \(String(cString: strerror(errno)))", code: 73)
    }
    handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  func write(_ bytes: [UInt8]) throws(ArchiveFailure) {
    do { try handle.write(contentsOf: Data(bytes)) } catch {
      throw .file("\(path) can't be written: \(error.localizedDescription)")
    }
  }

  func finish() throws {
    guard path != "-" else { return }
    try handle.synchronize()
    try handle.close()
    guard rename(temporary, path) == 0 else {
      throw ArchiveFailure.file("\(path) can't be put in place")
    }
  }

  func abandon() { if path != "-" { unlink(temporary) } }
}

extension FileHandle {
  /// Exactly `count` bytes; fewer at the end.
  fileprivate func readWhole(_ count: Int) throws(ArchiveFailure) -> [UInt8] {
    var bytes: [UInt8] = []
    do {
      while bytes.count < count, let part = try read(upToCount: count - bytes.count), !part.isEmpty
      {
        bytes += part
      }
    } catch {
      throw .file("the file can't be read: \(error.localizedDescription)")
    }
    return bytes
  }
}
