import CCurl
import Glibc
import HTTPMessage
import NIOCore

/// The way to the origins: fetches through libcurl, HTTP/1.1, one thread beside each event loop.
///
/// A fetch belongs to the event loop it was started on and runs on that loop's thread; only the
/// origins' pools, turns and counters are shared by the threads. Nothing here blocks the caller
/// but ``shutdown()``.
public final class CurlTransport: Sendable {
  /// The counters of each origin, in the configuration's order.
  public let statistics: [OriginStatistics]

  private let origins: [OriginState]
  private let threads: [ObjectIdentifier: CurlThread]

  private static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  /// Makes the transport and starts its threads, one for each of `eventLoops`.
  public init(
    configuration: Configuration, eventLoops: [any EventLoop]
  ) throws(ConfigurationFault) {
    try configuration.check()
    guard !eventLoops.isEmpty else { throw .noEventLoop }
    guard Self.isLibraryReady else { throw .system(errno: ENOMEM) }
    origins = configuration.origins.map { OriginState($0) }
    statistics = origins.map(\.statistics)
    var threads: [ObjectIdentifier: CurlThread] = [:]
    for (number, loop) in eventLoops.enumerated() {
      threads[ObjectIdentifier(loop)] = try CurlThread(
        number: number, configuration: configuration, loop: loop)
    }
    self.threads = threads
    for thread in threads.values { try thread.start() }
  }

  deinit { shutdown() }

  /// Starts a fetch. `loop` is one of those the transport was made with and calls `receiver`,
  /// never during this call. The receiver is held until its last event, or until it is cancelled.
  public func fetch(
    _ request: OriginRequest, on loop: any EventLoop, receiver: any OriginReceiver
  ) -> any OriginFetch {
    guard let thread = threads[ObjectIdentifier(loop)] else {
      preconditionFailure("fetch on an event loop that the transport was not made with")
    }
    let origin = origins[request.origin]
    origin.statistics.fetchCount.increment()
    let transfer = CurlTransfer(
      request: request, origin: origin, thread: thread, loop: loop, receiver: receiver)
    if !thread.mailbox.post(.start, transfer) {
      origin.statistics.countFailure(.shutdown)
      loop.execute { transfer.deliver(.failed(OriginFailure(.shutdown, mayRetry: true))) }
    }
    return transfer
  }

  /// Stops the threads and waits until they have ended, which takes no longer than one of their
  /// rounds. Fetches under way fail with ``OriginFailure/Kind/shutdown``, later ones too.
  public func shutdown() {
    for thread in threads.values { thread.stop() }
  }
}
