import Foundation
import Synchronization
import Testing

/// Fills: one fetch for many, cut short, invalidated on the way.
@Suite struct CoalescingTests {
  @Test func aHundredConcurrentMissesMakeOneRequestAndSeeBytesAsTheyArrive() throws {
    let clients = 100
    let mayEnd = DispatchSemaphore(value: 0)
    let origin = try ScriptedOrigin { _, connection in
      connection.send(
        "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\nfirst")
      mayEnd.wait()
      connection.send("other")
      return true
    }
    let edge = try Edge(originPort: origin.port)
    let sockets = try (0..<clients).map { _ in try RawSocket(port: edge.port) }
    for socket in sockets { socket.send("GET /one HTTP/1.1\r\nHost: a\r\n\r\n") }
    // Every client has the first half while the origin still holds the second back.
    for socket in sockets { #expect(socket.receive(until: "first").contains("first")) }
    mayEnd.signal()
    for socket in sockets { #expect(socket.receive(until: "other").hasSuffix("other")) }
    #expect(origin.requestLines == ["GET /one HTTP/1.1"])
    #expect(try edge.get("/one", "-H", "Host: a").header("X-Cache") == "Hit from edge")
  }

  @Test(arguments: [
    "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 100\r\n\r\nhalf",
    "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n"
      + "4\r\nhalf\r\n",
  ])
  func anOriginThatDiesMidBodyIsNeverStoredAndNeverLooksComplete(_ begin: String) throws {
    let origin = try ScriptedOrigin { _, connection in
      connection.send(begin)
      return false
    }
    let edge = try Edge(originPort: origin.port)
    for request in 1...2 {
      let answer = try edge.get("/dying")
      #expect(answer.exit == 18, "curl must see a partial transfer")
      #expect(answer.header("X-Cache") == "Miss from edge")
      #expect(origin.requestLines.count == request)
    }
  }

  @Test func aPurgeDuringAFillKeepsItFromBeingServedAfterwards() throws {
    let mayEnd = DispatchSemaphore(value: 0)
    let version = Mutex(0)
    let origin = try ScriptedOrigin { _, connection in
      let number = version.withLock { value in
        value += 1
        return value
      }
      connection.send(
        "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\nhead\(number)")
      if number == 1 { mayEnd.wait() }
      connection.send("tail\(number)")
      return true
    }
    let edge = try Edge(originPort: origin.port)
    for pattern in ["/*"] {
      let client = try RawSocket(port: edge.port)
      client.send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n")
      _ = client.receive(until: "head1")
      #expect(try edge.invalidate(pattern).status == 201)
      // A request after the invalidation must not join the fetch that began before it.
      let after = try edge.get("/page", "-H", "Host: a")
      #expect(after.body == "head2tail2")
      mayEnd.signal()
      #expect(client.receive(until: "tail1").hasSuffix("tail1"))
      let last = try edge.get("/page", "-H", "Host: a")
      #expect(last.body == "head2tail2")
      #expect(last.header("X-Cache") == "Hit from edge")
    }
  }

  @Test func anUnstorableResponseServesOnlyTheRequestThatFetchedIt() throws {
    let count = Mutex(0)
    let origin = try ScriptedOrigin { _, connection in
      let number = count.withLock { value in
        value += 1
        return value
      }
      connection.send(
        "HTTP/1.1 200 OK\r\nCache-Control: private\r\nContent-Length: 1\r\n\r\n\(number % 10)")
      return true
    }
    let edge = try Edge(originPort: origin.port)
    let sockets = try (0..<20).map { _ in try RawSocket(port: edge.port) }
    for socket in sockets {
      socket.send("GET /mine HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    }
    for socket in sockets { #expect(socket.receiveAll().hasPrefix("HTTP/1.1 200 ")) }
    #expect(count.withLock { $0 } == 20)
  }
}
