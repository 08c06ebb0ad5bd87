import HTTPMessage
import NIOCore

/// The lines that a fresh hit adds, but for the two numbers in them: Age, Cache-Status and X-Cache
/// as ``ProxyLoop/makeAddedLines(_:ageSeconds:head:route:)`` writes them. Made once: they were a
/// twentieth of a hit's instructions.
struct HitLines: Sendable {
  /// All fixed text: up to the age, up to the remaining lifetime, and the rest.
  private let text: [UInt8]
  private let ageOffset: Int
  private let lifetimeOffset: Int

  /// A number has at most 19 digits and a sign.
  private static var numberBytes: Int { 20 }

  /// - Parameter name: the edge's name.
  init(name: String) {
    let before = "Age: "
    let between = "\r\nCache-Status: \(name); hit; ttl="
    let after =
      "; detail=\(ResultReason.fresh.text)\r\nX-Cache: \(CacheResult.hit.text) from \(name)\r\n"
    text = Array((before + between + after).utf8)
    ageOffset = before.utf8.count
    lifetimeOffset = ageOffset + between.utf8.count
  }

  /// Appends the lines.
  func write(ageSeconds: Int64, remainingSeconds: Int64, into lines: inout ByteBuffer) {
    let bound = text.count + 2 * Self.numberBytes
    lines.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { space in
      text.withUnsafeBytes { text in
        var writer = HeadWriter(space: space)
        writer.write(UnsafeRawBufferPointer(rebasing: text[..<ageOffset]))
        writer.writeDecimal(Int(ageSeconds))
        writer.write(UnsafeRawBufferPointer(rebasing: text[ageOffset..<lifetimeOffset]))
        writer.writeDecimal(Int(remainingSeconds))
        writer.write(UnsafeRawBufferPointer(rebasing: text[lifetimeOffset...]))
        return writer.count
      }
    }
  }
}

extension RequestOutcome {
  /// Whether all there is to say of it is that it was a fresh hit, and for how long it stays one.
  @inline(__always)
  var isPlainHit: Bool {
    result == .hit && reason == .fresh && forward == nil && !isStored && !isCollapsed
  }
}
