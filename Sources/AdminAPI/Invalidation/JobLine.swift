import CacheStore
import Glibc

/// A line of the file of jobs.
enum JobLine {
  case accepted(InvalidationJob)
  /// Only id, completion and counts of the job mean something.
  case completed(InvalidationJob)

  /// The line without its end.
  var text: String {
    switch self {
    case .accepted(let job):
      var members = [
        JSONMember("job", .string(job.id)),
        JSONMember("created", .integer(Int(job.createdMilliseconds))),
      ]
      if let reference = job.callerReference {
        members.append(JSONMember("callerReference", .string(reference)))
      }
      return JSONValue.object(members + job.order.members).text
    case .completed(let job):
      return JSONValue.object([
        JSONMember("done", .string(job.id)),
        JSONMember("completed", .integer(Int(job.completedMilliseconds ?? 0))),
        JSONMember("counts", job.counts?.json ?? .null),
      ]).text
    }
  }

  /// Nil when the bytes are no line of the file.
  init?(_ bytes: [UInt8]) {
    guard case .object(let members) = try? JSONReader.read(bytes), let first = members.first,
      case .string(let id) = first.value
    else { return nil }
    func value(_ name: String) -> JSONValue? { members.first { $0.name == name }?.value }
    switch first.name {
    case "job":
      guard let order = InvalidationOrder(members: members),
        case .integer(let created) = value("created")
      else { return nil }
      var reference: String?
      if case .string(let text) = value("callerReference") { reference = text }
      self = .accepted(
        InvalidationJob(
          id: id, callerReference: reference, order: order, createdMilliseconds: Int64(created)))
    case "done":
      guard case .integer(let completed) = value("completed") else { return nil }
      var job = InvalidationJob(
        id: id, callerReference: nil, order: InvalidationOrder(), createdMilliseconds: 0)
      job.completedMilliseconds = Int64(completed)
      job.counts = value("counts").flatMap { InvalidationJob.Counts(json: $0) }
      self = .completed(job)
    default: return nil
    }
  }
}

/// The wall clock in Unix milliseconds.
@Sendable func wallClockMilliseconds() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}
