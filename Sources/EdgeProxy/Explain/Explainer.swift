import CachePolicy
import CacheStore
import HTTPMessage
import NIOCore
import Observability

/// Explains requests by the very look-up that serves them, without serving them.
///
/// Its loop is one of the edge's; everything but ``explain(method:url:fields:)`` runs there. A
/// look-up counts as a use of the object, as every look-up does.
public final class Explainer: @unchecked Sendable {
  // @unchecked: `loop` is touched on its event loop only.
  let loop: ProxyLoop
  /// The edge's store, for any thread.
  let store: Store

  /// An explainer over the edge's shared parts; `metrics` are those of the loop.
  public init(shared: ProxyShared, eventLoop: any EventLoop, metrics: LoopMetrics) {
    store = shared.store
    loop = ProxyLoop(
      shared: shared, eventLoop: eventLoop, clock: LoopClock(), metrics: metrics, accessLog: nil)
  }

  /// What the edge would do now with this request.
  /// - Parameters:
  ///   - method: the request's method.
  ///   - url: `http://host/path?query`, the same with https, or a path alone; then a Host among
  ///     the fields counts, or else `localhost`.
  ///   - fields: further header fields.
  public func explain(
    method: String, url: String, fields: [(name: String, value: String)]
  ) async throws(ExplanationFault) -> Explanation {
    let head = try ExplainedRequest(method: method, url: url, fields: fields).head()
    let promise = loop.eventLoop.makePromise(of: Explanation.self)
    loop.eventLoop.execute { self.loop.explain(head) { promise.succeed($0) } }
    do {
      return try await promise.futureResult.get()
    } catch {
      throw .request("\(error)")
    }
  }
}

/// A request as somebody describes it.
struct ExplainedRequest {
  var method: String
  var url: String
  var fields: [(name: String, value: String)]

  /// The request's head, through the parser that clients meet.
  func head() throws(ExplanationFault) -> RequestHead {
    var rest = Substring(url)
    var authority: Substring?
    let isSecure = url.lowercased().hasPrefix("https://")
    if isSecure || url.lowercased().hasPrefix("http://") {
      rest = rest.dropFirst(isSecure ? 8 : 7)
      let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
      authority = rest[..<end]
      rest = rest[end...]
      if !rest.hasPrefix("/") { rest = "/" + rest }
    }
    rest = rest.prefix { $0 != "#" }
    guard rest.hasPrefix("/"), authority?.isEmpty != true else { throw .url(url) }
    let named = fields.first { $0.name.lowercased() == "host" }?.value
    let host = named ?? authority.map(String.init) ?? "localhost"
    var text =
      "\(method) \(rest) HTTP/1.1\r\nHost: \(host)\r\n"
    for field in fields where field.name.lowercased() != "host" {
      text += "\(field.name): \(field.value)\r\n"
    }
    // A value with a line break would end the head early and leave bytes behind.
    for field in fields
    where (field.name + field.value).utf8.contains(where: { $0 < 0x20 && $0 != 9 }) {
      throw .request("the field '\(field.name)' has a control character")
    }
    var buffer = ByteBuffer(string: text + "\r\n")
    var parser = HTTP1RequestParser(limits: HeadLimits())
    do {
      guard let head = try parser.parse(&buffer, isSecure: isSecure), buffer.readableBytes == 0
      else { throw ExplanationFault.request("the URL or a field has a line break") }
      return head
    } catch {
      if let fault = error as? ExplanationFault { throw fault }
      throw .request("\(error)")
    }
  }
}
