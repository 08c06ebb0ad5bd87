import Logging
import NIOCore
import NIOPosix
import NIOSSL

/// TLS for a listener that another server keeps, such as the admin API's: the same files, the same
/// reload, the same counters as on the front, with HTTP/1.1 as the only protocol offered.
public final class TLSHandlerSource: Sendable {
  private let source: TLSContextSource

  /// Reads the files; blocks.
  /// - Parameters:
  ///   - configuration: the certificates and what clients must show.
  ///   - name: the listener's address, for the log.
  ///   - nowSeconds: the wall clock.
  /// - Throws: every fault of the files.
  public init(
    _ configuration: ServerConfiguration.TLS, name: String, logger: Logger, nowSeconds: Int64
  ) throws(TLSConfigurationError) {
    source = try TLSContextSource(
      configuration, name: name, offersHTTP2: false, shutdownTimeout: .seconds(5),
      logger: logger, nowSeconds: nowSeconds)
  }

  /// A handler for one connection, made from the files of the moment.
  public func makeHandler() -> any ChannelHandler {
    NIOSSLServerHandler(context: source.contexts.any)
  }

  /// Looks at the files now and then, on a thread of NIO's pool.
  /// - Returns: the task to cancel at the end; nil when the configuration wants no reload.
  public func watch(on loop: any EventLoop) -> RepeatedTask? { source.watch(on: loop) }

  /// What it has done with its files.
  public var statistics: TLSStatistics { source.statistics }
}
