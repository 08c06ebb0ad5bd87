import Foundation
import TestSupport
import Testing

/// What a user sees with curl, against the fixture origin.
@Suite struct WhatCurlShowsTests {
  @Test func aMissIsFollowedByAHitWithAgeViaCacheStatusAndXCache() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port)
    let miss = try edge.get("/images/a.png")
    #expect(miss.status == 200)
    #expect(miss.header("X-Cache") == "Miss from edge")
    #expect(miss.header("Cache-Status")?.hasPrefix("edge; fwd=uri-miss; fwd-status=200") == true)
    #expect(miss.header("Cache-Status")?.contains("; stored") == true)
    #expect(miss.header("Via") == "1.1 edge")
    let hit = try edge.get("/images/a.png")
    #expect(hit.header("X-Cache") == "Hit from edge")
    #expect(hit.header("Cache-Status")?.hasPrefix("edge; hit; ttl=") == true)
    #expect(hit.header("Age").flatMap { Int($0) } != nil)
    #expect(hit.body == miss.body)
    #expect(hit.header("Date") == miss.header("Date"))
    #expect(try origin.hits("/images/a.png") == 1)
  }

  @Test func theCacheKeyShowsOnRequest() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port)
    let plain = try edge.get("/images/a.png?x=1")
    #expect(plain.header("Cache-Status")?.contains("key=") == false)
    let debug = try edge.get("/images/a.png?x=1", "-H", "Edge-Debug: 1")
    #expect(
      debug.header("Cache-Status")?.contains(
        "; key=\"http://127.0.0.1:\(edge.port)/images/a.png?x=1\"") == true)
  }

  @Test func conditionalRequestsAreAnsweredFromTheStore() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port)
    let first = try edge.get("/images/a.png")
    let tag = try #require(first.header("ETag"))
    let same = try edge.get("/images/a.png", "-H", "If-None-Match: \(tag)")
    #expect(same.status == 304)
    #expect(same.body.isEmpty)
    #expect(same.header("ETag") == tag)
    #expect(same.header("X-Cache") == "Hit from edge")
    #expect(try edge.get("/images/a.png", "-H", "If-None-Match: \"other\"").status == 200)
    #expect(try edge.get("/images/a.png", "-H", "If-Match: \"other\"").status == 412)
    #expect(try origin.hits("/images/a.png") == 1)
  }

  @Test func rangesAreCutFromTheStoredObject() throws {
    let origin = try ScriptedOrigin.constant("0123456789")
    let edge = try Edge(originPort: origin.port)
    // The first answer comes through the fill, the second from the store.
    for result in ["Miss from edge", "Hit from edge"] {
      let part = try edge.get("/digits", "-r", "2-4")
      #expect(part.status == 206)
      #expect(part.body == "234")
      #expect(part.header("Content-Range") == "bytes 2-4/10")
      #expect(part.header("X-Cache") == result)
    }
    #expect(try edge.get("/digits", "-r", "-3").body == "789")
    let beyond = try edge.get("/digits", "-r", "10-")
    #expect(beyond.status == 416)
    #expect(beyond.header("Content-Range") == "bytes */10")
    let several = try edge.get("/digits", "-r", "0-1,8-9")
    #expect(several.status == 206)
    let type = try #require(several.header("Content-Type"))
    #expect(type.hasPrefix("multipart/byteranges; boundary="))
    #expect(several.body.contains("Content-Range: bytes 0-1/10\r\n\r\n01\r\n--"))
    #expect(several.body.contains("Content-Range: bytes 8-9/10\r\n\r\n89\r\n--"))
    #expect(several.header("Content-Length") == "\(several.body.utf8.count)")
    #expect(origin.requestLines.count == 1)
  }

  @Test func headIsAnsweredWithoutContentAndFillsTheCache() throws {
    let origin = try ScriptedOrigin.constant("0123456789")
    let edge = try Edge(originPort: origin.port)
    for _ in 0..<2 {
      let head = try edge.get("/digits", "-I")
      #expect(head.status == 200)
      #expect(head.header("Content-Length") == "10")
      #expect(head.body.isEmpty || head.body.hasPrefix("HTTP/"))
    }
    #expect(try edge.get("/digits").header("X-Cache") == "Hit from edge")
    #expect(origin.requestLines == ["GET /digits HTTP/1.1"])
  }

  @Test func privateAndNoStoreResponsesAreNotStored() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port)
    for _ in 0..<2 {
      let answer = try edge.get("/private/account")
      #expect(answer.status == 200)
      #expect(answer.header("Set-Cookie") != nil)
      #expect(answer.header("X-Cache") != "Hit from edge")
    }
    #expect(try origin.hits("/private/account") == 2)
  }

  @Test func variantsAreKeptApart() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port)
    let url = "/products?vary=Accept-Language&cache-control=max-age=60"
    for result in ["Miss from edge", "Hit from edge"] {
      for language in ["de", "fr"] {
        let answer = try edge.get(url, "-H", "Accept-Language: \(language)")
        #expect(answer.header("X-Cache") == result, "\(language)")
      }
    }
    #expect(try origin.hits("/products") == 2)
  }

  @Test func aStaleObjectIsRevalidatedAndShownAsRefreshHit() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port)
    let url = "/products/2?cache-control=no-cache"
    #expect(try edge.get(url).header("X-Cache") == "Miss from edge")
    let second = try edge.get(url)
    #expect(second.status == 200)
    #expect(second.header("X-Cache") == "RefreshHit from edge")
    #expect(second.header("Cache-Status")?.contains("fwd=stale; fwd-status=304") == true)
  }

  @Test func anUnsafeMethodInvalidatesItsTarget() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port)
    #expect(try edge.get("/products/13").header("X-Cache") == "Miss from edge")
    #expect(try edge.get("/products/13").header("X-Cache") == "Hit from edge")
    let change = try edge.get(
      "/products/13", "-X", "PUT", "-H", "Content-Type: application/json", "-d",
      "{\"name\":\"new\"}")
    #expect((200..<300).contains(change.status))
    #expect(change.header("X-Cache") == "Pass from edge")
    let after = try edge.get("/products/13")
    #expect(after.header("X-Cache") == "Miss from edge")
    #expect(after.body.contains("new"))
  }

  @Test func failuresOfTheOriginAreProblemDocumentsWithAReason() throws {
    let edge = try Edge(originPort: try freePort())
    let answer = try edge.get("/")
    #expect(answer.status == 502)
    #expect(answer.header("Content-Type") == "application/problem+json")
    #expect(answer.header("Cache-Status")?.contains("detail=origin-failed") == true)
    #expect(answer.header("X-Cache") == "Error from edge")
    #expect(answer.body.contains("\"status\":502"))
  }

  @Test func aSlowOriginIsA504() throws {
    let origin = try ScriptedOrigin { _, connection in
      _ = connection.receive()
      return false
    }
    let edge = try Edge(originPort: origin.port, origin: "    first_byte_timeout: 200 ms")
    let answer = try edge.get("/")
    #expect(answer.status == 504)
    #expect(answer.header("Cache-Status")?.contains("detail=origin-timeout") == true)
  }

  @Test func staleIsServedWhenTheOriginFailsIfItMay() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port)
    let lasting = "/images/a.png?cache-control=max-age=0,stale-if-error=600"
    let strict = "/images/b.png?cache-control=max-age=0,must-revalidate"
    #expect(try edge.get(lasting).status == 200)
    #expect(try edge.get(strict).status == 200)
    origin.stop()
    let stale = try edge.get(lasting)
    #expect(stale.status == 200)
    #expect(stale.header("X-Cache") == "StaleHit from edge")
    #expect(stale.header("Cache-Status")?.contains("detail=stale-if-error") == true)
    #expect(try edge.get(strict).status == 502)
  }

  @Test func staleWhileRevalidateServesAtOnceAndRefreshesOnce() throws {
    let origin = try FixtureOrigin()
    let edge = try Edge(originPort: origin.port)
    let url = "/images/a.png?cache-control=max-age=0,stale-while-revalidate=600"
    #expect(try edge.get(url).header("X-Cache") == "Miss from edge")
    #expect(try edge.get(url).header("X-Cache") == "StaleHit from edge")
    #expect(try eventually { try origin.hits("/images/a.png") == 2 })
  }

  @Test func theAccessLogHasOneLineARequestWithTheReason() throws {
    let origin = try ScriptedOrigin.constant("x")
    // One loop: each loop hands its lines over by itself.
    let edge = try Edge(originPort: origin.port, threads: 1)
    _ = try edge.get("/a?b=1")
    _ = try edge.get("/a?b=1")
    #expect(eventually { edge.accessLog().count == 2 })
    let lines = try edge.accessLog().map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(lines.map { $0["cache"] as? String } == ["Miss", "Hit"])
    #expect(lines.map { $0["reason"] as? String } == ["not-stored-yet", "fresh"])
    #expect(lines.allSatisfy { $0["target"] as? String == "/a?b=1" && $0["status"] as? Int == 200 })
  }
}
