/// Checks between options, after each option was checked for itself. Works on what was decoded
/// without fault, so that its findings are reported together with the others.
struct ConfigurationChecks {
  private(set) var diagnostics: DiagnosticList

  init(diagnostics: DiagnosticList) {
    self.diagnostics = diagnostics
  }

  mutating func report(_ message: String, at place: Place) {
    diagnostics.report(message, at: place)
  }

  mutating func warn(_ message: String, at place: Place) {
    diagnostics.warn(message, at: place)
  }

  /// Reports what does not fit together and bounds defaults by the written options beside them.
  /// - Parameter certificates: reads the files of TLS listeners; nil leaves them unread.
  mutating func run(
    on file: inout ConfigurationSection, certificates: CertificateInspector? = nil
  ) {
    checkAddresses(file)
    checkTLS(&file, certificates)
    lower("target_size", below: "head_size", in: &file, section: ["limits"])
    lower("largest", below: "size", in: &file, section: ["store", "memory"])
    checkDisk(&file)
    checkShards(file)
    checkOrigins(file)
    checkRoutes(&file)
    checkAdmin(&file, certificates)
    checkInvalidation(file)
  }

  private mutating func checkAddresses(_ file: ConfigurationSection) {
    var taken: [(address: EdgeConfiguration.ListenAddress, line: Int)] = []
    let listeners = file["listeners"]?.list ?? []
    let sections = listeners.compactMap(\.section) + [file["admin"]?.section].compactMap { $0 }
    for section in sections {
      guard let entry = section["address"], let address = entry.listenAddress else { continue }
      if let other = taken.first(where: { $0.address.isSameSocket(as: address) }) {
        let subject = entry.isWritten ? "'address'" : "the default 'address'"
        diagnostics.report(
          "\(subject) \(address) is already used at line \(other.line) (choose another port)",
          at: entry.place)
      } else {
        taken.append((address, entry.place.line))
      }
    }
  }

  /// `name` must not exceed `limit`; when it is not written, its default gives way.
  private mutating func lower(
    _ name: String, below limit: String, in file: inout ConfigurationSection, section path: [String]
  ) {
    file.update(path[...]) { section in
      guard let entry = section[name], let size = entry.size,
        let bound = section[limit]?.size, size > bound
      else { return }
      guard !entry.isWritten else {
        diagnostics.report(
          "'\(name)' is \(SizeText.format(size)), above '\(limit)' of \(SizeText.format(bound)) "
            + "(lower '\(name)' or raise '\(limit)')", at: entry.place)
        return
      }
      section[name]?.value = .size(bound)
    }
  }

  private mutating func checkShards(_ file: ConfigurationSection) {
    guard let entry = file["store"]?.section?["memory"]?.section?["shards"],
      let count = entry.count, count > 0, count & (count - 1) != 0
    else { return }
    var lower = 1
    while lower * 2 < count { lower *= 2 }
    diagnostics.report(
      "'shards' is \(count), which is no power of two (such as \(lower) or \(lower * 2))",
      at: entry.place)
  }

  private mutating func checkOrigins(_ file: ConfigurationSection) {
    for (_, origin) in file["origins"]?.map ?? [] {
      guard let entry = origin.section?["ca_file"], let path = entry.text else { continue }
      do {
        _ = try FilePath.read(path, limitBytes: 16 * 1024 * 1024)
      } catch {
        diagnostics.report(
          "'ca_file' names the file '\(path)', which \(error.message)", at: entry.place)
      }
    }
  }
}

extension Place: Comparable {
  static func < (left: Place, right: Place) -> Bool {
    (left.line, left.column) < (right.line, right.column)
  }
}

extension ConfigurationSection {
  /// Changes the section below this one that the path leads to; nothing when there is none.
  mutating func update(_ path: ArraySlice<String>, _ change: (inout ConfigurationSection) -> Void) {
    guard let name = path.first else { return change(&self) }
    guard var child = self[name]?.section else { return }
    child.update(path.dropFirst(), change)
    self[name]?.value = .section(child)
  }
}
