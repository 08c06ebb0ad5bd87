import CacheStore
import HTTPMessage
import NIOCore
import Synchronization
import Testing

@testable import EdgeProxy

@Suite struct FillTests {
  private func fill(window: Int = 100) -> Fill {
    Fill(
      hash: KeyHash(high: 1, low: 2), key: ByteBuffer(string: "http://a/"), fetchSequence: 1,
      revalidated: nil, windowBytes: window)
  }

  private final class Count: FillListener {
    let value = Atomic(0)
    func fillMayHaveProgressed() { value.wrappingAdd(1, ordering: .relaxed) }
  }

  private final class Listener: FillListener {
    func fillMayHaveProgressed() {}
  }

  @Test func everyReaderSeesEveryByteFromItsOwnPlace() {
    let fill = fill()
    let first = fill.addReader(Listener())
    fill.append(ByteBuffer(string: "hello "))
    let second = fill.addReader(Listener())
    fill.append(ByteBuffer(string: "world"))
    guard case .bytes(let bytes) = fill.read(first, at: 0) else {
      Issue.record("no bytes")
      return
    }
    #expect(String(buffer: bytes) == "hello ")
    guard case .bytes(let rest) = fill.read(second, at: 8) else {
      Issue.record("no bytes")
      return
    }
    #expect(String(buffer: rest) == "rld")
  }

  @Test func aBurstOfChunksWakesAReaderOnceUntilItReads() {
    let fill = fill()
    let count = Count()
    let reader = fill.addReader(count)
    for _ in 0..<5 { fill.append(ByteBuffer(string: "x")) }
    #expect(count.value.load(ordering: .relaxed) == 1)
    _ = fill.read(reader, at: 5)
    fill.append(ByteBuffer(string: "x"))
    #expect(count.value.load(ordering: .relaxed) == 2)
  }

  @Test func withoutASpoolOnlyWhatEveryReaderTookIsLetGo() {
    let fill = fill(window: 2)
    let fast = fill.addReader(Listener())
    let slow = fill.addReader(Listener())
    for _ in 0..<4 { fill.append(ByteBuffer(string: "abc")) }
    _ = fill.read(fast, at: 12)
    _ = fill.read(slow, at: 3)
    #expect(fill.trim() == 9)
    _ = fill.removeReader(slow)
    #expect(fill.trim() == 0)
  }

  @Test func theEndComesAfterTheLastByte() {
    let fill = fill()
    let reader = fill.addReader(Listener())
    fill.append(ByteBuffer(string: "abc"))
    fill.end(.whole(trailers: nil))
    guard case .bytes = fill.read(reader, at: 2) else {
      Issue.record("no bytes")
      return
    }
    guard case .end(.whole) = fill.read(reader, at: 3) else {
      Issue.record("no end")
      return
    }
  }

  @Test func aDoomedFillIsOffTheListAndItsSuccessorStays() {
    let registry = FillRegistry(uncacheableLimit: 64)
    let (first, isLeader) = registry.join(
      KeyHash(high: 1, low: 2), isUsable: { _ in true }, make: { fill() })
    #expect(isLeader)
    #expect(registry.join(first.hash, isUsable: { _ in true }, make: { fill() }).fill === first)
    registry.doom(first.hash)
    #expect(first.isDoomed)
    let (second, leadsAgain) = registry.join(
      first.hash, isUsable: { _ in true }, make: { fill() })
    #expect(leadsAgain && second !== first)
    registry.remove(first)
    #expect(registry.contains(second.hash))
  }

  @Test func anUncacheableKeyIsForgottenWhenItsTimeIsOver() {
    let registry = FillRegistry(uncacheableLimit: 64)
    let hash = KeyHash(high: 7, low: 7)
    registry.markUncacheable(hash, untilSeconds: 10)
    #expect(registry.isUncacheable(hash, nowSeconds: 9))
    #expect(!registry.isUncacheable(hash, nowSeconds: 10))
    #expect(!registry.isUncacheable(hash, nowSeconds: 9))
  }
}
