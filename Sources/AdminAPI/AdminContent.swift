import HTTPTypes
import Hummingbird
import Synchronization

/// The content of one request: read at most once, up to the limit, and what is left of it known.
///
/// The server framework lets a request's content be iterated once, and after the answer reads what
/// is left of it before it takes the next request, however much that is; so somebody has to know
/// whether little enough is left.
final class AdminContent: Sendable {
  private enum State {
    case unread
    case read
    case brokenOff
  }

  private let request: Request
  private let state = Mutex(State.unread)

  init(_ request: Request) { self.request = request }

  private var declaredBytes: Int? { request.headers[.contentLength].flatMap { Int($0) } }

  /// All of it; empty when it was read before.
  /// - Throws: 413 beyond the limit, 400 when it breaks off.
  func read() async throws(Problem) -> [UInt8] {
    let limit = AdminConfiguration.contentLimitBytes
    let tooLarge = Problem(
      status: .contentTooLarge,
      detail: "The content is larger than \(limit) bytes. Send several smaller requests, or in an "
        + "invalidation a pattern with \"*\".")
    if let declaredBytes, declaredBytes > limit { throw tooLarge }
    guard begin() else { return [] }
    var content: [UInt8] = []
    do {
      for try await chunk in request.body {
        content.append(contentsOf: chunk.readableBytesView)
        if content.count > limit { break }
      }
    } catch {
      throw Problem(
        status: .badRequest, detail: "The content broke off before its end. Send it again.")
    }
    if content.count > limit { throw tooLarge }
    state.withLock { $0 = .read }
    return content
  }

  /// Whether more than a little of it is left. What is little is read here, so that the connection
  /// can go on.
  func isMuchLeft() async -> Bool {
    if case .read = state.withLock({ $0 }) { return false }
    if let declaredBytes, declaredBytes > AdminConfiguration.contentLimitBytes { return true }
    guard declaredBytes ?? 0 > 0 || request.headers[.transferEncoding] != nil else { return false }
    guard begin() else { return true }
    var count = 0
    do {
      for try await chunk in request.body {
        count += chunk.readableBytes
        if count > AdminConfiguration.contentLimitBytes { return true }
      }
    } catch {
      return true
    }
    return false
  }

  /// Whether the caller is the first to read.
  private func begin() -> Bool {
    state.withLock { state in
      guard case .unread = state else { return false }
      state = .brokenOff
      return true
    }
  }
}
