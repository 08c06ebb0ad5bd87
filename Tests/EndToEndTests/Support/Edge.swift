import Foundation
import TestSupport

/// The built binary and a folder of its own, started on a configuration.
final class Edge {
  static let password = "correct horse"

  let folder: URL
  let port: Int
  let adminPort: Int
  let originPort: Int
  private let adminArguments: [String]
  private let adminScheme: String
  private(set) var process: ChildProcess?
  private let storeText: String
  private let configuration: String
  private let wrapper: [String]

  /// Starts the edge in front of `originPort`.
  /// - Parameters:
  ///   - route: more options of the one route, each line indented by four spaces.
  ///   - store: the store section's content, indented by two spaces.
  ///   - users: further users, each line indented by four spaces.
  ///   - admin: more options of the admin section, each line indented by two spaces; with `tls`
  ///     among them the admin API is asked over https.
  ///   - adminArguments: what curl needs beside for the admin API.
  ///   - more: further top-level sections.
  ///   - listeners: further listeners, each line indented by two spaces.
  ///   - wrapper: a program and its arguments that become the edge, such as one that injects
  ///     faults.
  ///   - originScheme: how the origin is spoken to.
  ///   - moreOrigins: further origins, each line indented by two spaces.
  init(
    originPort: Int, listeners: String = "", route: String = "", store: String = "  disk: off",
    originScheme: String = "http", origin: String = "", more: String = "",
    moreOrigins: String = "", users: String = "", admin: String = "",
    adminArguments: [String] = [], logLevel: String = "warning", threads: Int = 2,
    wrapper: [String] = []
  ) throws {
    self.wrapper = wrapper
    storeText = store
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "edge-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    port = try freePort()
    adminPort = try freePort()
    self.originPort = originPort
    self.adminArguments = adminArguments
    adminScheme = admin.contains("tls:") ? "https" : "http"
    configuration = """
      listeners:
        - address: 127.0.0.1:\(port)
      \(listeners)
      origins:
        api:
          servers: [\(originScheme)://127.0.0.1:\(originPort)]
      \(origin)
      \(moreOrigins)
      routes:
        - match: /*
          origin: api
      \(route)
      store:
      \(store)
      admin:
        address: 127.0.0.1:\(adminPort)
        users:
          - { name: admin, password: "${EDGE_ADMIN_PASSWORD}" }
      \(users)
      \(admin)
      threads: \(threads)
      log:
        level: \(logLevel)
        access: { path: access.log, format: json }
      \(more)
      """
    try configuration.write(
      to: folder.appendingPathComponent("edge.conf"), atomically: true, encoding: .utf8)
    try start()
  }

  deinit {
    process?.signal(SIGKILL)
    process?.wait()
    try? FileManager.default.removeItem(at: folder)
  }

  /// Where the tests find `edge`: beside the test bundle, or `EDGE_BINARY`.
  static let binary: String = {
    if let path = ProcessInfo.processInfo.environment["EDGE_BINARY"] { return path }
    let test = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let beside = URL(fileURLWithPath: test).deletingLastPathComponent()
      .appendingPathComponent("edge").path
    if FileManager.default.isExecutableFile(atPath: beside) { return beside }
    return URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent(".build/debug/edge").path
  }()

  var configurationPath: String { folder.appendingPathComponent("edge.conf").path }
  var url: String { "http://127.0.0.1:\(port)" }
  var adminURL: String { "\(adminScheme)://127.0.0.1:\(adminPort)" }

  /// Writes the configuration with another store section; for a start to come.
  func reconfigure(store: String) throws {
    try configuration.replacingOccurrences(of: storeText, with: store).write(
      toFile: configurationPath, atomically: true, encoding: .utf8)
  }

  /// Renames something in the folder.
  func move(_ name: String, to other: String) throws {
    try FileManager.default.moveItem(
      at: folder.appendingPathComponent(name), to: folder.appendingPathComponent(other))
  }

  /// Starts the process and waits until it is ready.
  func start() throws {
    let command = wrapper + [Self.binary, "serve", "--config", configurationPath]
    let process = try ChildProcess(
      "/usr/bin/env", command,
      environment: ["EDGE_ADMIN_PASSWORD": Self.password, "SWIFT_BACKTRACE": "enable=no"])
    self.process = process
    let isReady = try eventually {
      guard process.isRunning else { return true }
      return try Curl.get("\(adminURL)/readyz", adminArguments).status == 200
    }
    guard isReady, process.isRunning else {
      throw SocketFailure(what: "the edge did not start: \(process.text)")
    }
  }

  /// Ends the process in good order.
  func stop() {
    process?.signal(SIGTERM)
    process?.wait()
  }

  /// Runs a command of the binary on this edge's configuration file.
  func command(_ arguments: String...) throws -> (status: Int32, output: String) {
    try ChildProcess.run(
      Self.binary, arguments + ["--config", configurationPath],
      environment: ["EDGE_ADMIN_PASSWORD": Self.password])
  }

  /// Kills the process as a power cut would, as far as this machine goes.
  func killHard() {
    process?.signal(SIGKILL)
    process?.wait()
  }

  func get(_ path: String, _ arguments: String...) throws -> CurlAnswer {
    try Curl.get(url + path, arguments)
  }

  func admin(_ path: String, _ arguments: String...) throws -> CurlAnswer {
    try Curl.get(adminURL + path, ["-u", "admin:\(Self.password)"] + adminArguments + arguments)
  }

  /// Invalidates over the admin API.
  @discardableResult
  func invalidate(_ paths: String...) throws -> CurlAnswer {
    let list = paths.map { "\"\($0)\"" }.joined(separator: ",")
    return try admin(
      "/v1/invalidations", "-X", "POST", "-H", "Content-Type: application/json", "-d",
      "{\"paths\":[\(list)]}")
  }

  /// The value of a metric without labels, or the sum over its labels.
  func metric(_ name: String) throws -> Double {
    try admin("/metrics").body.split(separator: "\n").reduce(0) { sum, line in
      guard line.hasPrefix(name), let value = line.split(separator: " ").last,
        line.dropFirst(name.count).first == " " || line.dropFirst(name.count).first == "{"
      else { return sum }
      return sum + (Double(value) ?? 0)
    }
  }

  /// The values of a metric by its labels, as they are printed.
  func metrics(_ name: String) throws -> [String: Double] {
    var values: [String: Double] = [:]
    for line in try admin("/metrics").body.split(separator: "\n") {
      guard line.hasPrefix(name + "{"), let end = line.lastIndex(of: "}"),
        let value = line.split(separator: " ").last
      else { continue }
      values[String(line[line.index(line.startIndex, offsetBy: name.count)...end])] = Double(value)
    }
    return values
  }

  /// The access log's lines so far.
  func accessLog() -> [String] {
    let text = try? String(contentsOf: folder.appendingPathComponent("access.log"), encoding: .utf8)
    return (text ?? "").split(separator: "\n").map(String.init)
  }
}

/// The Python origin of `fixtures/`.
final class FixtureOrigin {
  let process: ChildProcess
  let port: Int

  init() throws {
    let script = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("fixtures/origin.py").path
    let process = try ChildProcess(
      "/usr/bin/env", ["python3", "-u", script, "--port", "0", "--quiet"])
    var port = 0
    guard
      eventually({
        guard
          let line = process.text.split(separator: "\n").first(where: {
            $0.contains("listening on")
          })
        else { return !process.isRunning }
        port = line.split(separator: ":").last.flatMap { Int($0) } ?? 0
        return true
      }), port > 0
    else { throw SocketFailure(what: "the fixture origin did not start: \(process.text)") }
    self.process = process
    self.port = port
  }

  deinit { stop() }

  func stop() {
    process.signal(SIGKILL)
    process.wait()
  }

  /// How often the origin was asked for `path`.
  func hits(_ path: String) throws -> Int {
    let answer = try Curl.get("http://127.0.0.1:\(port)/hits")
    let object = try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [String: Any]
    return object?[path] as? Int ?? 0
  }
}
