import Testing

@testable import OriginClient

struct ServerSelectionTests {
  @Test func serversTakeTurns() {
    let selection = ServerSelection(count: 3)
    let order = (0..<6).map { _ in selection.select(now: 1, tried: 0) }
    #expect(order == [0, 1, 2, 0, 1, 2])
  }

  @Test func failedServerIsLeftAloneUntilItsPenaltyEnds() {
    let selection = ServerSelection(count: 2)
    selection.connectionFailed(server: 0, now: 100)
    let end = 100 + ServerSelection.penaltyNanoseconds
    for _ in 0..<4 { #expect(selection.select(now: end - 1, tried: 0) == 1) }
    #expect(Set((0..<2).map { _ in selection.select(now: end, tried: 0) }) == [0, 1])
  }

  @Test func standingConnectionEndsThePenalty() {
    let selection = ServerSelection(count: 2)
    selection.connectionFailed(server: 0, now: 100)
    selection.connectionStands(server: 0)
    #expect(Set((0..<2).map { _ in selection.select(now: 101, tried: 0) }) == [0, 1])
  }

  @Test func triedServersAreNotChosenAgain() {
    let selection = ServerSelection(count: 2)
    #expect(selection.select(now: 1, tried: 0b01) == 1)
    #expect(selection.select(now: 1, tried: 0b11) == nil)
    #expect(ServerSelection(count: 1).select(now: 1, tried: 1) == nil)
  }

  @Test func allFailedServersAreTriedRatherThanNone() {
    let selection = ServerSelection(count: 2)
    selection.connectionFailed(server: 0, now: 100)
    selection.connectionFailed(server: 1, now: 100)
    #expect(selection.select(now: 101, tried: 0) != nil)
  }
}
