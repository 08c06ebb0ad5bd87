import ArgumentParser

/// `edge-bench`: measures a running edge with recorded traffic, and the store by itself.
///
/// Exit status: 0 when all went well, 1 when requests failed, 64 for wrong usage, 65 for a trace
/// that cannot be understood, 66 for one that cannot be read, 69 when the server does not answer.
@main
struct EdgeBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "edge-bench",
    abstract: "Measures a running edge with recorded traffic, and the store by itself.",
    discussion: """
      Start the trace's origin, point an edge at it, then replay the trace through the edge:

        edge-bench origin --trace day.tsv.xz --port 9000
        edge-bench replay --trace day.tsv.xz --url http://127.0.0.1:8080

      Without any server, with the store's own code:

        edge-bench simulate --trace day.tsv.xz --policy size-classed-s3-fifo --size 1%,5%,10%
        edge-bench fill --objects 1000000 --size 400
      """,
    subcommands: [
      ReplayCommand.self, OriginCommand.self, SweepCommand.self, SimulateCommand.self,
      FillCommand.self,
    ])
}

extension ExitCode {
  /// The trace's content is not in the expected form (EX_DATAERR).
  static let badData = ExitCode(65)
  /// The trace cannot be read (EX_NOINPUT).
  static let noInput = ExitCode(66)
  /// The server cannot be reached, or the address to listen on is taken (EX_UNAVAILABLE).
  static let unavailable = ExitCode(69)
}
