import ArgumentParser
import CacheStore
import EdgeConfig
import Foundation
import Logging

/// `edge snapshot`
struct SnapshotCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "snapshot",
    abstract: "Keep the disk tier's index as it is now, list what is kept, bring it back.",
    discussion: """
      A snapshot says which objects the disk had and where. Brought back, the store has the \
      objects that it had then, but for those that were invalidated since, and those whose space \
      was taken by others. The running edge keeps one every store.disk.snapshots.every.
      """,
    subcommands: [Create.self, List.self, Restore.self, Export.self, Import.self])

  /// `edge snapshot create`
  struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Keep a snapshot of now; of a running edge over its admin API.")

    @OptionGroup var listener: AdminListenerOptions

    func run() async throws {
      if listener.admin == nil {
        let disk = try SnapshotDisk(listener.file.path, command: "create")
        do {
          let set = try disk.open()
          await set.waitUntilReady()
          let result = await set.keepSnapshot()
          set.shutdown()
          return report(try result.get())
        } catch StoreError.inUse {
          // The edge runs: it has to do it.
        } catch {
          throw snapshotFailed("create", "\(error)", code: 1)
        }
      }
      let target = try listener.target(command: "snapshot create")
      let answer: AdminClient.Answer
      do {
        answer = try await AdminClient(target).post("/v1/snapshots", json: Data("{}".utf8))
      } catch {
        throw snapshotFailed("create", "\(target.url): \(error)", code: 69)
      }
      guard answer.status == 201 else {
        throw snapshotFailed("create", "\(target.url): \(answer.refusal)", code: answer.exitCode)
      }
      let fields = (try? JSONSerialization.jsonObject(with: answer.body)) as? [String: Any]
      print("kept \(fields?["name"] ?? "-") (\(fields?["objects"] ?? 0) objects)")
    }

    private func report(_ snapshot: KeptSnapshot) {
      print("kept \(snapshot.name) (\(snapshot.objectCount) objects)")
    }
  }

  /// `edge snapshot list`
  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the kept snapshots, oldest first; whether or not the edge runs.")

    @OptionGroup var listener: AdminListenerOptions
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
      let rows = try await listener.admin == nil ? local() : remote()
      if json {
        let data = try JSONSerialization.data(
          withJSONObject: ["snapshots": rows.map(\.fields)], options: [.sortedKeys])
        print(String(decoding: data, as: UTF8.self))
        return
      }
      for row in rows { print("\(row.name)  \(row.objects) objects  \(row.bytes) bytes stored") }
    }

    private struct Row {
      let name: String
      let created: Int
      let objects: Int
      let bytes: Int

      var fields: [String: Any] {
        ["name": name, "created": created, "objects": objects, "stored_bytes": bytes]
      }
    }

    private func local() throws -> [Row] {
      let disk = try SnapshotDisk(listener.file.path, command: "list")
      switch DiskSet.keptSnapshots(of: disk.paths) {
      case .success(let kept):
        return kept.map {
          Row(
            name: $0.name, created: Int($0.createdSeconds), objects: $0.objectCount,
            bytes: $0.storedBytes)
        }
      case .failure(let failure): throw snapshotFailed("list", "\(failure)", code: 69)
      }
    }

    private func remote() async throws -> [Row] {
      let target = try listener.target(command: "snapshot list")
      let answer: AdminClient.Answer
      do {
        answer = try await AdminClient(target).get("/v1/snapshots")
      } catch {
        throw snapshotFailed("list", "\(target.url): \(error)", code: 69)
      }
      guard answer.status == 200 else {
        throw snapshotFailed("list", "\(target.url): \(answer.refusal)", code: answer.exitCode)
      }
      let fields = (try? JSONSerialization.jsonObject(with: answer.body)) as? [String: Any]
      return (fields?["snapshots"] as? [[String: Any]] ?? []).map {
        Row(
          name: $0["name"] as? String ?? "", created: $0["created"] as? Int ?? 0,
          objects: $0["objects"] as? Int ?? 0, bytes: $0["stored_bytes"] as? Int ?? 0)
      }
    }
  }

  /// `edge snapshot restore`
  struct Restore: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Bring a kept snapshot back. The edge must be stopped.",
      discussion: """
        Every invalidation since the snapshot is applied to it. What was stored after it is given \
        up, also for snapshots that are newer.
        """)

    @OptionGroup var file: ConfigurationFileOption
    @Argument(help: "The snapshot's name, as `edge snapshot list` prints it; 'latest' is the last.")
    var name: String

    func run() throws {
      let disk = try SnapshotDisk(file.path, command: "restore")
      do {
        var name = name
        if name == "latest" {
          guard let last = try DiskSet.keptSnapshots(of: disk.paths).get().last else {
            throw SnapshotFailure.unknown(name: name)
          }
          name = last.name
        }
        let restored = try DiskSet.restore(
          name, configurations: disk.withKeys(), witnessPath: disk.witnessPath,
          logger: snapshotQuietLogger())
        print(
          "restored \(restored.snapshot.name): \(restored.objectCount) objects; "
            + "\(restored.reclaimedCount) were reclaimed, \(restored.invalidatedCount) invalidated "
            + "meanwhile")
        for path in restored.untouchedPaths {
          print("\(path) has no such snapshot, or can't be used, and is as it was")
        }
      } catch SnapshotFailure.store(.inUse(let path, _)), StoreError.inUse(let path, _) {
        throw snapshotFailed(
          "restore", "the edge that uses \(path) is running; stop it first", code: 69)
      } catch {
        throw snapshotFailed("restore", "\(error)", code: 1)
      }
    }
  }
}

extension AdminClient.Answer {
  fileprivate var exitCode: Int32 { status == 401 ? 77 : 1 }
}

/// The disk tier of a configuration file.
struct SnapshotDisk {
  private let store: CacheStore.Store.Configuration

  /// Reads the file; ends the command when it has no disk tier.
  init(_ path: String, command: String) throws {
    store = CacheStore.Store.Configuration(try loadConfiguration(path))
    guard !store.disks.isEmpty else {
      throw snapshotFailed(command, "\(path) has no disk tier (store.disk)", code: 78)
    }
  }

  /// Its folders.
  var paths: [String] { store.disks.map(\.path) }

  /// The record of which of them take part.
  var witnessPath: String? { store.witnessPath }

  /// The tier as the edge opens it, with the keys to what is sealed there.
  func withKeys() throws(StoreError) -> [DiskTier.Configuration] {
    try store.disksWithKeys(logger: snapshotQuietLogger())
  }

  /// Opens it.
  func open() throws(StoreError) -> DiskSet {
    try DiskSet(withKeys(), witnessPath: witnessPath, logger: snapshotQuietLogger())
  }
}

/// Warnings and worse, to standard error.
func snapshotQuietLogger() -> Logger {
  var logger = Logger(label: "edge") { StreamLogHandler.standardError(label: $0) }
  logger.logLevel = .warning
  return logger
}

func snapshotFailed(_ command: String, _ message: String, code: Int32) -> ExitCode {
  printError("edge snapshot \(command): \(message)")
  return ExitCode(code)
}
