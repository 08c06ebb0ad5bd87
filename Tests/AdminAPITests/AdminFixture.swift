import Dispatch
import EdgeProxy
import EdgeSecurity
import Glibc
import Logging
import Observability
import Synchronization
import Testing

@testable import AdminAPI
@testable import CacheStore

/// A backend that remembers what it was asked for.
final class RecordingBackend: AdminBackend {
  struct State {
    var selectors: [[InvalidationSelector]] = []
    var kinds: [InvalidationKind] = []
    var sequence: UInt64 = 40
    var isReady = true
    var failure: String?
    var progress: InvalidationProgress? = .completed(removedFromMemory: 0, removedFromDisk: 0)
    /// One whose sweep does not end, whatever `progress` is.
    var pendingSequence: UInt64?
    var refresh = RefreshResult()
    var counted = InvalidationCount()
    var queries: [ObjectQuery] = []
    var placed: [PlacedResponse] = []
  }

  let state = Mutex(State())
  let metrics = Metrics(loopCount: 1)

  var invalidations: [[InvalidationSelector]] { state.withLock { $0.selectors } }
  var version: String { "1.0" }
  var isReady: Bool { state.withLock { $0.isReady } }

  func invalidate(
    _ selectors: [InvalidationSelector], kind: InvalidationKind, isFollowed: Bool
  ) async -> InvalidationReceipt {
    state.withLock { state in
      state.selectors.append(selectors)
      state.kinds.append(kind)
      state.sequence += 1
      return InvalidationReceipt(
        sequence: state.sequence, isDurable: state.failure == nil, failure: state.failure)
    }
  }

  func progress(of sequence: UInt64) -> InvalidationProgress? {
    state.withLock { $0.pendingSequence == sequence ? .pending : $0.progress }
  }

  func countMatches(
    _ selectors: [InvalidationSelector], sampleLimit: Int
  ) async -> InvalidationCount {
    state.withLock { $0.counted }
  }

  func refresh(_ selectors: [InvalidationSelector]) async -> RefreshResult {
    state.withLock { $0.refresh }
  }

  var routeNames: [String] { ["/*", "images"] }

  func objects(_ query: ObjectQuery) async -> ObjectListing {
    state.withLock { $0.queries.append(query) }
    return ObjectListing(rows: [], next: nil, isComplete: true, nowSeconds: 0)
  }

  func object(hash: String) async -> ObjectDetail? { nil }

  func place(_ response: PlacedResponse) async throws(PlacementFault) -> ObjectDetail {
    state.withLock { $0.placed.append(response) }
    throw .notStored(reason: "test")
  }

  func removeObject(hash: String) async -> Bool { false }

  func metricsText() async -> String { metrics.prometheusText() }

  func explain(
    method: String, url: String, fields: [(name: String, value: String)]
  ) async throws(ExplanationFault) -> Explanation {
    guard url.hasPrefix("http://") else { throw .url(url) }
    var explanation = Explanation(result: "miss", reason: "not-stored-yet")
    explanation.route = "/*"
    explanation.key = ([method, url] + fields.map { "\($0.name)=\($0.value)" })
      .joined(separator: " ")
    return explanation
  }

  func status() async -> AdminStatus {
    AdminStatus(
      version: "1.0", uptimeSeconds: 5, threads: 2, metrics: metrics.snapshot(),
      sections: [("store", .object([JSONMember("objects", .integer(7))]))])
  }
}

extension AdminAuthenticator.User {
  /// `admin` with the password `secret`.
  static let admin = AdminAuthenticator.User(name: "admin", secret: .password("secret"))
}

/// Collects log lines, to show what is not in them.
struct CollectedLog: LogHandler {
  static let lines = Mutex<[String]>([])
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .trace
  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    CollectedLog.lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
  }
}

/// What came back.
struct Answer {
  var status = 0
  var fields: [String: String] = [:]
  var body = ""

  /// The answer's content as JSON members by name.
  var json: [String: JSONValue] {
    guard case .object(let members) = try? JSONReader.read(Array(body.utf8)) else { return [:] }
    return Dictionary(members.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
  }

  /// A member that is text; empty when it is not.
  func text(_ name: String) -> String {
    if case .string(let text) = json[name] { text } else { "" }
  }

  var detail: String {
    if case .string(let text) = json["detail"] { text } else { "" }
  }
}

/// `admin:secret` and `admin:wrong`.
let rightLogin = "Authorization: Basic YWRtaW46c2VjcmV0\r\n"
let wrongLogin = "Authorization: Basic YWRtaW46d3Jvbmc=\r\n"
let jsonType = "Content-Type: application/json\r\n"

/// A running admin API and a client for it that sends what it is told, byte for byte.
struct AdminFixture: Sendable {
  let backend: RecordingBackend
  let port: Int

  /// Runs `body` against a server on a free port of the loopback and stops it afterwards.
  static func run(
    now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
    pause: @escaping @Sendable (Duration) async throws -> Void = { _ in },
    ownNames: [String] = [], users: [AdminAuthenticator.User] = [.admin],
    tokens: AdminTokenTable = AdminTokenTable(path: nil) { _ in },
    prepare: @Sendable (inout AdminResponder) -> Void = { _ in },
    _ body: @escaping @Sendable (AdminFixture) async throws -> Void
  ) async throws {
    let backend = RecordingBackend()
    let logger = Logger(label: "test") { _ in CollectedLog() }
    var responder = AdminResponder(
      backend: backend, authenticator: AdminAuthenticator(users: users, tokens: tokens),
      ownNames: ownNames, logger: logger)
    responder.now = now
    responder.pause = pause
    prepare(&responder)
    let server = AdminServer(
      configuration: AdminConfiguration(port: 0), responder: responder, logger: logger)
    let (ports, continuation) = AsyncStream<Int>.makeStream()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await server.run { continuation.yield($0) }
      }
      var iterator = ports.makeAsyncIterator()
      let port = try #require(await iterator.next())
      let fixture = AdminFixture(backend: backend, port: port)
      do { try await body(fixture) } catch {
        group.cancelAll()
        throw error
      }
      group.cancelAll()
      do { try await group.waitForAll() } catch is CancellationError {}
    }
  }

  private init(backend: RecordingBackend, port: Int) {
    self.port = port
    self.backend = backend
  }

  /// Sends one request and reads the answer to the connection's end. `host` is the Host field.
  func send(
    _ method: String, _ target: String, fields: String = rightLogin, body: String = "",
    host: String? = nil
  ) async throws -> Answer {
    let length = body.isEmpty && method != "POST" ? "" : "Content-Length: \(body.utf8.count)\r\n"
    return try await exchange(
      "\(method) \(target) HTTP/1.1\r\nHost: \(host ?? "127.0.0.1:\(port)")\r\n\(fields)"
        + "\(length)Connection: close\r\n\r\n\(body)")
  }

  /// Posts an invalidation.
  func invalidate(_ json: String, fields: String = rightLogin + jsonType) async throws -> Answer {
    try await send("POST", "/v1/invalidations", fields: fields, body: json)
  }

  /// On a thread of its own: blocking calls would starve the tasks that serve the request.
  func exchange(_ request: String) async throws -> Answer {
    try await withCheckedThrowingContinuation { continuation in
      DispatchQueue(label: "client").async {
        continuation.resume(with: Result { try exchangeBlocking(request) })
      }
    }
  }

  private func exchangeBlocking(_ request: String) throws -> Answer {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(connected == 0)
    var bytes = ArraySlice(request.utf8)
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      // The server may answer and close before it has read everything.
      if count <= 0 { break }
      bytes = bytes.dropFirst(count)
    }
    var received: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count <= 0 { break }
      received += buffer[..<count]
    }
    return parse(String(decoding: received, as: UTF8.self))
  }

  private func parse(_ text: String) -> Answer {
    var answer = Answer()
    guard let end = text.range(of: "\r\n\r\n") else { return answer }
    let lines = text[..<end.lowerBound].split(separator: "\r\n")
    answer.status = lines.first.flatMap { Int($0.split(separator: " ")[1]) } ?? 0
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      let value = parts.count > 1 ? String(parts[1].dropFirst()) : ""
      let name = parts[0].lowercased()
      answer.fields[name] = answer.fields[name].map { "\($0), \(value)" } ?? value
    }
    answer.body = String(text[end.upperBound...])
    return answer
  }
}

extension String {
  fileprivate func range(of part: String) -> Range<String.Index>? { firstRange(of: part) }
}
