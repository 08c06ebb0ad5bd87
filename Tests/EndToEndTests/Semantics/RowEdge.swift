import Foundation
import TestSupport

/// An edge behind all rows, with a route for each set of options, told apart by host.
final class RowEdge: Sendable {
  /// Keeps everything in memory. Started, as the other one, when the first row asks for it.
  static let inMemory = Result { try RowEdge(rows: SemanticsRows.all, isOnDisk: false) }
  /// Keeps the rows' responses on disk: they are padded beyond what the memory tier takes.
  static let onDisk = Result { try RowEdge(rows: SemanticsRows.all, isOnDisk: true) }

  let origin: RowOrigin
  let port: Int
  private let gone: ClosedPort
  /// See ``RowText/padding``.
  let padding: String
  private let hosts: [String: String]
  /// What the edge says of routes whose options it does not take.
  private let refusals: [String: String]
  // Kept until the tests' process ends; then the edge is stopped by its input's end.
  private let process: ChildProcess

  private init(rows: [Row], isOnDisk: Bool) throws {
    let origin = try RowOrigin()
    let port = try freePort()
    var routes: [String] = []
    for row in rows where !routes.contains(row.route) { routes.append(row.route) }
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "edge-semantics-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let gone = try ClosedPort()
    let write = { (routes: [(offset: Int, element: String)]) in
      let path = folder.appendingPathComponent("edge.conf").path
      let text = Self.configuration(
        port: port, originPort: origin.port, gonePort: gone.port, isOnDisk: isOnDisk,
        routes: routes)
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      return path
    }
    var accepted = Array(routes.enumerated())
    var refusals: [String: String] = [:]
    // One route at a time only when something is wrong: the checks cost a process each.
    if try Self.fault(of: write(accepted)) != nil {
      accepted = try accepted.filter { route in
        refusals[route.element] = try Self.fault(of: write([route]))
        return refusals[route.element] == nil
      }
    }
    process = try Self.start(write(accepted))
    hosts = Dictionary(
      uniqueKeysWithValues: routes.enumerated().map { ($0.element, "r\($0.offset).test") })
    self.origin = origin
    self.gone = gone
    self.port = port
    padding = isOnDisk ? String(repeating: "x", count: 4000) : ""
    self.refusals = refusals
    let process = process
    let isReady = eventually {
      guard process.isRunning else { return true }
      return (try? RawSocket(port: port)) != nil
    }
    guard isReady, process.isRunning else { throw SocketFailure(what: "the edge did not start") }
  }

  func host(of row: Row) -> String { hosts[row.route] ?? "unknown.test" }

  func refusal(of row: Row) -> String? { refusals[row.route] }

  /// What `edge check` says of the configuration; nil when it takes it.
  private static func fault(of path: String) throws -> String? {
    let (status, output) = try ChildProcess.run(Edge.binary, ["check", "--config", path])
    return status == 0 ? nil : output
  }

  /// Starts the edge under a shell that stops it and removes its folder when this process ends,
  /// however it ends.
  static func start(_ path: String) throws -> ChildProcess {
    let script = """
      "$0" serve --config "$1" & edge=$!
      read line
      kill -9 $edge
      wait $edge
      rm -rf "${1%/*}"
      """
    return try ChildProcess("/bin/sh", ["-c", script, Edge.binary, path], input: .open)
  }

  private static func configuration(
    port: Int, originPort: Int, gonePort: Int, isOnDisk: Bool,
    routes: [(offset: Int, element: String)]
  ) -> String {
    let memory = "{ memory: { size: 64 MiB }, disk: off }"
    let disk = "{ memory: { size: 64 MiB, largest: 1 KiB }, disk: { path: cache, size: 256 MiB } }"
    var text = """
      listeners:
        - address: 127.0.0.1:\(port)
      origins:
        api:
          servers: [http://127.0.0.1:\(originPort)]
          pool: 200
        hasty:
          servers: [http://127.0.0.1:\(originPort)]
          first_byte_timeout: 500 ms
        gone:
          servers: [http://127.0.0.1:\(gonePort)]
      store: \(isOnDisk ? disk : memory)
      threads: 2
      log:
        level: error
      routes:

      """
    text += "  - match: other.test/*\n    origin: api\n"
    for (number, options) in routes {
      text += "  - match: r\(number).test/*\n"
      if !options.contains("origin:") { text += "    origin: api\n" }
      for line in options.split(separator: "\n") { text += "    \(line)\n" }
    }
    return text
  }
}
