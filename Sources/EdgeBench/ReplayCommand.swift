import ArgumentParser
import Foundation
import NIOCore
import NIOPosix

/// The options that name a trace.
struct TraceOptions: ParsableArguments {
  @Option(help: "The trace file, plain or packed with xz.")
  var trace: String

  @Option(help: "Its form: \(TraceFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format = TraceFormat.auto

  @Option(help: "Bytes of an object in a trace that names no sizes.")
  var objectSize = 1024

  @Option(help: "Use only the first requests of the trace.")
  var limit: Int?

  func validate() throws {
    guard (0...(1 << 30)).contains(objectSize) else {
      throw ValidationError("--object-size is 0 to 1073741824 bytes")
    }
    if let limit, limit < 1 { throw ValidationError("--limit is at least 1") }
  }

  /// Reads the trace; a failure is printed and becomes an exit code.
  func read() throws -> Trace {
    do {
      var read = try TraceReader.read(
        path: trace, format: format, objectSizeBytes: objectSize)
      if let limit { read.limit(to: limit) }
      return read
    } catch {
      Diagnostics.print("\(error)")
      throw error.exitCode
    }
  }
}

/// `edge-bench replay`.
struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Sends a trace's requests through a running edge and reports its hit ratios.",
    discussion: "With one connection the order is the trace's, and the hit ratio repeatable.")

  @OptionGroup var traceOptions: TraceOptions

  @Option(help: "The edge.")
  var url = "http://127.0.0.1:8080"

  @Option(help: "Keep-alive connections, one request under way on each.")
  var connections = 1

  @Option(help: "How often the trace is sent.")
  var passes = 1

  @Option(help: "Seconds that one request may take.")
  var timeout = 30

  @Option(help: "Seconds that the replay may take.")
  var timeLimit = 600

  @Flag(help: "Print the report as JSON.")
  var json = false

  @Flag(help: "Accept bodies of other sizes than the trace's.")
  var anySize = false

  func validate() throws {
    guard (1...4096).contains(connections) else {
      throw ValidationError("--connections is 1 to 4096")
    }
    guard (1...10_000).contains(passes) else { throw ValidationError("--passes is 1 to 10000") }
    guard (1...3600).contains(timeout) else { throw ValidationError("--timeout is 1 to 3600") }
    guard timeLimit >= 1 else { throw ValidationError("--time-limit is at least 1") }
    _ = try Target(url)
  }

  func run() throws {
    let target = try Target(url)
    let trace = try traceOptions.read()
    Diagnostics.print(
      "\(trace.requests.count) requests, \(trace.objects.count) objects, "
        + "\(trace.footprintBytes) bytes of objects")
    let address: SocketAddress
    do {
      address = try SocketAddress.makeAddressResolvingHost(target.host, port: target.port)
    } catch {
      Diagnostics.print("cannot resolve \(target.host)")
      throw ExitCode.unavailable
    }
    var configuration = ReplaySession.Configuration(
      trace: trace, authority: target.authority, address: address, connectionCount: connections,
      passCount: passes, requestTimeout: .seconds(Int64(timeout)),
      timeLimit: .seconds(Int64(timeLimit)))
    configuration.checksSizes = !anySize

    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    defer { try? group.syncShutdownGracefully() }
    let loop = group.next()
    let replay = configuration
    let report = try loop.flatSubmit { ReplaySession(replay, loop: loop).start() }.wait()
    print(json ? try report.json() : report.text)
    if report.responseCount == 0 {
      Diagnostics.print("\(url) does not answer")
      throw ExitCode.unavailable
    }
    if report.errorCount > 0 || report.unsentCount > 0 { throw ExitCode.failure }
  }
}

/// Where the requests go.
struct Target: Equatable {
  let host: String
  let port: Int
  /// The Host field's value.
  let authority: String

  /// Takes an `http` URL without a path.
  init(_ text: String) throws {
    guard let parts = URLComponents(string: text), parts.scheme == "http",
      let host = parts.host, !host.isEmpty, parts.path.isEmpty || parts.path == "/"
    else { throw ValidationError("\(text) is not of the form http://HOST:PORT") }
    self.host = host.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
    self.port = parts.port ?? 80
    self.authority = parts.port.map { "\(host):\($0)" } ?? host
  }
}

/// Messages to standard error, so that standard output holds results alone.
enum Diagnostics {
  static func print(_ message: String) {
    FileHandle.standardError.write(Data("edge-bench: \(message)\n".utf8))
  }
}
