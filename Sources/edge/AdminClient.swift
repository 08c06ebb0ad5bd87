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
    var user: String
    var password: String

    /// For messages: never with user or password.
    var url: String { "\(isSecure ? "https" : "http")://\(host):\(port)" }
  }

  /// A whole answer.
  struct Answer: Sendable {
    var status: Int
    var body: Data
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

  private func send(_ path: String, json: Data?) async throws -> Answer {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.next()
    let origin = OriginClient.Configuration.Origin(
      name: "admin",
      servers: [.init(target.isSecure ? .https : .http, host: target.host, port: target.port)])
    let transport = try CurlTransport(
      configuration: OriginClient.Configuration(origins: [origin]), eventLoops: [loop])
    let promise = loop.makePromise(of: Answer.self)
    let credentials = Data("\(target.user):\(target.password)".utf8).base64EncodedString()
    loop.execute {
      var fields = FieldBlock()
      fields.append("Authorization", "Basic \(credentials)")
      if json != nil { fields.append("Content-Type", "application/json") }
      let receiver = Collector(body: json.map { ByteBuffer(bytes: $0) }, promise: promise)
      receiver.fetch = transport.fetch(
        OriginRequest(
          origin: 0, method: json == nil ? .get : .post,
          methodName: ByteBuffer(string: json == nil ? "GET" : "POST"),
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
  private static let bodyLimitBytes = 1 << 20

  var fetch: (any OriginFetch)?
  private let body: ByteBuffer?
  private let promise: EventLoopPromise<AdminClient.Answer>
  private var status = 0
  private var received = ByteBuffer()
  private var isBodySent = false

  init(body: ByteBuffer?, promise: EventLoopPromise<AdminClient.Answer>) {
    self.body = body
    self.promise = promise
  }

  func originInformational(status: Int, fields: FieldBlock) {}

  func originHead(_ head: OriginResponseHead) { status = head.status }

  func originChunk(_ chunk: ByteBuffer) {
    if received.readableBytes + chunk.readableBytes <= Self.bodyLimitBytes {
      received.writeImmutableBuffer(chunk)
    }
    fetch?.grant(chunk.readableBytes)
  }

  func originEnd(trailers: FieldBlock?) {
    fetch = nil
    promise.succeed(
      AdminClient.Answer(status: status, body: Data(received.readableBytesView)))
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
