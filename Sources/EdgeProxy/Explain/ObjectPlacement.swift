import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore

/// A response that somebody puts into the cache by hand: for `PUT /v1/objects`.
public struct PlacedResponse: Sendable {
  /// `http://host/path`, `https://host/path`, or a path beside a Host among `requestFields`.
  public var url: String
  /// Fields of the request that it answers; those that a Vary names choose the variant.
  public var requestFields: [(name: String, value: String)]
  /// The status, 200 to 599.
  public var status: Int
  /// The response's fields.
  public var fields: [(name: String, value: String)]
  /// The content.
  public var content: [UInt8]

  /// A response of these parts.
  public init(
    url: String, requestFields: [(name: String, value: String)] = [], status: Int = 200,
    fields: [(name: String, value: String)], content: [UInt8]
  ) {
    self.url = url
    self.requestFields = requestFields
    self.status = status
    self.fields = fields
    self.content = content
  }
}

/// Why a response was not put into the cache.
public enum PlacementFault: Error, Sendable, CustomStringConvertible {
  /// The URL or a field makes no request.
  case request(ExplanationFault)
  /// No route takes the URL.
  case noRoute
  /// A field of the response is none.
  case field(String)
  /// The cache does not store it; the reason is Cache-Status'.
  case notStored(reason: String)

  /// What is wrong, and what would be right.
  public var description: String {
    switch self {
    case .request(let fault): fault.description
    case .noRoute: "no route takes this URL"
    case .field(let name): "'\(name.prefix(80))' is no header field, or its value has a line break"
    case .notStored(let reason):
      "the cache does not store this response (\(reason)); give a ttl, or fields that allow it"
    }
  }
}

extension Explainer {
  /// Stores a response as if the origin had just sent it: the route's rules decide whether, for
  /// how long and under which key.
  /// - Returns: what is stored now.
  public func place(_ response: PlacedResponse) async throws(PlacementFault) -> ObjectDetail {
    let request: RequestHead
    do throws(ExplanationFault) {
      request = try ExplainedRequest(
        method: "GET", url: response.url, fields: response.requestFields
      ).head()
    } catch {
      throw .request(error)
    }
    var fields = FieldBlock()
    for (name, value) in response.fields {
      guard isField(name, value) else { throw .field(name) }
      // The cache writes these itself.
      if ["content-length", "transfer-encoding", "connection", "age"].contains(name.lowercased()) {
        continue
      }
      fields.append(name, value)
    }
    fields.append("Content-Length", "\(response.content.count)")
    let head = OriginResponseHead(
      status: response.status, fields: fields, contentLength: response.content.count)
    let content = ByteBuffer(bytes: response.content)
    let promise = loop.eventLoop.makePromise(of: Result<ObjectDetail, PlacementFault>.self)
    loop.eventLoop.execute {
      promise.succeed(self.loop.place(head, content: content, for: request))
    }
    do {
      return try await promise.futureResult.get().get()
    } catch let fault as PlacementFault {
      throw fault
    } catch {
      throw .notStored(reason: "\(error)")
    }
  }

  private func isField(_ name: String, _ value: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 256 && name.utf8.allSatisfy(\.isTokenByte)
      && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
  }
}

extension ProxyLoop {
  /// Judges and stores a response that no fetch brought. On the loop.
  fileprivate func place(
    _ response: OriginResponseHead, content: ByteBuffer, for request: RequestHead
  ) -> Result<ObjectDetail, PlacementFault> {
    clock.refresh()
    guard let route = routes.route(for: request) else { return .failure(.noRoute) }
    writeKey(of: request, route: route)
    let judged = JudgedRequest(
      head: request, route: route, content: nil, key: key,
      requestTimeSeconds: clock.wallSeconds, fetchSequence: shared.store.sequence, previous: nil)
    let head = judge(response, for: judged)
    if let refusal = head.refusal { return .failure(.notStored(reason: refusal.string)) }
    let object = head.storedKey.withUnsafeReadableBytes { key in
      head.lines.withUnsafeReadableBytes { lines in
        StoredObject.make(
          hash: shared.store.hasher.hash(key), key: key, head: lines, body: .buffers([content]),
          metadata: head.metadata, tags: head.tags)
      }
    }
    if let variants = head.variants {
      note(object.hash, of: variants, key: head.primaryKey, limit: route.rules.variantLimit)
    }
    guard shared.store.insert(object) else {
      return .failure(.notStored(reason: "an invalidation overtook it, or there is no room"))
    }
    return .success(ObjectDetail(object, now: clock.wallSeconds))
  }
}
