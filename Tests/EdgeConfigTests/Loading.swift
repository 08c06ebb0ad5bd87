import EdgeConfig
import Foundation

/// The smallest configuration, for tests that add to it.
let minimal = """
  listeners: [{ address: 127.0.0.1:8080 }]
  origins: { api: { servers: [http://127.0.0.1:9000] } }
  routes: [{ match: /*, origin: api }]

  """

func load(
  _ text: String, environment: [String: String] = [:], baseDirectory: String = "/etc/edge"
) throws(ConfigurationError) -> EdgeConfiguration {
  try EdgeConfiguration.load(
    text: text, file: "edge.conf", environment: environment, baseDirectory: baseDirectory)
}

/// The diagnostics of a text, none when it loads.
func faults(_ text: String, environment: [String: String] = [:]) -> [String] {
  do {
    _ = try load(text, environment: environment)
    return []
  } catch {
    return error.diagnostics.map(\.description)
  }
}

/// The diagnostics of the minimal configuration with a route (line 6 on) that has further options.
func routeFaults(_ options: String) -> [String] {
  let block = options.split(separator: "\n", omittingEmptySubsequences: false)
    .map { "    " + $0 }.joined(separator: "\n")
  return faults(
    """
    listeners: [{ address: 127.0.0.1:8080 }]
    origins: { api: { servers: [http://127.0.0.1:9000] } }
    routes:
      - match: /*
        origin: api

    """ + block)
}

/// The top folder of the repository, three above this file. Links are resolved first, for the tests
/// may be built from a package that only links to the sources.
let repository = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
