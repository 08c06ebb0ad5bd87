import HTTPMessage
import NIOCore
import NIOEmbedded
import Testing

@testable import HTTPServer

/// How a loop looks after the deadlines of its connections, on a clock moved by hand.
@Suite struct LoopStateTests {
  private final class Member: LoopMember {
    var index: Int?
    var tickCount = 0
    var restsUntil = NIODeadline.distantPast
    /// What it does when it is looked at.
    var action: (Member) -> Void = { _ in }

    func resume() {}
    func tick() {
      tickCount += 1
      action(self)
    }
    func beginDrain() {}
    func cut() {}
  }

  private let loop = EmbeddedEventLoop()

  private func makeState(_ members: [Member]) -> LoopState<ScriptedResponder> {
    let state = LoopState(
      eventLoop: loop, responder: ScriptedResponder(), limits: ConnectionLimits(),
      statistics: ServerStatistics(), gate: ConnectionGate(limit: 10_000))
    for member in members { state.add(member) }
    state.start()
    return state
  }

  private func ticked(_ members: [Member]) -> Int { members.count { $0.tickCount > 0 } }

  @Test func manyConnectionsAreLookedAtInParts() {
    let part = LoopState<ScriptedResponder>.walkedTogether
    let members = (0..<(2 * part + 10)).map { _ in Member() }
    withExtendedLifetime(makeState(members)) {
      loop.advanceTime(by: LoopState<ScriptedResponder>.sweepInterval)
      #expect(ticked(members) == part)
      loop.advanceTime(by: .milliseconds(2))
      #expect(ticked(members) == 2 * part)
      loop.advanceTime(by: .milliseconds(2))
      #expect(members.allSatisfy { $0.tickCount == 1 })
      loop.advanceTime(by: LoopState<ScriptedResponder>.sweepInterval)
      #expect(members.allSatisfy { $0.tickCount == 2 })
    }
  }

  @Test func whoHasLeftMeanwhileIsNotLookedAt() {
    let part = LoopState<ScriptedResponder>.walkedTogether
    let members = (0..<(2 * part)).map { _ in Member() }
    let state = makeState(members)
    // The first takes its neighbour with it, and one of those that wait.
    members[0].action = { _ in
      state.remove(members[1])
      state.remove(members[part + 5])
    }
    loop.advanceTime(by: LoopState<ScriptedResponder>.sweepInterval + .milliseconds(2))
    #expect(members[1].tickCount == 0 && members[part + 5].tickCount == 0)
    #expect(ticked(members) == members.count - 2)
    members[0].action = { _ in }
  }

  @Test func aWalkThatTakesLongIsNotBegunAnewBeforeItsEnd() {
    let part = LoopState<ScriptedResponder>.walkedTogether
    // At 2 ms a part, more than fit between two sweeps.
    let members = (0..<(200 * part)).map { _ in Member() }
    withExtendedLifetime(makeState(members)) {
      loop.advanceTime(by: LoopState<ScriptedResponder>.sweepInterval)
      loop.advanceTime(by: .milliseconds(398))
      #expect(members.allSatisfy { $0.tickCount == 1 })
    }
  }

  @Test func whoRestsIsLookedAtWhenItsTimeHasCome() {
    let members = (0..<3).map { _ in Member() }
    let state = makeState(members)
    // The first says so only when it is looked at: it is busy until then.
    members[0].restsUntil = .uptimeNanoseconds(0) + .seconds(2)
    members[1].restsUntil = .uptimeNanoseconds(0) + .seconds(9)
    loop.advanceTime(by: .seconds(1))
    #expect(members.map(\.tickCount) == [1, 1, 4])
    loop.advanceTime(by: .milliseconds(750))
    #expect(members.map(\.tickCount) == [1, 1, 7])
    loop.advanceTime(by: .milliseconds(250))
    #expect(members.map(\.tickCount) == [2, 1, 8])
    // Something happened to the second: from now on it is busy.
    members[1].restsUntil = .distantPast
    state.look(at: members[1].index ?? -1, noLaterThan: members[1].restsUntil)
    loop.advanceTime(by: .milliseconds(500))
    #expect(members.map(\.tickCount) == [4, 3, 10])
  }

  @Test func aTimeGoesWithItsMemberWhenOthersLeave() {
    let members = (0..<3).map { _ in Member() }
    members[2].restsUntil = .uptimeNanoseconds(0) + .seconds(1)
    let state = makeState(members)
    loop.advanceTime(by: .milliseconds(250))
    state.remove(members[0])
    #expect(members[2].index == 0)
    loop.advanceTime(by: .milliseconds(500))
    #expect(members.map(\.tickCount) == [1, 3, 1])
    loop.advanceTime(by: .milliseconds(250))
    #expect(members.map(\.tickCount) == [1, 4, 2])
  }
}
