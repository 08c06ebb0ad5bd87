import HTTPMessage
import Testing

@testable import EdgeProxy

@Suite struct RequestStateMachineTests {
  private func looking(onlyIfCached: Bool = false) -> RequestStateMachine {
    var machine = RequestStateMachine(isOnlyIfCached: onlyIfCached)
    #expect(machine.handle(.received(pass: nil)) == .lookUp)
    return machine
  }

  @Test func aFreshObjectIsDelivered() {
    var machine = looking()
    #expect(machine.handle(.lookedUp(.fresh)) == .deliverStored)
    #expect(machine.outcome.result == .hit)
    #expect(machine.outcome.reason == .fresh)
    #expect(machine.handle(.ended) == .finish)
    #expect(machine.phase == .finished)
  }

  @Test func anObjectOnDiskIsLoadedAndThenDelivered() {
    var machine = looking()
    #expect(machine.handle(.lookedUp(.onDisk)) == .load)
    #expect(machine.handle(.lookedUp(.fresh)) == .deliverStored)
    #expect(machine.outcome.reason == .freshOnDisk)
  }

  @Test func anObjectThatTheDiskCannotBringIsAMiss() {
    var machine = looking()
    _ = machine.handle(.lookedUp(.onDisk))
    #expect(machine.handle(.loadFailed) == .fetch(revalidates: false))
    #expect(machine.outcome.reason == .brokenOnDisk)
  }

  @Test func aMissIsFetchedAndDelivered() {
    var machine = looking()
    #expect(machine.handle(.lookedUp(.absent)) == .fetch(revalidates: false))
    #expect(machine.phase == .awaitingFill)
    #expect(machine.handle(.fillAnswered(.answers(status: 200, refusal: nil))) == .deliverFill)
    #expect(machine.outcome.result == .miss)
    #expect(machine.outcome.reason == .absent)
    #expect(machine.outcome.isStored)
  }

  @Test func aFollowerOfAStoredFillIsCollapsed() {
    var machine = looking()
    _ = machine.handle(.lookedUp(.absent))
    machine.joined(asFollower: true)
    _ = machine.handle(.fillAnswered(.answers(status: 200, refusal: nil)))
    #expect(machine.outcome.isCollapsed)
    #expect(machine.outcome.reason == .coalesced)
  }

  @Test func aFollowerOfAnUnstorableFillPasses() {
    var machine = looking()
    _ = machine.handle(.lookedUp(.absent))
    machine.joined(asFollower: true)
    #expect(machine.handle(.fillAnswered(.notShareable(.isPrivate))) == .pass)
    #expect(machine.outcome.result == .pass)
    #expect(machine.outcome.reason == .isPrivate)
    #expect(!machine.outcome.isCollapsed)
  }

  @Test func aFollowerOfAnotherVariantLooksUpAgain() {
    var machine = looking()
    _ = machine.handle(.lookedUp(.absent))
    machine.joined(asFollower: true)
    #expect(machine.handle(.fillAnswered(.otherVariant)) == .lookUp)
    #expect(machine.handle(.lookedUp(.variantAbsent)) == .fetch(revalidates: false))
    #expect(machine.outcome.forward == .varyMiss)
  }

  @Test func aConfirmedObjectIsARefreshHit() {
    var machine = looking()
    #expect(machine.handle(.lookedUp(.mustRevalidate(.stale))) == .fetch(revalidates: true))
    #expect(machine.handle(.fillAnswered(.confirmed)) == .deliverStored)
    #expect(machine.outcome.result == .refreshHit)
    #expect(machine.outcome.forwardStatus == 304)
  }

  @Test func staleIsServedWhileItIsRevalidated() {
    var machine = looking()
    #expect(machine.handle(.lookedUp(.staleWhileRevalidate)) == .deliverStoredAndRefresh)
    #expect(machine.outcome.result == .staleHit)
  }

  @Test func aFailureServesStaleOnlyIfItMay() {
    for mayServeStale in [true, false] {
      var machine = looking()
      _ = machine.handle(.lookedUp(.mustRevalidate(.stale)))
      let action = machine.handle(.fillFailed(.refused, mayServeStale: mayServeStale))
      #expect(action == (mayServeStale ? .deliverStored : .refuse(status: 502)))
      #expect(machine.outcome.result == (mayServeStale ? .staleHit : .error))
    }
  }

  @Test(arguments: [
    (OriginFailure.Kind.refused, 502, ResultReason.originFailed),
    (.firstByteTimeout, 504, .originTimedOut), (.queueFull, 503, .originBusy),
    (.shutdown, 503, .shutdown),
  ])
  func failuresHaveTheirStatusAndReason(
    _ kind: OriginFailure.Kind, _ status: Int, _ reason: ResultReason
  ) {
    var machine = looking()
    _ = machine.handle(.lookedUp(.absent))
    #expect(machine.handle(.fillFailed(kind, mayServeStale: false)) == .refuse(status: status))
    #expect(machine.outcome.reason == reason)
  }

  @Test(arguments: [
    RequestStateMachine.LookupVerdict.absent, .variantAbsent, .mustRevalidate(.stale),
    .knownUncacheable,
  ])
  func onlyIfCachedNeverGoesForward(_ verdict: RequestStateMachine.LookupVerdict) {
    var machine = looking(onlyIfCached: true)
    #expect(machine.handle(.lookedUp(verdict)) == .refuse(status: 504))
    #expect(machine.outcome.reason == .onlyIfCached)
  }

  @Test func onlyIfCachedIsServedWhatIsFresh() {
    var machine = looking(onlyIfCached: true)
    #expect(machine.handle(.lookedUp(.fresh)) == .deliverStored)
  }

  @Test func aPassedRequestNamesItsReason() {
    var machine = RequestStateMachine(isOnlyIfCached: false)
    #expect(machine.handle(.received(pass: .methodNotCached)) == .pass)
    #expect(machine.outcome.forward == .method)
    var other = RequestStateMachine(isOnlyIfCached: false)
    #expect(other.handle(.received(pass: .routeNotCached)) == .pass)
    #expect(other.outcome.forward == .bypass)
  }

  @Test func everyReasonHasItsOwnWords() {
    let texts = ResultReason.allCases.map(\.text.description)
    #expect(Set(texts).count == ResultReason.allCases.count)
    // They stand as tokens in Cache-Status (RFC 9651 section 3.3.4).
    for text in texts { #expect(text.allSatisfy { $0.isLetter || $0 == "-" }, "\(text)") }
  }
}
