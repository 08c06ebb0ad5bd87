import ArgumentParser

/// A recorded sequence of requests over a set of objects.
struct Trace: Sendable {
  /// One thing that the trace asks for.
  struct Object: Sendable {
    /// The request target, percent-encoded, beginning with `/`.
    let path: String
    /// The size of its body.
    var sizeBytes: Int
  }

  /// The objects in the order of their first request.
  private(set) var objects: [Object] = []
  /// Indices into `objects`, in the order of the trace.
  private(set) var requests: [UInt32] = []
  private var indexByPath: [String: UInt32] = [:]

  /// The most requests that are read; further ones make the trace invalid.
  static let requestLimit = 100_000_000

  /// The sum of all objects' sizes: what a cache that holds everything needs for bodies.
  var footprintBytes: Int { objects.reduce(0) { $0 + $1.sizeBytes } }

  /// Appends one request. An object's size is the largest that the trace names for it.
  mutating func append(path: String, sizeBytes: Int) throws(TraceError) {
    guard requests.count < Self.requestLimit else { throw .tooManyRequests(Self.requestLimit) }
    if let index = indexByPath[path] {
      let object = Int(index)
      objects[object].sizeBytes = max(objects[object].sizeBytes, sizeBytes)
      requests.append(index)
      return
    }
    let index = UInt32(objects.count)
    objects.append(Object(path: path, sizeBytes: sizeBytes))
    indexByPath[path] = index
    requests.append(index)
  }

  /// Keeps the first `count` requests.
  mutating func limit(to count: Int) {
    if count < requests.count { requests.removeSubrange(count...) }
  }
}

/// The forms a trace file comes in. Both may be packed with xz.
enum TraceFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
  /// Told from the content: a header line of tab-separated names is `nasa`, all else `cache2k`.
  case auto
  /// Tab-separated lines with the columns method, url, response and bytes, named in the first line.
  case nasa
  /// One big-endian 32-bit key a request, without sizes.
  case cache2k
}

/// Why a trace could not be used.
enum TraceError: Error, Equatable, CustomStringConvertible {
  case unreadable(path: String, reason: String)
  case unpackFailed(path: String, reason: String)
  case tooLarge(path: String, limitBytes: Int)
  case tooManyRequests(Int)
  case missingColumn(String)
  case malformedLine(Int)
  case partialKey(sizeBytes: Int)
  case empty

  var description: String {
    switch self {
    case .unreadable(let path, let reason): "cannot read \(path): \(reason)"
    case .unpackFailed(let path, let reason): "cannot unpack \(path): \(reason)"
    case .tooLarge(let path, let limit): "\(path) holds more than \(limit) bytes"
    case .tooManyRequests(let limit): "the trace has more than \(limit) requests"
    case .missingColumn(let name): "the trace's first line names no column \"\(name)\""
    case .malformedLine(let line): "line \(line) of the trace has too few columns"
    case .partialKey(let size): "\(size) bytes are not a whole number of 4-byte keys"
    case .empty: "the trace has no requests"
    }
  }

  /// The process's exit status for this error.
  var exitCode: ExitCode {
    switch self {
    case .unreadable, .unpackFailed: .noInput
    default: .badData
    }
  }
}
