import CCurl
import HTTPMessage
import NIOCore

/// One libcurl easy handle, bound to one server of one origin and used for one fetch after the
/// other: between fetches only what differs is set again, which is a quarter of the cost of a
/// reset handle.
///
/// Owned by one ``CurlThread``, which holds it until the thread ends; the pointer that libcurl's
/// callbacks get is this object, unretained, and lives at least as long as the handle.
final class CurlEasy {
  let handle: UnsafeMutableRawPointer
  /// Index into the thread's lists of handles at rest.
  let slot: Int
  let server: Int
  let origin: OriginState
  unowned let thread: CurlThread
  /// The fetch it works for; nil at rest.
  var transfer: CurlTransfer?
  /// The connection's descriptor while libcurl watches it for this handle; else -1.
  var socket: Int32 = -1

  /// Descriptors that were opened for the fetch: one, or one each for IPv6 and IPv4.
  var openedSockets: [Int32] = []

  /// Whether the handle must not work for another fetch.
  private(set) var isSpent = false

  private enum Mode { case get, head, upload }
  private var mode = Mode.get
  private var customMethod: ByteBuffer?
  private var isForWebSocket = false
  private var lines = HeaderLines()
  private let errorText: UnsafeMutablePointer<CChar>

  /// A handle for `server`; nil when libcurl has no memory for one.
  init?(thread: CurlThread, slot: Int, origin: OriginState, server: Int) {
    guard let handle = curl_easy_init() else { return nil }
    self.handle = handle
    self.thread = thread
    self.slot = slot
    self.origin = origin
    self.server = server
    errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    setConstants()
    setCallbacks()
  }

  deinit {
    curl_easy_cleanup(handle)
    errorText.deallocate()
  }

  /// Whether the server is spoken to over TLS.
  var isSecure: Bool { origin.configuration.servers[server].scheme == .https }

  /// What libcurl said of the last failure.
  var failureText: String { String(cString: errorText) }

  /// Sets what differs from the fetch before. False when the request cannot be written as HTTP/1.1
  /// without changing its meaning.
  func prepare(_ request: borrowing OriginRequest) -> Bool {
    errorText.pointee = 0
    openedSockets.removeAll(keepingCapacity: true)
    guard request.method != .connect, setTarget(request.target),
      request.methodName.readableBytesView.allSatisfy(\.isTokenByte),
      let list = lines.build(request, host: origin.hostOverride)
    else { return false }
    edge_easy_set_pointer(handle, CURLOPT_HTTPHEADER, list)
    setMethod(request)
    return true
  }

  /// Lets the chunked content under way end with trailers. libcurl 7.88 never leaves the state of
  /// having sent trailers and would write before its buffer in the next chunked upload (heap
  /// corruption, seen here), so the handle is not used again.
  func sendTrailers() {
    isSpent = true
    edge_easy_set_trailers(handle, trailersWanted)
  }

  /// Path and query, byte for byte; false with a byte that ends the request line's target.
  private func setTarget(_ target: ByteBuffer) -> Bool {
    target.withUnsafeReadableBytes { bytes in
      guard !bytes.isEmpty, bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return false }
      return withUnsafeTemporaryAllocation(byteCount: bytes.count + 1, alignment: 1) { text in
        text.copyMemory(from: bytes)
        text[bytes.count] = 0
        return edge_easy_set_pointer(handle, CURLOPT_REQUEST_TARGET, text.baseAddress) == CURLE_OK
      }
    }
  }

  /// A request with content goes out as an upload whatever its method, since libcurl sends none
  /// with a GET; the method's name is then set apart.
  private func setMethod(_ request: borrowing OriginRequest) {
    if request.asksForWebSocket != isForWebSocket {
      isForWebSocket = request.asksForWebSocket
      // Whatever became of the handshake, nobody else gets the connection.
      set(CURLOPT_FORBID_REUSE, isForWebSocket ? 1 : 0)
    }
    let wanted: Mode =
      switch request.framing {
      case _ where isForWebSocket: .upload
      case .none, .length(0): request.method == .head ? .head : .get
      case .length, .streamed: .upload
      }
    if wanted != mode {
      set(CURLOPT_HTTPGET, 1)
      if wanted == .head { set(CURLOPT_NOBODY, 1) }
      if wanted == .upload { set(CURLOPT_UPLOAD, 1) }
      mode = wanted
    }
    if wanted == .upload {
      if case .length(let length) = request.framing {
        edge_easy_set_offset(handle, CURLOPT_INFILESIZE_LARGE, curl_off_t(length))
      } else {
        edge_easy_set_offset(handle, CURLOPT_INFILESIZE_LARGE, -1)
      }
    }
    let isDefault =
      switch wanted {
      case .get: request.method == .get
      case .head: true
      case .upload: request.method == .put
      }
    if isDefault {
      if customMethod != nil { edge_easy_set_pointer(handle, CURLOPT_CUSTOMREQUEST, nil) }
      customMethod = nil
    } else if customMethod != request.methodName {
      set(CURLOPT_CUSTOMREQUEST, String(buffer: request.methodName))
      customMethod = request.methodName
    }
  }
}

// MARK: - Constant options

extension CurlEasy {
  private func set(_ option: CURLoption, _ value: Int) {
    edge_easy_set_long(handle, option, value)
  }

  private func set(_ option: CURLoption, _ text: String) {
    _ = text.withCString { edge_easy_set_pointer(handle, option, $0) }
  }

  private func setConstants() {
    let configuration = origin.configuration
    set(CURLOPT_URL, configuration.servers[server].url)
    set(CURLOPT_PATH_AS_IS, 1)
    set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    set(CURLOPT_HTTP09_ALLOWED, 0)
    set(CURLOPT_PROTOCOLS_STR, "http,https")
    set(CURLOPT_FOLLOWLOCATION, 0)
    set(CURLOPT_PROXY, "")
    // Else it looks into the environment at every fetch.
    set(CURLOPT_NOPROXY, "*")
    set(CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue))
    // Signals would interrupt the process's other threads; name resolution has its own thread.
    set(CURLOPT_NOSIGNAL, 1)
    set(CURLOPT_NOPROGRESS, 1)
    set(CURLOPT_HTTP_CONTENT_DECODING, 0)
    // Chunks come as they stand on the wire, for ``ChunkedContent``; libcurl still finds their end.
    set(CURLOPT_HTTP_TRANSFER_DECODING, 0)
    set(CURLOPT_BUFFERSIZE, Self.receiveBufferBytes)
    set(CURLOPT_TCP_NODELAY, 1)
    set(CURLOPT_TCP_KEEPALIVE, 1)
    set(CURLOPT_CONNECTTIMEOUT_MS, configuration.timeouts.connect.wholeMilliseconds)
    set(CURLOPT_MAXAGE_CONN, max(1, configuration.keepAlive.wholeMilliseconds / 1000))
    set(CURLOPT_SSL_VERIFYPEER, configuration.tls.verify ? 1 : 0)
    set(CURLOPT_SSL_VERIFYHOST, configuration.tls.verify ? 2 : 0)
    if let file = configuration.tls.authoritiesFile { set(CURLOPT_CAINFO, file) }
    edge_easy_set_pointer(handle, CURLOPT_ERRORBUFFER, errorText)
  }

  /// One read of a socket; also the most that libcurl keeps of a paused response. libcurl allocates
  /// it anew for every fetch: at 64 KiB each release had the allocator tidy up all it holds.
  static let receiveBufferBytes = 32 << 10

  private func setCallbacks() {
    let context = Unmanaged.passUnretained(self).toOpaque()
    edge_easy_set_pointer(handle, CURLOPT_PRIVATE, context)
    edge_easy_set_data_callback(handle, CURLOPT_HEADERFUNCTION, headerLineArrived)
    edge_easy_set_pointer(handle, CURLOPT_HEADERDATA, context)
    edge_easy_set_data_callback(handle, CURLOPT_WRITEFUNCTION, contentArrived)
    edge_easy_set_pointer(handle, CURLOPT_WRITEDATA, context)
    edge_easy_set_data_callback(handle, CURLOPT_READFUNCTION, contentWanted)
    edge_easy_set_pointer(handle, CURLOPT_READDATA, context)
    edge_easy_set_before_request(handle, requestBegins)
    edge_easy_set_pointer(handle, CURLOPT_PREREQDATA, context)
    edge_easy_set_pointer(handle, CURLOPT_TRAILERDATA, context)
    edge_easy_set_open_socket(handle, socketWanted)
    edge_easy_set_pointer(handle, CURLOPT_OPENSOCKETDATA, context)
    // A connection outlives the fetch that opened it, so this one is told to the thread.
    edge_easy_set_close_socket(handle, socketDone)
    edge_easy_set_pointer(
      handle, CURLOPT_CLOSESOCKETDATA, Unmanaged.passUnretained(thread).toOpaque())
  }
}
