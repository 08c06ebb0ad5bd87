import CNghttp2
import HTTPMessage
import NIOCore

/// What the HTTP/2 connections of one event loop share: memory for libnghttp2's sessions, stream
/// objects, head readers and the array that response heads are laid out in. Confined to that loop.
///
/// All of it is used again from request to request, so that a hit allocates nothing here.
public final class HTTP2Pool {
  private static let keptStreams = 512
  private static let keptReaders = 8

  /// What the loop's connections have done.
  public let statistics: HTTP2Statistics
  let callbacks: OpaquePointer
  let options: OpaquePointer
  let memory: UnsafeMutablePointer<edge_h2_pool>
  var fields = HTTP2FieldArray()
  private var streams: [HTTP2Stream] = []
  private var readers: [HTTP2HeadReader] = []

  /// An empty pool for connections with these limits.
  public init(limits: ConnectionLimits, statistics: HTTP2Statistics = HTTP2Statistics()) {
    self.statistics = statistics
    callbacks = HTTP2Callbacks.make()
    options = Self.makeOptions(limits.http2)
    memory = .allocate(capacity: 1)
    memory.initialize(to: edge_h2_pool())
  }

  deinit {
    nghttp2_session_callbacks_del(callbacks)
    nghttp2_option_del(options)
    edge_h2_pool_empty(memory)
    memory.deallocate()
  }

  func takeStream(eventLoop: any EventLoop) -> HTTP2Stream {
    streams.popLast() ?? HTTP2Stream(eventLoop: eventLoop)
  }

  /// Takes a stream back that has ended, unless somebody still holds it.
  func giveBack(_ stream: consuming HTTP2Stream) {
    var stream = stream
    guard streams.count < Self.keptStreams, isKnownUniquelyReferenced(&stream) else { return }
    stream.prepareForReuse()
    streams.append(stream)
  }

  func takeReader() -> HTTP2HeadReader { readers.popLast() ?? HTTP2HeadReader() }

  func giveBack(_ reader: HTTP2HeadReader, isShared: Bool) {
    guard readers.count < Self.keptReaders else { return }
    reader.reset(isShared: isShared)
    readers.append(reader)
  }

  private static func makeOptions(_ limits: HTTP2Limits) -> OpaquePointer {
    var options: OpaquePointer?
    guard nghttp2_option_new(&options) == 0, let options else {
      fatalError("out of memory at start")
    }
    // WINDOW_UPDATE goes out as content is taken.
    nghttp2_option_set_no_auto_window_update(options, 1)
    // RFC 9218: the priority field is read by default, PRIORITY_UPDATE on request.
    nghttp2_option_set_builtin_recv_extension_type(
      options, UInt8(NGHTTP2_PRIORITY_UPDATE.rawValue))
    // Types that are not known are reported, so that they are counted, and then ignored. What
    // stands up to 0x0a is known, and PRIORITY_UPDATE is.
    for type in 0x0A...UInt8.max where type != UInt8(NGHTTP2_PRIORITY_UPDATE.rawValue) {
      nghttp2_option_set_user_recv_extension_type(options, type)
    }
    nghttp2_option_set_max_continuations(options, limits.continuations)
    // Resets are counted here, over a minute.
    nghttp2_option_set_stream_reset_rate_limit(options, 1 << 20, 1 << 20)
    nghttp2_option_set_max_send_header_block_length(options, 256 << 10)
    return options
  }
}
