/// The one table of all options. Nothing about an option is written down anywhere else.
public enum OptionTable {
  /// All rows, every section before its options, in the order of the reference page.
  public static let options: [ConfigurationOption] =
    listenerOptions + tlsOptions + limitOptions + clientLimitOptions + originOptions + routeOptions
    + storeOptions + adminOptions + invalidationOptions + processOptions

  private static let listenerOptions: [ConfigurationOption] = [
    ConfigurationOption(
      "listeners", .list, default: .required, min: "1", max: "64", unit: "listeners",
      reload: false, example: "listeners: [{ address: 127.0.0.1:8080 }]",
      "The addresses on which clients are served."),
    ConfigurationOption(
      "listeners[]", .section, default: .required, reload: false, "One listener."),
    ConfigurationOption(
      "listeners[].address", .listenAddress, default: .required, reload: false,
      example: "address: 127.0.0.1:8080",
      "Address and port. 0.0.0.0:8080 serves every IPv4 address, [::]:8080 every address; "
        + "port 0 takes any free port."),
  ]

  private static let limitOptions: [ConfigurationOption] = [
    ConfigurationOption(
      "limits", .section, default: .text("{}"), reload: false,
      "What one client may use. A request beyond a limit is answered with 408, 413, 414 or 431."),
    ConfigurationOption(
      "limits.head_size", .size, default: .text("16 KiB"), min: "1 KiB", max: "1 MiB",
      reload: false, "The longest request head: request line and all fields."),
    ConfigurationOption(
      "limits.target_size", .size, default: .text("8 KiB"), min: "256 B", max: "1 MiB",
      reload: false,
      "The longest request target. At most head_size, to which it is lowered when not written."),
    ConfigurationOption(
      "limits.field_count", .count, default: .text("100"), min: "8", max: "1000", unit: "fields",
      reload: false, "The most header fields in a request."),
    ConfigurationOption(
      "limits.request_body_size", .size, words: ["unlimited"], default: .text("100 MiB"),
      min: "0", max: "1 TiB", reload: false,
      "The largest request body; 0 refuses every request body."),
    ConfigurationOption(
      "limits.header_timeout", .duration, default: .text("10 s"), min: "100 ms", max: "10 minutes",
      reload: false, "The longest wait for a whole request head, from its first byte."),
    ConfigurationOption(
      "limits.body_timeout", .duration, default: .text("30 s"), min: "100 ms", max: "1 hour",
      reload: false, "The longest pause between two pieces of a request body."),
    ConfigurationOption(
      "limits.idle_timeout", .duration, default: .text("60 s"), min: "100 ms", max: "1 hour",
      reload: false, "How long a connection without a request stays open."),
    ConfigurationOption(
      "limits.send_timeout", .duration, default: .text("60 s"), min: "100 ms", max: "1 hour",
      reload: false, "How long a response may wait for a client that accepts no bytes."),
    ConfigurationOption(
      "limits.websocket_idle_timeout", .duration, default: .text("5 minutes"), min: "100 ms",
      max: "1 day", reload: false,
      "How long a WebSocket stays open on which no byte passes, either way."),
    ConfigurationOption(
      "limits.connections", .count, default: .text("10000"), min: "1", max: "1000000",
      unit: "connections", reload: false, "The most client connections at a time."),
    ConfigurationOption(
      "limits.requests_per_connection", .count, words: ["unlimited"],
      default: .text("unlimited"), min: "1", max: "1000000000", unit: "requests", reload: false,
      "The number of requests after which a connection is closed."),
    ConfigurationOption(
      "limits.drain", .duration, default: .text("30 s"), min: "0", max: "1 hour", reload: false,
      "How long running requests may take to end when the edge stops."),
  ]

  private static let originOptions: [ConfigurationOption] = [
    ConfigurationOption(
      "origins", .map, default: .required, min: "1", max: "1000", unit: "origins", reload: false,
      example: "origins: { api: { servers: [http://127.0.0.1:9000] } }",
      "The servers behind the edge, each origin under the name that routes use."),
    ConfigurationOption(
      "origins.NAME", .section, default: .required, reload: false,
      "One origin. Its name has letters, digits, '-', '_' and '.'."),
    ConfigurationOption(
      "origins.NAME.servers", .list, default: .required, min: "1", max: "64", unit: "servers",
      reload: false, example: "servers: [http://127.0.0.1:9000]",
      "The servers of the origin; all of them answer alike."),
    ConfigurationOption(
      "origins.NAME.servers[]", .serverURL, default: .required, reload: false,
      "http:// or https://, a host and if need be a port, without a path."),
    ConfigurationOption(
      "origins.NAME.pool", .count, default: .text("50"), min: "1", max: "1000",
      unit: "connections", reload: false,
      "The most connections to the origin at a time. Further fetches wait in the queue."),
    ConfigurationOption(
      "origins.NAME.queue", .count, default: .text("1000"), min: "0", max: "100000",
      unit: "requests", reload: false,
      "The most fetches that wait for a connection. Further ones fail with 503."),
    ConfigurationOption(
      "origins.NAME.queue_timeout", .duration, default: .text("5 s"), min: "10 ms",
      max: "10 minutes", reload: false, "The longest wait in the queue."),
    ConfigurationOption(
      "origins.NAME.connect_timeout", .duration, default: .text("5 s"), min: "10 ms",
      max: "2 minutes", reload: false,
      "The longest wait for a connection, TLS handshake included."),
    ConfigurationOption(
      "origins.NAME.first_byte_timeout", .duration, default: .text("30 s"), min: "10 ms",
      max: "1 hour", reload: false,
      "The longest wait for the response, from the sent request to its first byte."),
    ConfigurationOption(
      "origins.NAME.idle_timeout", .duration, default: .text("30 s"), min: "10 ms",
      max: "1 hour", reload: false, "The longest pause between two pieces of a response."),
    ConfigurationOption(
      "origins.NAME.keep_alive", .duration, default: .text("60 s"), min: "0", max: "1 hour",
      reload: false,
      "How long an idle connection is kept for the next fetch. Choose less than the origin does."),
    ConfigurationOption(
      "origins.NAME.host", .authority, words: ["client"], default: .text("client"), reload: false,
      example: "host: api.example.com",
      "The Host field sent to the origin: a literal host, or the client's own."),
    ConfigurationOption(
      "origins.NAME.verify", .boolean, default: .text("true"), reload: false,
      "Whether the certificate of an https server must be valid for its host."),
    ConfigurationOption(
      "origins.NAME.ca_file", .path, default: .absent, reload: false,
      example: "ca_file: certs/ca.pem",
      "Certificates (PEM) trusted for this origin; without it those of the system."),
  ]

  private static let storeOptions: [ConfigurationOption] = [
    ConfigurationOption(
      "store", .section, default: .text("{}"), reload: false, "Where objects are kept."),
    ConfigurationOption(
      "store.memory", .section, default: .text("{}"), reload: false, "The memory tier."),
    ConfigurationOption(
      "store.memory.size", .size, default: .text("2 GiB"), min: "1 MiB", max: "16 TiB",
      reload: false, "The memory for objects: heads, bodies and bookkeeping."),
    ConfigurationOption(
      "store.memory.idle", .duration, default: .text("5 minutes"), min: "1 s", max: "365 days",
      reload: false, "An object without a hit for this long leaves memory for the disk."),
    ConfigurationOption(
      "store.memory.largest", .size, default: .text("1 MiB"), min: "1 KiB", max: "1 GiB",
      reload: false,
      "The largest object kept in memory; larger ones go straight to the disk. At most size, to "
        + "which it is lowered when not written."),
    ConfigurationOption(
      "store.memory.shards", .count, words: ["auto"], default: .text("auto"), min: "1",
      max: "4096", unit: "shards", reload: false,
      "Into how many independently locked parts the store is split: a power of two. auto fits "
        + "the number of threads."),
    ConfigurationOption(
      "store.disk", .section, words: ["off"], default: .text("off"), reload: false,
      example: "disk: { path: var/cache }",
      "The disk tier; it survives restarts. off leaves it out."),
    ConfigurationOption(
      "store.disk.path", .path, default: .absent, reload: false, example: "path: var/cache",
      "The folder of the disk tier. It is made when it does not exist. Empty a folder before "
        + "coming back to it from another one: it does not know what was invalidated meanwhile. "
        + "Only where store.keys is written, and stays the same, does the edge notice that, and "
        + "gives up what the folder holds."),
    ConfigurationOption(
      "store.disk.paths", .list, default: .absent, min: "1", max: "255", unit: "paths",
      reload: false,
      example: "paths: [{ path: /mnt/a/edge/1, size: 1 TiB }, { path: /mnt/b/edge/1 }]",
      "Several folders in place of path, each on a disk of its own. Every object belongs to one of "
        + "them, by its key, in proportion to their sizes. A folder that fails or is missing costs "
        + "the objects that belong to it. One that was missing while the others were in use, and "
        + "one that belongs to the store no longer, gives up what it holds. Another order changes "
        + "nothing; another spelling or size moves objects, which are fetched again then."),
    ConfigurationOption(
      "store.disk.paths[]", .section, default: .required, reload: false, "One folder."),
    ConfigurationOption(
      "store.disk.paths[].path", .path, default: .required, reload: false,
      example: "path: /mnt/a/edge/1",
      "The folder. Where there are several, it is made only if the folder above it exists: choose "
        + "one at least two levels below a mount point, lest a disk that is not mounted is taken "
        + "for an empty one."),
    ConfigurationOption(
      "store.disk.paths[].size", .size, default: .absent, min: "256 MiB", max: "256 TiB",
      reload: false, example: "size: 200 GiB",
      "The space for objects there; without it store.disk.size."),
    ConfigurationOption(
      "store.disk.size", .size, default: .text("20 GiB"), min: "256 MiB", max: "256 TiB",
      reload: false,
      "The space on disk for objects; with paths, on each that does not say its own."),
    ConfigurationOption(
      "store.disk.largest", .size, default: .text("5 GiB"), min: "1 KiB", max: "1 TiB",
      reload: false,
      "The largest object kept on disk; larger ones pass, and those larger than a quarter of the "
        + "path that they belong to. At most size, to which it is lowered when not written."),
    ConfigurationOption(
      "store.disk.fsync", .word, words: ["everysec", "always", "no"], default: .text("everysec"),
      reload: false,
      "When the journal of stored objects is synced: every second, after every write, or "
        + "when the system likes. Invalidations are always synced before they are acknowledged."),
    ConfigurationOption(
      "store.disk.snapshot_interval", .duration, default: .text("1 minute"), min: "1 s",
      max: "1 day", reload: false, "The time between two snapshots of the index."),
    ConfigurationOption(
      "store.disk.snapshots", .section, words: ["off"], default: .text("{}"), reload: false,
      example: "snapshots: { every: 6 hours, keep: 7 days }",
      "Snapshots of the index that edge snapshot restore can bring back. off keeps only those "
        + "that edge snapshot create makes."),
    ConfigurationOption(
      "store.disk.snapshots.every", .duration, default: .text("6 hours"), min: "1 minute",
      max: "365 days", reload: false, "The time from one kept snapshot to the next."),
    ConfigurationOption(
      "store.disk.snapshots.keep", .duration, default: .text("7 days"), min: "1 minute",
      max: "3650 days", reload: false,
      "How long a snapshot is kept; 500 are kept at most. Each takes 12 bytes an object."),
    ConfigurationOption(
      "store.encryption", .boolean, default: .text("true"), reload: false,
      "Seals what the disk tier writes with AES-256-GCM. Without it, checksums find damage, but "
        + "whoever reads the disk reads the objects."),
    ConfigurationOption(
      "store.keys", .path, default: .absent, reload: false, example: "keys: /etc/edge/keys",
      "The folder of the disk tier's keys, made when it does not exist, for the edge's user only. "
        + "When left out, it stands beside the disk tier's folder, with .keys behind its name. "
        + "With several paths it must be written, and lie on none of them: what has to be found "
        + "whichever path is missing is kept there, too."),
    ConfigurationOption(
      "store.keys_rotation", .duration, words: ["off"], default: .text("30 days"), min: "1 hour",
      max: "3650 days", reload: false,
      "The age at which a key gives way to a new one. Old keys stay until nothing uses them."),
  ]

  private static let processOptions: [ConfigurationOption] = [
    ConfigurationOption(
      "name", .token, default: .text("edge"), reload: false, example: "name: edge",
      "The name of this edge in Via, Cache-Status and CDN-Loop. Edges that stand behind each "
        + "other need names of their own: a request that comes back under the same name is a "
        + "loop (508)."),
    ConfigurationOption(
      "http2", .boolean, default: .text("true"), reload: false,
      "Whether clients may speak HTTP/2: over TLS by ALPN, in clear text with prior knowledge."),
    ConfigurationOption(
      "trusted_proxies", .list, default: .text("[]"), min: "0", max: "1000", unit: "blocks",
      reload: false, example: "trusted_proxies: [10.0.0.0/8]",
      "Proxies before the edge whose X-Forwarded-For and Forwarded go on to the origin, with the "
        + "proxy's address appended. Of everybody else's requests the origin gets the address "
        + "that the edge saw, alone."),
    ConfigurationOption(
      "trusted_proxies[]", .addressBlock, default: .required, reload: false,
      "An address or a block of addresses."),
    ConfigurationOption(
      "threads", .count, words: ["auto"], default: .text("auto"), min: "1", max: "256",
      unit: "event loops", reload: false, "The number of event loops; auto is one a core."),
    ConfigurationOption(
      "log", .section, default: .text("{}"), reload: false, "What is logged."),
    ConfigurationOption(
      "log.level", .word,
      words: ["trace", "debug", "info", "notice", "warning", "error", "critical"],
      default: .text("info"), reload: false, "The least severity that is logged to stderr."),
    ConfigurationOption(
      "log.access", .section, words: ["off"], default: .text("off"), reload: false,
      example: "access: { path: \"-\", format: json }", "The access log: one line a request."),
    ConfigurationOption(
      "log.access.path", .path, words: ["-"], default: .text("-"), reload: false,
      "The file of the access log; \"-\" is stdout."),
    ConfigurationOption(
      "log.access.format", .word, words: ["json", "combined"], default: .text("json"),
      reload: false, "json: one object a line. combined: the format of nginx and Apache."),
  ]
}
