/// What to do with the transport once a connection's output has been sent.
public enum ConnectionCloseIntent: Sendable, Equatable {
  /// Keep it open.
  case none
  /// Close it.
  case afterOutput
  /// Shut its output down, and go on reading until the client has closed or the time is up: a
  /// close with unread bytes would reset the connection and could destroy the response.
  case lingering
  /// Reset it at once, so that the client cannot take what it got for the whole.
  case reset
}

// The states of an `HTTP1Connection`, outside of it because a type inside a generic one is looked
// up at run time, which a hit would pay for.

/// Where a connection stands between its requests.
enum HTTP1Phase {
  /// Between requests, or within a head.
  case head
  /// A request is being answered.
  case exchange
  /// The response has ended; the rest of the request's content is thrown away.
  case discarding
  /// No more requests; what still comes in is thrown away.
  case closing
  case closed
}

/// How far the response has come.
enum HTTP1ResponseState {
  /// No request, or its response has ended.
  case none
  /// The head has not been sent.
  case awaited
  case counted(remaining: Int)
  case chunked
  case untilClose
  case bodyless
  /// The connection speaks another protocol: bytes pass as they are, both ways.
  case tunnel
}

/// What a connection's deadline is for.
enum HTTP1DeadlineKind { case none, idle, header, content, linger, tunnel }
