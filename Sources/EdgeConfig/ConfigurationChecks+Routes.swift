extension ConfigurationChecks {
  /// Checks every route by itself and against the origins and the routes before it.
  mutating func checkRoutes(_ file: inout ConfigurationSection) {
    guard let routes = file["routes"]?.list else { return }
    let origins = file["origins"]?.map?.map(\.key) ?? []
    var lines: [RoutePattern: Int] = [:]
    checkRouteNames(routes.compactMap(\.section))
    let checked = routes.map { route -> ConfigurationEntry in
      guard var section = route.section else { return route }
      checkMatch(section["match"], &lines)
      checkOriginName(section["origin"], origins)
      section.update(["ttl"]) { checkTimes(&$0) }
      section.update(["key", "query"]) { checkQuery($0) }
      checkCompression(&section)
      return ConfigurationEntry(
        value: .section(section), place: route.place, isWritten: route.isWritten)
    }
    file["routes"]?.value = .list(checked)
  }

  private mutating func checkMatch(_ entry: ConfigurationEntry?, _ lines: inout [RoutePattern: Int])
  {
    guard let entry, let pattern = entry.pattern else { return }
    if let line = lines[pattern] {
      report(
        "'match' \(pattern) is already used by the route at line \(line) (keep one of them)",
        at: entry.place)
    } else {
      lines[pattern] = entry.place.line
    }
  }

  /// A name stands for one route; it may be the text of a match only if that is the route's own.
  private mutating func checkRouteNames(_ routes: [ConfigurationSection]) {
    var lines: [String: Int] = [:]
    for route in routes where route["name"] == nil {
      guard let match = route["match"], let pattern = match.pattern else { continue }
      lines[pattern.description] = lines[pattern.description] ?? match.place.line
    }
    for route in routes {
      guard let entry = route["name"], let name = entry.text else { continue }
      if name.utf8.count > 255 {
        report("'name' has \(name.utf8.count) bytes, above the limit of 255", at: entry.place)
      }
      if let line = lines[name] {
        report(
          "the route name '\(name)' is already used at line \(line) (choose another)",
          at: entry.place)
      } else {
        lines[name] = entry.place.line
      }
    }
  }

  private mutating func checkOriginName(_ entry: ConfigurationEntry?, _ origins: [String]) {
    // Without any origin the missing section is the fault, not each route.
    guard let entry, let name = entry.text, !origins.isEmpty, !origins.contains(name) else {
      return
    }
    let hint = Spelling.hint(for: name, known: origins, label: "defined")
    report("unknown origin '\(name)' \(hint)", at: entry.place)
  }

  /// min <= default <= max. A default that is not written is moved between the two.
  private mutating func checkTimes(_ times: inout ConfigurationSection) {
    guard let minimum = times["min"], let least = minimum.duration,
      let maximum = times["max"], let longest = maximum.duration
    else { return }
    guard least <= longest else {
      report(
        "'min' is \(DurationText.format(least)), above 'max' of \(DurationText.format(longest)) "
          + "(lower 'min' or raise 'max')", at: minimum.isWritten ? minimum.place : maximum.place)
      return
    }
    if minimum.isWritten, least > .zero {
      warn(
        "'min' of \(DurationText.format(least)) also keeps what the origin marks private, no-store "
          + "or no-cache, and gives it to every client (min: 0 obeys the origin)",
        at: minimum.place)
    }
    guard let normal = times["default"], let time = normal.duration else { return }
    let bounded = max(least, min(time, longest))
    guard bounded != time else { return }
    guard normal.isWritten else {
      times["default"]?.value = .duration(bounded)
      return
    }
    let side = time < least ? "below 'min'" : "above 'max'"
    report(
      "'default' is \(DurationText.format(time)), \(side) of \(DurationText.format(bounded)) "
        + "(choose \(DurationText.format(least)) to \(DurationText.format(longest)))",
      at: normal.place)
  }

  private mutating func checkQuery(_ query: ConfigurationSection) {
    let isWritten = (query.written.contains("allow"), query.written.contains("deny"))
    if isWritten == (true, true) {
      report("'allow' and 'deny' exclude each other (keep one)", at: query.place)
    } else if isWritten == (false, false) {
      report("'query' needs 'allow' or 'deny' (such as query: { allow: [page] })", at: query.place)
    }
  }

  /// Media types are type/subtype, the sizes in order.
  private mutating func checkCompression(_ route: inout ConfigurationSection) {
    for entry in route["compression_types"]?.list ?? [] {
      guard let text = entry.text else { continue }
      let parts = text.split(separator: "/", omittingEmptySubsequences: false)
      let isType = parts.count == 2 && parts.allSatisfy { !$0.isEmpty && !$0.contains(" ") }
      if !isType || text.contains(";") || text.count(where: { $0 == "*" }) > 1 {
        report(
          "'\(text)' is no media type (write one such as text/html, text/* or application/*+json)",
          at: entry.place)
      }
    }
    guard let minimum = route["compression_min_size"], let least = minimum.size,
      let maximum = route["compression_max_size"], let most = maximum.size, least > most
    else { return }
    guard maximum.isWritten else {
      route["compression_max_size"]?.value = .size(least)
      return
    }
    report(
      "'compression_max_size' is below 'compression_min_size' (raise it or lower the other)",
      at: maximum.place)
  }
}
