extension ConfigurationChecks {
  /// Checks keys and events by themselves and against each other, and who may purge.
  mutating func checkInvalidation(_ file: ConfigurationSection) {
    let admin = file["admin"]?.section
    checkUnique(admin?["cloudfront"]?.section?["keys"]?.list, "id", "the access key")
    checkUnique(admin?["events"]?.list, "name", "the event")
    for event in (admin?["events"]?.list ?? []).compactMap(\.section) { checkTemplates(event) }
    guard let purge = file["purge"]?.section, purge["allow"]?.list?.isEmpty == true,
      purge["secret"] == nil
    else { return }
    report(
      "'purge' lets everybody purge (name addresses in 'allow', or a 'secret')", at: purge.place)
  }

  private mutating func checkUnique(
    _ entries: [ConfigurationEntry]?, _ option: String, _ subject: String
  ) {
    var lines: [String: Int] = [:]
    for entry in (entries ?? []).compactMap({ $0.section?[option] }) {
      guard let name = entry.text else { continue }
      if let line = lines[name] {
        report("\(subject) '\(name)' is already defined at line \(line)", at: entry.place)
      } else {
        lines[name] = entry.place.line
      }
    }
  }

  private mutating func checkTemplates(_ event: ConfigurationSection) {
    let lists = ["tags", "paths", "urls"]
    for list in lists {
      for entry in event[list]?.list ?? [] {
        guard let template = entry.text else { continue }
        if let fault = Self.fault(ofTemplate: template) {
          report("the template '\(template)' \(fault)", at: entry.place)
        } else if list == "paths", !template.hasPrefix("/") {
          report("the path '\(template)' does not begin with '/'", at: entry.place)
        }
      }
    }
    if lists.allSatisfy({ event[$0]?.list?.isEmpty ?? false }) {
      report(
        "the event invalidates nothing (name 'tags', 'paths' or 'urls', such as "
          + "tags: [\"product-{id}\"])", at: event.place)
    }
  }

  /// To continue the template's name; nil when there is none.
  private static func fault(ofTemplate template: String) -> String? {
    var rest = template[...]
    while let open = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
      guard rest[open] == "{", let close = rest[open...].firstIndex(of: "}") else {
        return "has a brace without a partner"
      }
      let names = rest[rest.index(after: open)..<close].split(
        separator: ".", omittingEmptySubsequences: false)
      guard names.allSatisfy({ !$0.isEmpty && !$0.contains("{") }) else {
        return "has a place without a name (write {member} or {member.member})"
      }
      rest = rest[rest.index(after: close)...]
    }
    return nil
  }
}
