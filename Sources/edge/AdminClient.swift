import Foundation
import HTTPMessage
import NIOCore
import NIOPosix
import OriginClient

/// Asks a running edge's admin listener: one request over the same libcurl transport that fetches
/// from origins.
struct AdminClient {
  /// Where the admin listener is and who asks.
  struct Target {
    var isSecure: Bool
    var host: String
    var port: Int
    var credential: Credential
    /// Certificates (PEM) that https trusts; nil for those of the system.
    var authoritiesFile: String?
    /// Whether the certificate is believed whatever it says.
    var isInsecure = false

    /// For messages: never with user, password or token.
    var url: String {
      "\(isSecure ? "https" : "http")://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }
  }

  /// How the client shows who it is.
  enum Credential {
    case password(user: String, password: String)
    case token(String)

    /// The Authorization field's value.
    var authorization: String {
      switch self {
      case .password(let user, let password):
        "Basic \(Data("\(user):\(password)".utf8).base64EncodedString())"
      case .token(let token): "Bearer \(token)"
      }
    }
  }

  /// A whole answer.
  struct Answer: Sendable {
    var status: Int
    var body: Data
    /// When the token that was used expires, if that is soon.
    var tokenExpiry: String?
  }

  private let target: Target

  init(_ target: Target) { self.target = target }

  /// Gets a document.
  /// - Throws: the transport's failure, or its configuration's.
  func get(_ path: String) async throws -> Answer { try await send(path, json: nil) }

  /// Posts a JSON document and returns the answer.
  /// - Throws: the transport's failure, or its configuration's.
  func post(_ path: String, json: Data) async throws -> Answer {
    try await send(path, json: json)
  }

  /// Sends a request, with a JSON document if there is one.
  /// - Throws: the transport's failure, or its configuration's.
  func send(
    _ path: String, method: HTTPMessage.RequestMethod? = nil, name: String? = nil, json: Data?
  ) async throws -> Answer {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.next()
    var origin = OriginClient.Configuration.Origin(
      name: "admin",
      servers: [.init(target.isSecure ? .https : .http, host: target.host, port: target.port)])
    origin.tls.verify = !target.isInsecure
    origin.tls.authoritiesFile = target.authoritiesFile
    let transport = try CurlTransport(
      configuration: OriginClient.Configuration(origins: [origin]), eventLoops: [loop])
    let promise = loop.makePromise(of: Answer.self)
    let authorization = target.credential.authorization
    let method = method ?? (json == nil ? .get : .post)
    let name = name ?? (json == nil ? "GET" : "POST")
    loop.execute {
      var fields = FieldBlock()
      fields.append("Authorization", authorization)
      if json != nil { fields.append("Content-Type", "application/json") }
      let receiver = Collector(body: json.map { ByteBuffer(bytes: $0) }, promise: promise)
      receiver.fetch = transport.fetch(
        OriginRequest(
          origin: 0, method: method, methodName: ByteBuffer(string: name),
          target: ByteBuffer(string: path), authority: ByteBuffer(), fields: fields,
          framing: json.map { .length($0.count) } ?? .none),
        on: loop, receiver: receiver)
    }
    do {
      let answer = try await promise.futureResult.get()
      await stop(transport, group)
      return answer
    } catch {
      await stop(transport, group)
      throw error
    }
  }

  private func stop(_ transport: CurlTransport, _ group: MultiThreadedEventLoopGroup) async {
    transport.shutdown()
    try? await group.shutdownGracefully()
  }
}

/// Collects one answer; lives on the client's loop.
private final class Collector: OriginReceiver {
  /// More than the admin API ever answers.
  private static let bodyLimitBytes = 16 << 20

  var fetch: (any OriginFetch)?
  private let body: ByteBuffer?
  private let promise: EventLoopPromise<AdminClient.Answer>
  private var status = 0
  private var tokenExpiry: String?
  private var received = ByteBuffer()
  private var isBodySent = false

  init(body: ByteBuffer?, promise: EventLoopPromise<AdminClient.Answer>) {
    self.body = body
    self.promise = promise
  }

  func originInformational(status: Int, fields: FieldBlock) {}

  func originHead(_ head: OriginResponseHead) {
    status = head.status
    head.fields.bytes.withUnsafeReadableBytes { bytes in
      for entry in head.fields.entries
      where String(decoding: entry.name.slice(of: bytes), as: UTF8.self).lowercased()
        == "edge-token-expires"
      {
        tokenExpiry = String(decoding: entry.value.slice(of: bytes), as: UTF8.self)
      }
    }
  }

  func originChunk(_ chunk: ByteBuffer) {
    if received.readableBytes + chunk.readableBytes <= Self.bodyLimitBytes {
      received.writeImmutableBuffer(chunk)
    }
    fetch?.grant(chunk.readableBytes)
  }

  func originEnd(trailers: FieldBlock?) {
    fetch = nil
    promise.succeed(
      AdminClient.Answer(
        status: status, body: Data(received.readableBytesView), tokenExpiry: tokenExpiry))
  }

  func originFailed(_ failure: OriginFailure) {
    fetch = nil
    promise.fail(AdminClientFailure(failure))
  }

  func originWantsBody() {
    if let body, !isBodySent {
      isBodySent = true
      fetch?.sendBody(body)
    } else {
      fetch?.endBody(trailers: nil)
    }
  }
}

/// A failed request, as the command line says it.
private struct AdminClientFailure: Error, CustomStringConvertible {
  let failure: OriginFailure

  init(_ failure: OriginFailure) { self.failure = failure }

  var description: String {
    failure.detail.isEmpty ? failure.kind.rawValue : "\(failure.kind.rawValue) (\(failure.detail))"
  }
}
