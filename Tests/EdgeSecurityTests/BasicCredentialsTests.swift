import Testing

@testable import EdgeSecurity

struct BasicCredentialsTests {
  @Test(arguments: [
    // The example of RFC 7617 section 2, and its UTF-8 one.
    ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"),
    ("Basic dGVzdDoxMjPCow==", "test", "123£"),
    ("bAsIc   QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"),
    ("Basic YTpiOmM=", "a", "b:c"), ("Basic Og==", "", ""),
  ])
  func wellFormedCredentialsAreRead(value: String, user: String, password: String) throws {
    let credentials = try #require(BasicCredentials(authorization: value))
    #expect(credentials.user == user)
    #expect(credentials.password == password)
  }

  @Test(arguments: [
    "", "Basic", "Basic ", "BasicQWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Bearer QTpC", "Basic QWxhZGRpbg==",
    "Basic YTpi!A==", "Basic YTpi=", "Basic YTpiYQ", "Basic Y=pi", "Basic ====", "Basic YTpiYR==",
    "Basic YTr/", "Basic YToK", "Basic YTpi YTpi", "Basic YTpi\u{0}AAA", "Digest YTpi",
  ])
  func anythingElseIsNoCredentials(value: String) {
    #expect(BasicCredentials(authorization: value) == nil)
  }

  @Test func overlongValuesAreNotRead() {
    let long = "Basic " + String(repeating: "QUFB", count: 1_100)
    #expect(BasicCredentials(authorization: long) == nil)
  }

  @Test func noTextualFormShowsThePassword() throws {
    let credentials = BasicCredentials(user: "admin", password: "hunter2")
    var dumped = ""
    dump(credentials, to: &dumped)
    let texts = ["\(credentials)", String(reflecting: credentials), dumped, "\([credentials])"]
    for text in texts {
      #expect(!text.contains("hunter2"))
      #expect(text.contains("admin"))
    }
  }

  @Test func base64RoundTripsAgainstItsDefinition() {
    #expect(Base64.decode(Array("Zm9vYmFy".utf8)) == Array("foobar".utf8))
    #expect(Base64.decode(Array("Zm9vYmE=".utf8)) == Array("fooba".utf8))
    #expect(Base64.decode(Array("Zm9vYg==".utf8)) == Array("foob".utf8))
    #expect(Base64.decode(Array("+/+/".utf8)) == [0xFB, 0xFF, 0xBF])
    #expect(Base64.decode([]) == [])
  }
}
