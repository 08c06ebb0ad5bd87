import Foundation
import NIOCore
import Testing

@testable import Observability

/// A folder that goes away with the test.
final class ScratchFolder {
  let path: String

  init() throws {
    var template = Array("/tmp/edge-log-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw POSIXError(.EIO) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func lines(_ name: String) throws -> [Substring] {
    try String(contentsOfFile: path + "/" + name, encoding: .utf8).split(separator: "\n")
  }
}

struct AccessLogTests {
  @Test func linesOfALoopReachTheFileInOrder() throws {
    let folder = try ScratchFolder()
    let log = try AccessLog(path: folder.path + "/access.log", format: .json)
    let writer = log.makeWriter()
    withRecord { record in
      for status in 0..<5_000 {
        record.status = status
        writer.write(record)
      }
    }
    log.close()
    let lines = try folder.lines("access.log")
    #expect(lines.count == 5_000)
    for (status, line) in lines.enumerated() {
      #expect(line.contains("\"status\":\(status),"))
    }
    #expect(log.writtenRecords == 5_000)
    #expect(log.droppedRecords == 0)
  }

  @Test func writersOfSeveralThreadsLoseNothing() async throws {
    let folder = try ScratchFolder()
    let log = try AccessLog(path: folder.path + "/access.log", format: .combined)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        let writer = log.makeWriter()
        group.addTask {
          for _ in 0..<2_000 { withRecord { writer.write($0) } }
        }
      }
    }
    log.flush()
    let lines = try folder.lines("access.log")
    #expect(lines.count + log.droppedRecords == 8_000)
    #expect(log.droppedRecords == 0)
    #expect(lines.allSatisfy { $0.hasSuffix("1.234") })
    log.close()
  }

  @Test func reopenFollowsAMovedFile() throws {
    let folder = try ScratchFolder()
    let path = folder.path + "/access.log"
    let log = try AccessLog(path: path, format: .json)
    let writer = log.makeWriter()
    withRecord { writer.write($0) }
    log.flush()
    try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
    withRecord { writer.write($0) }
    log.reopen()
    log.flush()
    withRecord { writer.write($0) }
    log.close()
    #expect(try folder.lines("access.log.1").count == 2)
    #expect(try folder.lines("access.log").count == 1)
  }

  @Test func reopenThatFailsKeepsTheOldFile() throws {
    let folder = try ScratchFolder()
    try FileManager.default.createDirectory(
      atPath: folder.path + "/logs", withIntermediateDirectories: true)
    let log = try AccessLog(path: folder.path + "/logs/access.log", format: .json)
    let writer = log.makeWriter()
    try FileManager.default.moveItem(
      atPath: folder.path + "/logs", toPath: folder.path + "/moved")
    log.reopen()
    withRecord { writer.write($0) }
    log.close()
    #expect(try folder.lines("moved/access.log").count == 1)
  }

  @Test func aMissingFolderIsAnErrorThatNamesPathAndRemedy() throws {
    let folder = try ScratchFolder()
    let path = folder.path + "/absent/access.log"
    let error = #expect(throws: AccessLogError.self) { try AccessLog(path: path, format: .json) }
    let text = try #require(error).description
    #expect(text.contains(path))
    #expect(text.contains("log.access.path"))
  }

  @Test func aFullFileSystemCostsLinesAndIsCounted() throws {
    let log = try AccessLog(path: "/dev/full", format: .json)
    let writer = log.makeWriter()
    for _ in 0..<10 { withRecord { writer.write($0) } }
    log.close()
    #expect(log.droppedRecords == 10)
    #expect(log.writtenRecords == 0)
  }

  @Test func aStalledReaderCostsLinesAndNeverTheLoop() throws {
    let folder = try ScratchFolder()
    let path = folder.path + "/pipe"
    #expect(mkfifo(path, 0o600) == 0)
    // Keeps the pipe open without reading: it takes 64 KiB and then stalls the log's thread.
    let reader = open(path, O_RDONLY | O_NONBLOCK)
    #expect(reader >= 0)
    let limit = 512 << 10
    let log = try AccessLog(path: path, format: .json, queueLimitBytes: limit)
    let writer = log.makeWriter()
    let agent = [UInt8](repeating: UInt8(ascii: "x"), count: 8_000)
    let count = 4 * limit / 8_000
    withRecord(userAgent: agent) { record in
      for _ in 0..<count { writer.write(record) }
    }
    #expect(log.droppedRecords > count / 2)
    #expect(log.droppedRecords < count)
    // The reader leaves: what is queued fails with EPIPE instead of a signal, and close returns.
    close(reader)
    log.close()
    #expect(log.droppedRecords + log.writtenRecords == count)
  }

  @Test func aClosedLogDropsAndCounts() throws {
    let folder = try ScratchFolder()
    let log = try AccessLog(path: folder.path + "/access.log", format: .json)
    let writer = log.makeWriter()
    log.close()
    log.close()
    withRecord { writer.write($0) }
    #expect(log.droppedRecords == 1)
    #expect(try folder.lines("access.log").isEmpty)
  }

  @Test func theLogAppendsAndItsFileIsNotForEveryone() throws {
    let folder = try ScratchFolder()
    let path = folder.path + "/access.log"
    for _ in 0..<2 {
      let log = try AccessLog(path: path, format: .json)
      withRecord { log.makeWriter().write($0) }
      log.close()
    }
    #expect(try folder.lines("access.log").count == 2)
    var status = stat()
    #expect(stat(path, &status) == 0)
    #expect(status.st_mode & 0o007 == 0)
  }

  @Test func ownCountersAreExposed() throws {
    let metrics = Metrics(loopCount: 1)
    let log = try AccessLog(path: "/dev/null", format: .json)
    log.register(in: metrics)
    withRecord { log.makeWriter().write($0) }
    log.close()
    #expect(metrics.prometheusText().contains("edge_access_log_lines_total 1\n"))
    #expect(metrics.prometheusText().contains("edge_access_log_dropped_total 0\n"))
  }
}
