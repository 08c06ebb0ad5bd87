import Glibc

extension ConfigurationChecks {
  /// The disk tier has one folder or several, each of which is another one, and keys elsewhere.
  mutating func checkDisk(_ file: inout ConfigurationSection) {
    let keys = file["store"]?.section?["keys"]
    file.update(["store", "disk"]) { disk in
      let names = ["path", "paths"].filter { disk.written.contains($0) }
      if names.count == 2 {
        report(
          "'path' and 'paths' exclude each other (keep one)",
          at: disk["paths"]?.place ?? disk.place)
      } else if names.isEmpty {
        report("missing option 'path' (such as path: var/cache)", at: disk.place)
      }
      checkPaths(disk, keys)
      lowerLargest(&disk)
    }
  }

  private mutating func checkPaths(_ disk: ConfigurationSection, _ keys: ConfigurationEntry?) {
    guard let list = disk["paths"] else { return }
    var taken: [(path: String, entry: ConfigurationEntry)] = []
    for section in (list.list ?? []).compactMap(\.section) {
      guard let entry = section["path"], let text = entry.text else { continue }
      let path = FilePath.real(text)
      for (other, earlier) in taken {
        let line = earlier.place.line
        if path == other {
          report(
            "'path' \(text) is the folder already named at line \(line) (name another one)",
            at: entry.place)
        } else if FilePath.is(path, below: other) || FilePath.is(other, below: path) {
          report(
            "'path' \(text) and that at line \(line) lie in one another (name folders apart)",
            at: entry.place)
        }
      }
      taken.append((path, entry))
    }
    guard (list.list ?? []).count > 1 else { return }
    checkKeys(keys, apartFrom: taken, list.place)
  }

  private mutating func checkKeys(
    _ keys: ConfigurationEntry?, apartFrom taken: [(path: String, entry: ConfigurationEntry)],
    _ place: Place
  ) {
    guard let keys, let text = keys.text else {
      report(
        "'paths' names several folders, so 'store.keys' is needed: a folder on none of them "
          + "(such as keys: /var/lib/edge/keys)", at: place)
      return
    }
    let path = FilePath.real(text)
    for (other, entry) in taken
    where path == other || FilePath.is(path, below: other) || FilePath.is(other, below: path) {
      report(
        "'keys' \(text) and the path at line \(entry.place.line) lie in one another (keep keys "
          + "apart from what they seal)", at: keys.place)
    }
  }

  /// `largest` must not exceed the largest path; when it is not written, its default gives way.
  private mutating func lowerLargest(_ disk: inout ConfigurationSection) {
    guard let common = disk["size"]?.size, let entry = disk["largest"], let size = entry.size
    else { return }
    let sizes = (disk["paths"]?.list ?? []).compactMap(\.section).map { $0["size"]?.size ?? common }
    let bound = sizes.max() ?? common
    guard size > bound else { return }
    guard !entry.isWritten else {
      report(
        "'largest' is \(SizeText.format(size)), above 'size' of \(SizeText.format(bound)) "
          + "(lower 'largest' or raise 'size')", at: entry.place)
      return
    }
    disk["largest"]?.value = .size(bound)
  }
}

extension FilePath {
  /// An absolute path without links, as far as it exists.
  static func real(_ path: String) -> String {
    var rest: [Substring] = []
    var parts = path.split(separator: "/")
    while true {
      let prefix = "/" + parts.joined(separator: "/")
      if let pointer = realpath(prefix, nil) {
        defer { free(pointer) }
        let found = String(cString: pointer)
        let whole = (found == "/" ? "" : found) + rest.map { "/" + $0 }.joined()
        return whole.isEmpty ? "/" : whole
      }
      guard let last = parts.popLast() else { return path }
      rest.insert(last, at: 0)
    }
  }

  /// True when a folder lies somewhere in another one.
  static func `is`(_ path: String, below other: String) -> Bool {
    path.hasPrefix(other.hasSuffix("/") ? other : other + "/")
  }
}
