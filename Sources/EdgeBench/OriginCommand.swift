import ArgumentParser
import Foundation
import NIOCore
import NIOPosix

/// `edge-bench origin`.
struct OriginCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "origin",
    abstract: "Serves every object of a trace on 127.0.0.1, each with a body of its size.",
    discussion: """
      Prints "listening on 127.0.0.1:PORT" once it accepts connections, and runs until it is \
      interrupted. Objects may be stored for a day; other paths are 404.
      """)

  @OptionGroup var traceOptions: TraceOptions

  @Option(help: "The port; 0 takes a free one.")
  var port = 9000

  @Option(help: "Event loops.")
  var threads = 1

  func validate() throws {
    guard (0...65535).contains(port) else { throw ValidationError("--port is 0 to 65535") }
    guard (1...64).contains(threads) else { throw ValidationError("--threads is 1 to 64") }
  }

  func run() throws {
    let catalogue = TraceCatalogue(try traceOptions.read())
    let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
    defer { try? group.syncShutdownGracefully() }
    let server: any Channel
    do {
      server = try ServerBootstrap(group: group)
        .serverChannelOption(.backlog, value: 1024)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(OriginConnection(catalogue))
          }
        }
        .bind(host: "127.0.0.1", port: port).wait()
    } catch {
      Diagnostics.print("cannot listen on 127.0.0.1:\(port): \(error)")
      throw ExitCode.unavailable
    }
    print("listening on 127.0.0.1:\(server.localAddress?.port ?? port)")
    fflush(nil)
    try server.closeFuture.wait()
  }
}
