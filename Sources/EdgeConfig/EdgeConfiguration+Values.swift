/// From checked values to the struct tree. All checks are done before this, so a missing value is
/// a row of the table that does not fit this code: a broken invariant, which stops with its name.
extension EdgeConfiguration {
  init(_ file: ConfigurationSection, warnings: [Diagnostic]) {
    self.warnings = warnings
    name = file.text("name")
    threads = file.countOrWord("threads")
    trustedProxies = file.texts("trusted_proxies")
    isHTTP2Enabled = file.boolean("http2")
    listeners = file.list("listeners").map { Listener($0) }
    limits = Limits(file.section("limits"))
    origins = file.map("origins").map { Origin(name: $0.key, $0.section) }
    routes = file.list("routes").map { Route($0) }
    let memory = file.section("store").section("memory")
    let disk = file.section("store").entry("disk").section
    store = Store(file.section("store"), Store.Memory(memory), disk.map { Store.Disk($0) })
    admin = file["admin"]?.section.map { Admin($0) }
    invalidation = file["admin"]?.section.map { Invalidation($0) }
    purge = file["purge"]?.section.map { Purge($0) }
    log = Log(file.section("log"))
    effectiveConfiguration = EffectiveConfiguration.print(file)
    settings = OptionSetting.all(of: file)
  }
}

extension EdgeConfiguration.Listener {
  fileprivate init(_ values: ConfigurationSection) {
    address = values.listenAddress("address")
    tls = values["tls"]?.section.map { TLS($0) }
    strictTransportSecurity = values["hsts"]?.section.map { hsts in
      StrictTransportSecurity(
        maxAge: hsts.duration("max_age"),
        includesSubdomains: hsts.boolean("include_subdomains"),
        mayPreload: hsts.boolean("preload"))
    }
  }
}

extension EdgeConfiguration.Listener.TLS {
  fileprivate init(_ values: ConfigurationSection) {
    certificates = values.list("certificates").map { pair in
      EdgeConfiguration.Listener.Certificate(
        certificate: pair.text("certificate"), key: pair.text("key"),
        names: pair["names"]?.list?.compactMap(\.text))
    }
    minimum = values.word("minimum")
    handshakeTimeout = values.duration("handshake_timeout")
    clients = values["clients"]?.section.map { clients in
      EdgeConfiguration.Listener.Clients(
        authorities: clients.text("authorities"), isRequired: clients.boolean("required"))
    }
  }
}

extension EdgeConfiguration.Limits {
  fileprivate init(_ values: ConfigurationSection) {
    headSizeBytes = values.size("head_size")
    targetSizeBytes = values.size("target_size")
    fieldCount = values.count("field_count")
    requestBodySizeBytes = values.sizeOrWord("request_body_size")
    headerTimeout = values.duration("header_timeout")
    bodyTimeout = values.duration("body_timeout")
    idleTimeout = values.duration("idle_timeout")
    sendTimeout = values.duration("send_timeout")
    webSocketIdleTimeout = values.duration("websocket_idle_timeout")
    connections = values.count("connections")
    requestsPerConnection = values.countOrWord("requests_per_connection")
    bodyBytesPerSecond = values.sizeOrWord("body_rate")
    sendBytesPerSecond = values.sizeOrWord("send_rate")
    rateWindow = values.duration("rate_window")
    unsentBytes = values.sizeOrWord("unsent")
    perAddress = values.entry("per_address").section.map { limits in
      PerAddress(
        connections: limits.countOrWord("connections"),
        requestsPerSecond: limits.countOrWord("requests"), burst: limits.countOrWord("burst"),
        exempt: limits.texts("exempt"), addresses: limits.count("addresses"))
    }
    drain = values.duration("drain")
  }
}

extension EdgeConfiguration.Origin {
  fileprivate init(name: String, _ values: ConfigurationSection) {
    self.name = name
    servers = values.require(values.entry("servers").list, "servers").compactMap(\.server)
    pool = values.count("pool")
    queue = values.count("queue")
    queueTimeout = values.duration("queue_timeout")
    connectTimeout = values.duration("connect_timeout")
    firstByteTimeout = values.duration("first_byte_timeout")
    idleTimeout = values.duration("idle_timeout")
    keepAlive = values.duration("keep_alive")
    host = values.entry("host").text.map { .literal($0) } ?? .client
    verify = values.boolean("verify")
    caFile = values["ca_file"]?.text
  }
}

extension EdgeConfiguration.Store {
  fileprivate init(_ values: ConfigurationSection, _ memory: Memory, _ disk: Disk?) {
    self.memory = memory
    self.disk = disk
    encryption = values.boolean("encryption")
    keysDirectory = disk.map { disk in
      var path = disk.paths[0].path
      while path.count > 1, path.hasSuffix("/") { path.removeLast() }
      return values["keys"]?.text ?? path + ".keys"
    }
    keysRotation = values.durationOrWord("keys_rotation")
  }
}

extension EdgeConfiguration.Store.Memory {
  fileprivate init(_ values: ConfigurationSection) {
    sizeBytes = values.size("size")
    idle = values.duration("idle")
    largestBytes = values.size("largest")
    shards = values.countOrWord("shards")
  }
}

extension EdgeConfiguration.Store.Disk {
  fileprivate init(_ values: ConfigurationSection) {
    let size = values.size("size")
    if let path = values["path"]?.text {
      paths = [Path(path: path, sizeBytes: size)]
    } else {
      paths = values.list("paths").map {
        Path(path: $0.text("path"), sizeBytes: $0["size"]?.size ?? size)
      }
    }
    largestBytes = values.size("largest")
    fsync = values.word("fsync")
    snapshotInterval = values.duration("snapshot_interval")
    snapshots = values.entry("snapshots").section.map { snapshots in
      Snapshots(every: snapshots.duration("every"), keep: snapshots.duration("keep"))
    }
  }
}

extension EdgeConfiguration.Admin {
  fileprivate init(_ values: ConfigurationSection) {
    address = values.listenAddress("address")
    users = values.list("users").map { user in
      User(
        name: user.text("name"),
        password: user["password"]?.secret.map { .text($0) }
          ?? .hash(user.require(user.entry("password_hash").secret, "password_hash")),
        scopes: user.require(user.entry("scopes").list, "scopes").compactMap(\.word))
    }
    tokens = values["tokens"]?.text
    tls = values["tls"]?.section.map { tls in
      TLS(
        certificate: .init(
          certificate: tls.text("certificate"), key: tls.text("key"), names: nil),
        clients: tls["clients"]?.section.map { clients in
          .init(authorities: clients.text("authorities"), isRequired: clients.boolean("required"))
        })
    }
    allow = values["allow"]?.list?.compactMap(\.text)
    deny = values.texts("deny")
    trustedProxies = values.texts("trusted_proxies")
    let audit = values.entry("audit")
    self.audit = audit.text.map { .file($0) } ?? (audit.word == "off" ? .off : .standardError)
  }
}

extension EdgeConfiguration.Log {
  fileprivate init(_ values: ConfigurationSection) {
    level = values.word("level")
    access = values.entry("access").section.map { access in
      Access(
        destination: access.entry("path").text.map { .file($0) } ?? .standardOutput,
        format: access.word("format"))
    }
  }
}

extension EdgeConfiguration.Route {
  fileprivate init(_ values: ConfigurationSection) {
    match = values.require(values.entry("match").pattern, "match")
    name = values["name"]?.text
    origin = values.text("origin")
    cache = values.boolean("cache")
    let times = values.section("ttl")
    ttl = TimeToLive(
      default: times.duration("default"), minimum: times.duration("min"),
      maximum: times.duration("max"), error: times.duration("error"),
      storesServerErrors: times.entry("error_statuses").word == "all",
      heuristic: times.entry("heuristic").section.map {
        Heuristic(percent: $0.count("percent"), maximum: $0.duration("max"))
      }, isAdaptive: times.boolean("adaptive"))
    var statuses: [Int: Duration] = [:]
    for (status, entry) in values.require(values.entry("status_ttl").map, "status_ttl") {
      guard let code = Int(status), let time = entry.duration else { continue }
      statuses[code] = time
    }
    statusTTL = statuses
    let stale = values.section("stale")
    self.stale = Stale(
      whileRevalidate: stale.duration("while_revalidate"), ifError: stale.duration("if_error"),
      ifUnreachable: stale.duration("if_unreachable"), isStrict: stale.boolean("strict"))
    key = Key(values.section("key"))
    setCookie = values.word("set_cookie")
    requestDirectives = values.word("request_directives")
    coalesce = values.boolean("coalesce")
    coalesceTimeout = values.duration("coalesce_timeout")
    unsafeInvalidates = values.boolean("unsafe_invalidates")
    debugHeaders = values.boolean("debug_headers")
    targeted = values.texts("targeted")
    normalizesAcceptEncoding = values.entry("accept_encoding").word == "normalize"
    languages = values.texts("languages")
    forwardHeaders = values.texts("forward_headers")
    forwardsWholeQuery = values.entry("forward_query").word == "all"
    honoursNoVarySearch = values.boolean("no_vary_search")
    variants = values.count("variants")
    ranges = values.word("ranges")
    queryBodySizeBytes = values.size("query_body_size")
    tags = values.texts("tags")
    let smallest = values.size("compression_min_size")
    compression =
      values.boolean("compression")
      ? Compression(
        types: values.texts("compression_types").map { $0.lowercased() },
        sizeBytes: smallest...max(smallest, values.size("compression_max_size")),
        level: values.count("compression_level")) : nil
    webSocket = values.boolean("websocket")
  }
}

extension EdgeConfiguration.Route.Key {
  fileprivate init(_ values: ConfigurationSection) {
    let query = values.entry("query")
    if let allowed = query.section?["allow"]?.list {
      self.query = .allow(allowed.compactMap(\.text))
    } else if let denied = query.section?["deny"]?.list {
      self.query = .deny(denied.compactMap(\.text))
    } else {
      self.query = query.word == "none" ? .none : .all
    }
    sortQuery = values.boolean("sort_query")
    scheme = values.boolean("scheme")
    host = values.boolean("host")
    headers = values.texts("headers")
    cookies = values.texts("cookies")
    device = values.boolean("device")
  }
}

/// Reading values that are there and of their type, which the checks before have seen to.
extension ConfigurationSection {
  func require<Value>(_ value: Value?, _ name: String) -> Value {
    guard let value else {
      preconditionFailure("option '\(name)' has no value of the type its reader expects")
    }
    return value
  }

  func entry(_ name: String) -> ConfigurationEntry { require(self[name], name) }

  func text(_ name: String) -> String { require(entry(name).text, name) }
  func texts(_ name: String) -> [String] {
    require(entry(name).list, name).compactMap(\.text)
  }
  func secret(_ name: String) -> Secret { require(entry(name).secret, name) }
  func boolean(_ name: String) -> Bool { require(entry(name).boolean, name) }
  func count(_ name: String) -> Int { require(entry(name).count, name) }
  func size(_ name: String) -> Int { require(entry(name).size, name) }
  func duration(_ name: String) -> Duration { require(entry(name).duration, name) }

  /// Nil stands for the option's one word, `auto` or `unlimited`.
  func durationOrWord(_ name: String) -> Duration? { entry(name).duration }

  func countOrWord(_ name: String) -> Int? { entry(name).count }
  /// Nil stands for the option's one word, `unlimited`.
  func sizeOrWord(_ name: String) -> Int? { entry(name).size }

  func word<Word: RawRepresentable<String>>(_ name: String) -> Word {
    require(entry(name).word.flatMap(Word.init(rawValue:)), name)
  }

  func listenAddress(_ name: String) -> EdgeConfiguration.ListenAddress {
    require(entry(name).listenAddress, name)
  }

  func section(_ name: String) -> ConfigurationSection {
    require(entry(name).section, name)
  }

  func list(_ name: String) -> [ConfigurationSection] {
    require(entry(name).list, name).compactMap(\.section)
  }

  func map(_ name: String) -> [(key: String, section: ConfigurationSection)] {
    require(entry(name).map, name).compactMap { key, entry in
      entry.section.map { (key, $0) }
    }
  }
}
