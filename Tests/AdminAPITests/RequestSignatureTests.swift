import Testing

@testable import AdminAPI

/// AWS Signature Version 4. The signatures were made by another implementation (Python's hmac after
/// AWS's description); the AWS CLI itself signs in EndToEndTests.
@Suite struct RequestSignatureTests {
  private static let signedAt: Int64 = 1_795_827_900
  private static let signature =
    "24a3b3a5e74bffed44717e2cc29668feb042045ca8cc00f8b8d94cbd89262eca"
  private static let content = Array("<InvalidationBatch/>".utf8)

  private func request(
    signature: String = Self.signature, key: String = "key",
    signed: String = "content-type;host;x-amz-date", service: String = "cloudfront",
    fields: [String: String] = [:], content: [UInt8] = Self.content,
    path: String = "/2020-05-31/distribution/E1/invalidation", query: String = "",
    method: String = "POST"
  ) -> SignedRequest {
    let authorization =
      "AWS4-HMAC-SHA256 Credential=\(key)/20261128/us-east-1/\(service)/aws4_request, "
      + "SignedHeaders=\(signed), Signature=\(signature)"
    let all = [
      "authorization": authorization, "host": "127.0.0.1:8081", "x-amz-date": "20261128T010500Z",
      "content-type": " a   b ",
    ].merging(fields) { $1 }
    return SignedRequest(
      method: method, path: path, query: query, field: { all[$0] }, content: content)
  }

  private func refusal(_ request: SignedRequest, after seconds: Int64 = 0) -> String? {
    let verifier = SignatureVerifier(keys: [.init(id: "key", secret: "s3cret")])
    do throws(SignatureVerifier.Refusal) {
      #expect(try verifier.verify(request, nowSeconds: Self.signedAt + seconds) == "key")
      return nil
    } catch {
      return error.message
    }
  }

  @Test func aRightSignatureIsBelieved() {
    #expect(refusal(request()) == nil)
    #expect(
      refusal(
        request(
          signature: "6561cd451eaf464b712614c3943cdc1803a079f38f51a0cfd013c7868615100f",
          signed: "host;x-amz-date", content: [],
          path: "/2020-05-31/distribution/E1/invalidation/a%20b",
          query: "MaxItems=2&Marker=I/1", method: "GET")) == nil)
  }

  @Test func whateverIsSignedMustBeAsItWas() {
    let expected = "The signature is not that of a key"
    for changed in [
      request(signature: String(Self.signature.dropLast()) + "b"),
      request(signature: "00"), request(key: "other"), request(fields: ["host": "edge:8081"]),
      request(fields: ["content-type": "a"]), request(content: Self.content + [0x20]),
      request(path: "/2020-05-31/distribution/E2/invalidation"), request(query: "a=b"),
      request(method: "PUT"),
    ] {
      #expect(refusal(changed)?.hasPrefix(expected) == true)
    }
  }

  @Test func theClockMayBeFiveMinutesOff() {
    #expect(refusal(request(), after: 300) == nil)
    #expect(refusal(request(), after: -300) == nil)
    #expect(refusal(request(), after: 301)?.contains("clock") == true)
    #expect(refusal(request(), after: -301)?.contains("clock") == true)
  }

  @Test func whatIsNotSignedIsRefused() {
    let verifier = SignatureVerifier(keys: [.init(id: "key", secret: "s3cret")])
    let unsigned = SignedRequest(
      method: "GET", path: "/", query: "", field: { _ in nil }, content: [])
    #expect(throws: SignatureVerifier.Refusal.self) {
      try verifier.verify(unsigned, nowSeconds: Self.signedAt)
    }
    #expect(refusal(request(signed: "content-type;host"))?.contains("X-Amz-Date") == true)
    #expect(refusal(request(signed: "x-amz-date"))?.contains("Host") == true)
    #expect(refusal(request(signed: "host;x-amz-date;x-missing"))?.contains("missing") == true)
    #expect(refusal(request(service: "s3"))?.contains("scope") == true)
    #expect(
      refusal(request(fields: ["x-amz-date": "20261127T235900Z"]))?.contains("X-Amz-Date") == true)
    #expect(refusal(request(fields: ["x-amz-date": "yesterday"]))?.contains("X-Amz-Date") == true)
    #expect(
      refusal(request(fields: ["x-amz-content-sha256": "UNSIGNED-PAYLOAD"]))?
        .contains("hash of the content") == true)
    #expect(
      refusal(
        request(fields: [
          "x-amz-content-sha256":
            "b2c2b157b8be4a8484ed7c5cc9c0983a425366fd72a55dfbd07beff259cd1171"
        ])) == nil)
    #expect(refusal(request(fields: ["authorization": "AWS4-HMAC-SHA256 x"])) != nil)
  }

  @Test(arguments: [
    ("19700101T000000Z", Int64(0)), ("20240229T235959Z", 1_709_251_199),
    ("20000301T000000Z", 951_868_800),
  ])
  func timesAreRead(_ text: String, _ seconds: Int64) {
    #expect(AmazonTime(text)?.seconds == seconds)
    #expect(
      UTCText.of(seconds * 1000 + 7).filter { !"-:.".contains($0) }
        == text.dropLast() + "007Z")
  }

  @Test(arguments: ["", "20261128", "20261328T010500Z", "20261128T250500Z", "2026112810105000Z"])
  func otherTimesAreNone(_ text: String) {
    #expect(AmazonTime(text) == nil)
  }
}
