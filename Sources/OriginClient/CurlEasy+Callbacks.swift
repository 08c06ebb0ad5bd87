import CCurl
import CLinux
import Glibc
import HTTPMessage
import NIOCore

// libcurl's callbacks. Each runs on the handle's own thread, inside a call into libcurl, and gets
// the ``CurlEasy`` (or ``CurlThread``) unretained: the thread holds both until after the handle's
// clean-up. `bytes` hold `size * count` bytes during the call.

private func easy(_ context: UnsafeMutableRawPointer?) -> CurlEasy? {
  context.map { Unmanaged<CurlEasy>.fromOpaque($0).takeUnretainedValue() }
}

func headerLineArrived(
  bytes: UnsafeMutablePointer<CChar>?, size: Int, count: Int, context: UnsafeMutableRawPointer?
) -> Int {
  guard let transfer = easy(context)?.transfer else { return 0 }
  let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
  // Anything but the count taken aborts the transfer, so one byte more than came.
  return transfer.receiveHeaderLine(line) ? line.count : line.count + 1
}

func contentArrived(
  bytes: UnsafeMutablePointer<CChar>?, size: Int, count: Int, context: UnsafeMutableRawPointer?
) -> Int {
  guard let transfer = easy(context)?.transfer else { return 0 }
  let content = UnsafeRawBufferPointer(start: bytes, count: size * count)
  switch transfer.receiveContent(content) {
  case .taken: return content.count
  case .pause: return Int(CURL_WRITEFUNC_PAUSE)
  // Anything but the count taken aborts the transfer.
  case .abort: return content.count + 1
  }
}

func contentWanted(
  bytes: UnsafeMutablePointer<CChar>?, size: Int, count: Int, context: UnsafeMutableRawPointer?
) -> Int {
  guard let transfer = easy(context)?.transfer else { return Int(CURL_READFUNC_ABORT) }
  switch transfer.sendContent(
    into: UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
  {
  case .sent(let count): return count
  case .pause: return Int(CURL_READFUNC_PAUSE)
  case .abort: return Int(CURL_READFUNC_ABORT)
  }
}

/// The connection stands and the request goes out next; called again when libcurl repeats it.
///
/// A connection that has received more than the answers on it took is no good (RFC 9112 section
/// 9.2): the next thing on it would be taken for the answer to this request. Shut down, it fails
/// before the request is out, and libcurl takes another one.
func requestBegins(
  context: UnsafeMutableRawPointer?, remoteAddress: UnsafeMutablePointer<CChar>?,
  localAddress: UnsafeMutablePointer<CChar>?, remotePort: Int32, localPort: Int32
) -> Int32 {
  guard let easy = easy(context), let transfer = easy.transfer else { return CURL_PREREQFUNC_ABORT }
  easy.origin.selection.connectionStands(server: easy.server)
  let socket = easy.thread.connection(
    of: easy, ConnectionPlace(remoteAddress, remotePort: remotePort, localPort: localPort))
  guard easy.isSecure || easy.thread.hasOnlyAnswers(socket) else {
    easy.thread.giveUp(socket, of: easy.origin)
    return CURL_PREREQFUNC_OK
  }
  return transfer.requestBegins(on: socket) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
}

func trailersWanted(
  list: UnsafeMutablePointer<UnsafeMutablePointer<curl_slist>?>?, context: UnsafeMutableRawPointer?
) -> Int32 {
  guard let transfer = easy(context)?.transfer, let list else { return CURL_TRAILERFUNC_ABORT }
  // libcurl frees this list, so it is libcurl's own kind. Trailers are rare.
  transfer.requestTrailers?.forEachLine { name, value, _ in
    guard value.allSatisfy(\.isFieldValueByte), name.allSatisfy(\.isTokenByte) else { return }
    let line = [UInt8](name) + [UInt8(ascii: ":"), 0x20] + [UInt8](value) + [0]
    let longer = line.withUnsafeBytes { bytes in
      curl_slist_append(list.pointee, bytes.bindMemory(to: CChar.self).baseAddress)
    }
    if let longer { list.pointee = longer }
  }
  return CURL_TRAILERFUNC_OK
}

func socketWanted(
  context: UnsafeMutableRawPointer?, purpose: curlsocktype,
  address: UnsafeMutablePointer<curl_sockaddr>?
) -> curl_socket_t {
  guard let easy = easy(context), let address else { return CURL_SOCKET_BAD }
  if let mayConnect = easy.thread.configuration.mayConnect {
    guard let resolved = socketAddress(address), mayConnect(resolved) else {
      easy.transfer?.isAddressRefused = true
      return CURL_SOCKET_BAD
    }
  }
  let socket = edge_socket_create(
    address.pointee.family, address.pointee.socktype, address.pointee.protocol)
  guard socket >= 0 else { return CURL_SOCKET_BAD }
  easy.thread.connectionOpened(socket)
  easy.openedSockets.append(socket)
  easy.origin.statistics.connectionCount.increment()
  return socket
}

func socketDone(context: UnsafeMutableRawPointer?, socket: curl_socket_t) -> Int32 {
  if let context {
    Unmanaged<CurlThread>.fromOpaque(context).takeUnretainedValue().connectionClosed(socket)
  }
  return close(socket)
}

/// The address libcurl is about to connect to. Bound: the family says which of the two address
/// types stands at `addr`; libcurl's storage is large enough for either.
private func socketAddress(_ address: UnsafeMutablePointer<curl_sockaddr>) -> SocketAddress? {
  let bytes = UnsafeRawPointer(address) + (MemoryLayout<curl_sockaddr>.offset(of: \.addr) ?? 16)
  switch address.pointee.family {
  case AF_INET:
    guard address.pointee.addrlen >= MemoryLayout<sockaddr_in>.size else { return nil }
    return SocketAddress(bytes.loadUnaligned(as: sockaddr_in.self), host: "")
  case AF_INET6:
    guard address.pointee.addrlen >= MemoryLayout<sockaddr_in6>.size else { return nil }
    return SocketAddress(bytes.loadUnaligned(as: sockaddr_in6.self), host: "")
  default:
    return nil
  }
}
