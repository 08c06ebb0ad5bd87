import CNghttp2
import HTTPMessage
import NIOCore

// What libnghttp2 calls. Every callback finds its session in the user data, which is the session
// that is feeding or draining the library at that moment and so is alive.

/// The numbers of libnghttp2's enumerations as its structures hold them.
enum HTTP2Wire {
  static let data = UInt8(NGHTTP2_DATA.rawValue)
  static let headers = UInt8(NGHTTP2_HEADERS.rawValue)
  static let priority = UInt8(NGHTTP2_PRIORITY.rawValue)
  static let reset = UInt8(NGHTTP2_RST_STREAM.rawValue)
  static let settings = UInt8(NGHTTP2_SETTINGS.rawValue)
  static let ping = UInt8(NGHTTP2_PING.rawValue)
  static let goAway = UInt8(NGHTTP2_GOAWAY.rawValue)
  static let windowUpdate = UInt8(NGHTTP2_WINDOW_UPDATE.rawValue)
  static let continuation = UInt8(NGHTTP2_CONTINUATION.rawValue)
  static let priorityUpdate = UInt8(NGHTTP2_PRIORITY_UPDATE.rawValue)
  static let endStream = UInt8(NGHTTP2_FLAG_END_STREAM.rawValue)
  static let acknowledged = UInt8(NGHTTP2_FLAG_ACK.rawValue)
  static let none = UInt8(NGHTTP2_FLAG_NONE.rawValue)
  static let frameHeaderCount = 9

  /// Fails the stream, not the connection.
  static let streamFailure = NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
}

/// The functions that libnghttp2 is given.
enum HTTP2Callbacks {
  /// The callbacks that all sessions of a loop are made with.
  static func make() -> OpaquePointer {
    var callbacks: OpaquePointer?
    guard nghttp2_session_callbacks_new(&callbacks) == 0, let callbacks else {
      fatalError("out of memory at start")
    }
    setReceiveCallbacks(callbacks)
    setSendCallbacks(callbacks)
    return callbacks
  }

  private static func setReceiveCallbacks(_ callbacks: OpaquePointer) {
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks) { _, header, context in
      withOpenSession(context, else: 0) { session in
        if let header { session.frameBegan(header.pointee) }
        return 0
      }
    }
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, context in
      withOpenSession(context, else: 0) { session in
        guard let frame else { return 0 }
        return session.sectionBegan(
          frame.pointee.hd.stream_id,
          isRequest: frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST)
      }
    }
    nghttp2_session_callbacks_set_on_header_callback(callbacks) {
      _, frame, name, nameCount, value, valueCount, _, context in
      withOpenSession(context, else: 0) { session in
        guard let frame else { return 0 }
        return session.fieldCame(
          frame.pointee.hd.stream_id,
          name: UnsafeRawBufferPointer(start: name, count: nameCount),
          value: UnsafeRawBufferPointer(start: value, count: valueCount))
      }
    }
    // Without this, a field with a malformed name or value would be left out in silence.
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks) {
      _, _, _, _, _, _, _, _ in HTTP2Wire.streamFailure
    }
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
      _, _, stream, bytes, count, context in
      withOpenSession(context, else: 0) { session in
        session.contentCame(stream, UnsafeRawBufferPointer(start: bytes, count: count))
        return 0
      }
    }
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, context in
      withOpenSession(context, else: 0) { session in
        if let frame { session.frameCame(frame) }
        return 0
      }
    }
    // A frame of a type that is not known: counted when it began, and ignored.
    nghttp2_session_callbacks_set_unpack_extension_callback(callbacks) { _, _, _, _ in
      NGHTTP2_ERR_CANCEL.rawValue
    }
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) {
      _, stream, code, context in
      withOpenSession(context, else: 0) { session in
        session.streamClosed(stream, code: code)
        return 0
      }
    }
  }

  private static func setSendCallbacks(_ callbacks: OpaquePointer) {
    nghttp2_session_callbacks_set_send_data_callback(callbacks) {
      _, _, header, count, source, context in
      let failure = NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
      return withOpenSession(context, else: failure) { session in
        withStream(behind: source, else: failure) { stream in
          header.map { session.sendContent(stream, header: $0, count: count) } ?? failure
        }
      }
    }
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, context in
      withOpenSession(context, else: 0) { session in
        if let frame { session.frameSent(frame) }
        return 0
      }
    }
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks) {
      _, frame, _, context in
      withOpenSession(context, else: 0) { session in
        if let frame { session.frameNotSent(frame.pointee.hd) }
        return 0
      }
    }
  }

  /// How libnghttp2 gets at a stream's content.
  static func provider(of responding: HTTP2Stream) -> nghttp2_data_provider {
    nghttp2_data_provider(
      source: nghttp2_data_source(ptr: Unmanaged.passUnretained(responding).toOpaque()),
      read_callback: { _, _, _, limit, flags, source, context in
        let deferred = Int(NGHTTP2_ERR_DEFERRED.rawValue)
        return withOpenSession(context, else: deferred) { session in
          withStream(behind: source, else: deferred) { stream in
            flags.map { session.readContent(stream, limit: limit, flags: $0) } ?? deferred
          }
        }
      })
  }
}

extension HTTP2Session {
  /// The stream object of an identifier; nil when no request was begun on it, or it has ended.
  @inline(__always)
  func stream(_ id: Int32) -> HTTP2Stream? {
    guard let pointer = nghttp2_session_get_stream_user_data(session, id) else { return nil }
    return Unmanaged<HTTP2Stream>.fromOpaque(pointer).takeUnretainedValue()
  }
}

// Functions, not members: a C function pointer may not capture even the type of a closure's home.

/// Calls `body` with the session behind a callback's user data, unless it is closing and its
/// streams are gone. No reference is counted, of which a hit would count dozens: who feeds or
/// drains the session holds it.
@inline(__always)
private func withOpenSession<Result>(
  _ context: UnsafeMutableRawPointer?, else closed: Result, _ body: (HTTP2Session) -> Result
) -> Result {
  guard let context else { return closed }
  return Unmanaged<HTTP2Session>.fromOpaque(context)._withUnsafeGuaranteedRef { session in
    session.phase == .open ? body(session) : closed
  }
}

/// Calls `body`, which must not end the stream, with the stream that a data source stands for.
@inline(__always)
private func withStream<Result>(
  behind source: UnsafeMutablePointer<nghttp2_data_source>?, else none: Result,
  _ body: (HTTP2Stream) -> Result
) -> Result {
  guard let pointer = source?.pointee.ptr else { return none }
  return Unmanaged<HTTP2Stream>.fromOpaque(pointer)._withUnsafeGuaranteedRef(body)
}
