import EdgeSecurity
import Hummingbird
import NIOCore

/// What the admin API knows of a request beside its head: who sent it and where it arrived.
struct AdminRequestContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  /// The client; nil when it is gone already or has no IP address.
  let client: NetworkAddress?
  /// The port it came in on.
  let localPort: Int?
  /// The connection it came in on.
  let channel: any Channel

  init(source: ApplicationRequestContextSource) {
    coreContext = .init(source: source)
    client = source.channel.remoteAddress?.ipAddress.flatMap { NetworkAddress($0) }
    localPort = source.channel.localAddress?.port
    channel = source.channel
  }
}
