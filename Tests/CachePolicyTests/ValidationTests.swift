import HTTPMessage
import Testing

@testable import CachePolicy

/// RFC 9111 section 4.3.4: which stored response a 304 speaks of.
@Suite struct SelectionTests {
  private func selects(_ stored: [(String, String)], _ update: [(String, String)]) -> Bool {
    StorePolicy.selects(stored: makeFields(stored), notModified: makeResponse(304, update))
  }

  private let early = ("Last-Modified", httpDate(receipt - 100))
  private let late = ("Last-Modified", httpDate(receipt - 50))

  @Test func aStrongTagMustBeTheStoredOne() {
    #expect(selects([("ETag", "\"a\"")], [("ETag", "\"a\"")]))
    #expect(!selects([("ETag", "\"a\"")], [("ETag", "\"b\"")]))
    #expect(!selects([("ETag", "\"a\"")], [("ETag", "\"A\"")]))
    #expect(!selects([early], [("ETag", "\"a\"")]))
    // The tag counts and not the date.
    #expect(!selects([("ETag", "\"a\""), early], [("ETag", "\"b\""), early]))
    #expect(selects([("ETag", "\"a\""), early], [("ETag", "\"a\""), late]))
  }

  @Test func aWeakTagMustNameTheSame() {
    #expect(selects([("ETag", "W/\"a\"")], [("ETag", "W/\"a\"")]))
    #expect(!selects([("ETag", "W/\"a\"")], [("ETag", "W/\"b\"")]))
    #expect(selects([("ETag", "W/\"a\"")], [("ETag", "\"a\"")]))
    #expect(selects([("ETag", "\"a\"")], [("ETag", "W/\"a\"")]))
  }

  @Test func withoutATagTheDatesCount() {
    #expect(selects([early], [early]))
    #expect(!selects([early], [late]))
    #expect(!selects([("ETag", "\"a\"")], [late]))
    let forms = [
      "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
      "Sun Nov  6 08:49:37 1994",
    ]
    for form in forms {
      #expect(selects([("Last-Modified", forms[0])], [("Last-Modified", form)]))
    }
    #expect(selects([("Last-Modified", "x")], [("Last-Modified", "x")]))
  }

  @Test func a304WithoutValidatorsSpeaksOfTheOneItWasAskedFor() {
    for stored in [[], [early], [("ETag", "\"a\"")]] { #expect(selects(stored, [("X", "1")])) }
  }

  @Test func anOriginThatSendsTheSameAgainIsToldByItsValidators() {
    func isUnchanged(_ stored: [(String, String)], _ update: [(String, String)]) -> Bool {
      StorePolicy.isUnchanged(stored: makeFields(stored), response: makeResponse(200, update))
    }
    #expect(isUnchanged([("ETag", "\"a\"")], [("ETag", "\"a\"")]))
    #expect(!isUnchanged([("ETag", "\"a\"")], [("ETag", "\"b\"")]))
    #expect(isUnchanged([early], [early]))
    #expect(!isUnchanged([early], [late]))
    #expect(!isUnchanged([early], []))
    #expect(!isUnchanged([], []))
  }
}

/// RFC 9111 section 4.3.5.
@Suite struct HeadUpdateTests {
  private let stored = [("ETag", "\"a\""), ("Last-Modified", httpDate(receipt - 100))]

  private func update(
    _ fields: [(String, String)], status: Int = 200, storedStatus: Int = 200, length: Int? = 10
  ) -> HeadUpdate {
    StorePolicy.headUpdates(
      stored: makeFields(stored), storedStatus: storedStatus, storedLength: length,
      response: makeResponse(status, fields))
  }

  @Test func sameValidatorsAndLengthFreshen() {
    #expect(update(stored + [("Content-Length", "10")]) == .freshen)
    #expect(update(stored) == .freshen)
    #expect(update([stored[0]]) == .freshen)
    #expect(update([]) == .freshen)
    #expect(update([("Content-Length", "10")]) == .freshen)
  }

  @Test func anyOtherValidatorOrLengthInvalidates() {
    #expect(update([("ETag", "\"b\""), stored[1]]) == .invalidate)
    #expect(update([("ETag", "W/\"a\""), stored[1]]) == .invalidate)
    #expect(update([stored[0], ("Last-Modified", httpDate(receipt))]) == .invalidate)
    #expect(update(stored + [("Content-Length", "11")]) == .invalidate)
    #expect(update(stored + [("Content-Length", "0")]) == .invalidate)
    #expect(update([], storedStatus: 404) == .invalidate)
    let bare = StorePolicy.headUpdates(
      stored: FieldBlock(), storedLength: 10, response: makeResponse(200, stored))
    #expect(bare == .invalidate)
  }

  @Test func anUnknownStoredLengthIsNotCompared() {
    #expect(update([("Content-Length", "11")], length: nil) == .freshen)
  }

  @Test(arguments: [204, 206, 304, 404, 500]) func onlyA200SaysAnything(status: Int) {
    #expect(update([("ETag", "\"b\"")], status: status) == .none)
  }
}
