import CCurl
import CLinux
import Glibc
import HTTPMessage

/// What epoll and libcurl each think of a descriptor.
struct WatchedSocket {
  /// The events epoll reports; 0 when the descriptor is not in its set.
  var registered: UInt32 = 0
  /// The events libcurl waits for; 0 for none.
  var wanted: UInt32 = 0
  /// A connection to an origin that this transport opened; not a resolver's descriptor.
  var isConnection = false
  /// Bytes received that belonged to answers.
  var answerByteCount: Int64 = 0
  /// Whether it was shut down on this side.
  var isGivenUp = false
  /// Where the connection stands among the thread's; nil until its first request.
  var place: ConnectionPlace?
  /// The handle that last used the connection. Bound: the thread holds every handle to its end.
  var owner: Unmanaged<CurlEasy>?
}

/// Both ends of a connection, as libcurl tells them when a request begins: it does not tell the
/// descriptor.
struct ConnectionPlace: Hashable {
  private var remoteAddress: [UInt8] = []
  private let remotePort: Int32
  private let localPort: Int32

  /// - Parameter remoteAddress: text that ends in NUL, or nil.
  init(_ remoteAddress: UnsafePointer<CChar>?, remotePort: Int32, localPort: Int32) {
    self.remotePort = remotePort
    self.localPort = localPort
    guard let remoteAddress else { return }
    let count = strlen(remoteAddress)
    self.remoteAddress = [UInt8](UnsafeRawBufferPointer(start: remoteAddress, count: count))
  }

  /// Whether `socket` is bound to this local port.
  func isLocal(_ socket: Int32) -> Bool {
    var address = sockaddr_in6()
    var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
    // The port stands at the same place in both families' addresses.
    let result = withUnsafeMutableBytes(of: &address) { bytes in
      getsockname(
        socket, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &size)
    }
    return result == 0 && Int32(UInt16(bigEndian: address.sin6_port)) == localPort
  }
}

// A connection stays in epoll's set, readable events on, when its response is complete:
// - its next fetch needs no system call to watch it;
// - an idle connection that turns readable is closed by the origin, or carries bytes that nobody
//   asked for. libcurl 7.88 would take those for the answer to the next request on it. It gets
//   shut down at once, which is what makes libcurl see that it is dead and open another.
extension CurlThread {
  private static let idleEvents = EPOLLIN.rawValue | EPOLLRDHUP.rawValue

  /// libcurl waits for other events on `socket`, or for none.
  func socketChanged(_ socket: Int32, what: Int32, easy: UnsafeMutableRawPointer?) {
    let index = makeRoom(for: socket)
    switch what {
    case CURL_POLL_IN, CURL_POLL_OUT, CURL_POLL_INOUT:
      var events: UInt32 = 0
      if what != CURL_POLL_OUT { events |= Self.idleEvents }
      if what != CURL_POLL_IN { events |= EPOLLOUT.rawValue }
      sockets[index].wanted = events
      register(socket, events)
      if sockets[index].isConnection { setOwner(of: socket, easy) }
    case CURL_POLL_REMOVE:
      sockets[index].wanted = 0
      register(socket, sockets[index].isConnection ? Self.idleEvents : 0)
      if let owner = sockets[index].owner {
        owner._withUnsafeGuaranteedRef { if $0.socket == socket { $0.transfer?.socketAbandoned() } }
      }
    default:
      break
    }
  }

  private func setOwner(of socket: Int32, _ easy: UnsafeMutableRawPointer?) {
    var context: UnsafeMutableRawPointer?
    guard let easy, edge_easy_get_pointer(easy, CURLINFO_PRIVATE, &context) == CURLE_OK,
      let context
    else { return }
    let owner = Unmanaged<CurlEasy>.fromOpaque(context)
    sockets[Int(socket)].owner = owner
    owner._withUnsafeGuaranteedRef { $0.socket = socket }
  }

  /// libcurl is about to connect `socket`.
  func connectionOpened(_ socket: Int32) {
    sockets[makeRoom(for: socket)] = WatchedSocket(isConnection: true)
  }

  /// libcurl is about to close `socket`, which takes it out of epoll's set.
  func connectionClosed(_ socket: Int32) {
    let index = makeRoom(for: socket)
    if let owner = sockets[index].owner?.takeUnretainedValue(), owner.socket == socket {
      owner.socket = -1
    }
    if let place = sockets[index].place { connections[place] = nil }
    sockets[index] = WatchedSocket()
  }

  /// The descriptor of the connection at `place`, which `easy` has opened or taken over; -1 when
  /// it is not known.
  func connection(of easy: CurlEasy, _ place: ConnectionPlace) -> Int32 {
    guard let opened = easy.openedSockets.first(where: { place.isLocal($0) }) else {
      return connections[place] ?? -1
    }
    // Once is enough: the next call is for a connection that was taken over.
    easy.openedSockets.removeAll(keepingCapacity: true)
    connections[place] = opened
    sockets[makeRoom(for: opened)].place = place
    return opened
  }

  /// A fetch took bytes of its answer from `socket`; -1 is nobody's.
  func tookAnswer(_ count: Int, from socket: Int32) {
    guard socket >= 0, Int(socket) < sockets.count else { return }
    sockets[Int(socket)].answerByteCount += Int64(count)
  }

  /// Whether all that ever arrived on a connection in clear text belonged to answers. The bytes
  /// behind a complete response are gone once libcurl has read them, wherever they lay; the kernel
  /// has counted them all the same.
  func hasOnlyAnswers(_ socket: Int32) -> Bool {
    guard socket >= 0, Int(socket) < sockets.count, sockets[Int(socket)].isConnection else {
      return true
    }
    if sockets[Int(socket)].isGivenUp { return false }
    let received = edge_socket_received_bytes(socket)
    return received < 0 || received == sockets[Int(socket)].answerByteCount
  }

  /// An event on a connection that libcurl does not wait for.
  func checkIdleConnection(_ event: epoll_event) {
    let (socket, _) = Self.parts(of: event)
    guard socket < sockets.count, sockets[socket].isConnection, sockets[socket].wanted == 0 else {
      return
    }
    register(Int32(socket), 0)
    let owner = sockets[socket].owner?.takeUnretainedValue()
    // A paused fetch: its bytes wait in the kernel until libcurl wants to know of them again.
    if let owner, owner.transfer != nil, owner.socket == Int32(socket) { return }
    // A fetch may have been answered and paused in the very call that sent its request over this
    // connection: libcurl never waited for the socket then, and never named its new owner.
    if live.contains(where: { $0.easy?.socket == -1 }) { return }
    giveUp(Int32(socket), of: owner?.origin)
  }

  /// Makes a connection unfit for another request; libcurl closes it when it notices.
  func giveUp(_ socket: Int32, of origin: OriginState?) {
    guard !sockets[Int(socket)].isGivenUp else { return }
    sockets[Int(socket)].isGivenUp = true
    shutdown(socket, Int32(SHUT_RDWR))
    origin?.statistics.idleCloseCount.increment()
  }

  /// Tells libcurl of an event it waits for.
  func forward(_ event: epoll_event) {
    let (socket, events) = Self.parts(of: event)
    guard Int32(socket) != mailbox.descriptor, socket < sockets.count,
      sockets[socket].wanted != 0
    else { return }
    var mask: Int32 = 0
    if events & (Self.idleEvents | EPOLLHUP.rawValue) != 0 { mask |= CURL_CSELECT_IN }
    if events & EPOLLOUT.rawValue != 0 { mask |= CURL_CSELECT_OUT }
    if events & EPOLLERR.rawValue != 0 { mask |= CURL_CSELECT_ERR }
    var running: Int32 = 0
    curl_multi_socket_action(multi, Int32(socket), mask, &running)
  }

  private static func parts(of event: epoll_event) -> (socket: Int, events: UInt32) {
    var event = event
    return (Int(edge_epoll_data(&event)), event.events)
  }

  private func makeRoom(for socket: Int32) -> Int {
    let index = Int(socket)
    while sockets.count <= index { sockets.append(WatchedSocket()) }
    return index
  }

  private func register(_ socket: Int32, _ events: UInt32) {
    let index = Int(socket)
    let before = sockets[index].registered
    guard before != events else { return }
    sockets[index].registered = events
    var event = edge_epoll_event(events, UInt64(socket))
    if events == 0 {
      epoll_ctl(epoll, EPOLL_CTL_DEL, socket, &event)
    } else if before == 0 {
      // A descriptor may still be in the set when this table lost it, or the other way round.
      if epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) != 0, errno == EEXIST {
        epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &event)
      }
    } else if epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &event) != 0, errno == ENOENT {
      epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event)
    }
  }
}
