import ArgumentParser
import CacheStore
import EdgeConfig
import EdgeSecurity
import Foundation

/// `edge keys`
struct KeysCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys", abstract: "List or rotate the keys of the store on disk.",
    discussion: """
      Both work on the folder that store.keys names, as the user that runs the edge. A running \
      edge notices a new key within about a second.
      """,
    subcommands: [List.self, Rotate.self])

  /// `edge keys list`
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print the keys: identifier, when each was made, and which is current.")

    @OptionGroup var file: ConfigurationFileOption

    func run() throws {
      let ring = try openRing(file.path)
      let current = ring.current?.identifier
      for key in ring.all {
        let created = Date(timeIntervalSince1970: TimeInterval(key.createdSeconds))
        let state = key.identifier == current ? "current" : "old"
        print("\(StoreKey.text(key.identifier))  \(created.ISO8601Format())  \(state)")
      }
      for identifier in ring.damaged { print("\(StoreKey.text(identifier))  -  damaged") }
    }
  }

  /// `edge keys rotate`
  struct Rotate: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make a new key; what is written from now on is sealed under it.")

    @OptionGroup var file: ConfigurationFileOption

    func run() throws {
      let ring = try openRing(file.path)
      do {
        let key = try ring.rotate(nowSeconds: Int64(Date().timeIntervalSince1970))
        print("new key \(StoreKey.text(key.identifier))")
      } catch {
        printError("edge keys: \(error)")
        throw ExitCode(73)
      }
    }
  }

  private static func openRing(_ path: String) throws -> KeyRing {
    let configuration = try loadConfiguration(path)
    guard let directory = configuration.store.keysDirectory else {
      printError("edge keys: \(path): store.disk is off, so there are no keys")
      throw ExitCode(ConfigurationError.exitCode)
    }
    do {
      return try KeyRing(existing: directory)
    } catch {
      printError("edge keys: \(error)")
      throw ExitCode(66)
    }
  }
}
