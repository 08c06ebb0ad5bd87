extension OptionTable {
  /// The admin API: where it listens, who may use it, and what it keeps a record of.
  static let adminOptions: [ConfigurationOption] =
    [
      ConfigurationOption(
        "admin", .section, default: .absent, reload: false,
        "The admin API: invalidation, inspection, metrics. Without it there is no admin listener."),
      ConfigurationOption(
        "admin.address", .listenAddress, default: .text("127.0.0.1:8081"), reload: false,
        "Address and port of the admin API. An address that others can reach needs tls."),
    ] + adminUserOptions + adminTransportOptions

  private static let adminUserOptions: [ConfigurationOption] = [
    ConfigurationOption(
      "admin.users", .list, default: .required, min: "1", max: "100", unit: "users",
      reload: false, example: "users: [{ name: admin, password: \"${EDGE_ADMIN_PASSWORD}\" }]",
      "Who may use the admin API (Basic authentication)."),
    ConfigurationOption(
      "admin.users[]", .section, default: .required, reload: false,
      "One user: a name with one of password, password_file and password_hash."),
    ConfigurationOption(
      "admin.users[].name", .text, default: .required, reload: false, example: "name: admin",
      "The user's name, without a colon."),
    ConfigurationOption(
      "admin.users[].password", .secret, default: .absent, reload: false,
      example: "password: \"${EDGE_ADMIN_PASSWORD}\"",
      "The password, best as a reference to the environment."),
    ConfigurationOption(
      "admin.users[].password_file", .secretFile, default: .absent, reload: false,
      example: "password_file: secrets/admin",
      "A file that holds the password in its only line."),
    ConfigurationOption(
      "admin.users[].password_hash", .secret, default: .absent, reload: false,
      example: "password_hash: \"scrypt$ln=15,r=8,p=3$...\"",
      "The password's hash as 'edge hash-password' prints it (scrypt, RFC 7914)."),
    ConfigurationOption(
      "admin.users[].scopes", .list, default: .text("[admin]"), min: "1", max: "3",
      unit: "scopes", reload: false, example: "scopes: [read, purge]",
      "What the user may do."),
    ConfigurationOption(
      "admin.users[].scopes[]", .word, words: ["read", "purge", "admin"], default: .required,
      reload: false,
      "read: look at everything. purge: invalidate. admin: everything."),
    ConfigurationOption(
      "admin.tokens", .path, default: .absent, reload: true, example: "tokens: var/tokens",
      "The file of bearer tokens, which 'edge token' writes and the edge reads whenever it has "
        + "changed. It holds their digests only."),
  ]

  private static let adminTransportOptions: [ConfigurationOption] = [
    ConfigurationOption(
      "admin.tls", .section, default: .absent, reload: false,
      example: "tls: { certificate: certs/edge.pem, key: certs/edge.key }",
      "TLS 1.3 on the admin listener; required unless its address is loopback. The files are "
        + "watched as those of the listeners are."),
    ConfigurationOption(
      "admin.tls.certificate", .path, default: .required, reload: true,
      example: "certificate: certs/edge.pem",
      "The certificate (PEM), followed by the intermediate ones."),
    ConfigurationOption(
      "admin.tls.key", .path, default: .required, reload: true, example: "key: certs/edge.key",
      "The certificate's private key (PEM, ECDSA or RSA, without a passphrase)."),
    ConfigurationOption(
      "admin.tls.clients", .section, default: .absent, reload: false,
      example: "clients: { authorities: certs/clients.pem }",
      "Certificates of clients (mutual TLS), asked for beside the login. Without it none is."),
    ConfigurationOption(
      "admin.tls.clients.authorities", .path, default: .required, reload: true,
      example: "authorities: certs/clients.pem",
      "The authorities (PEM) that may have signed them."),
    ConfigurationOption(
      "admin.tls.clients.required", .boolean, default: .text("true"), reload: false,
      "Whether a client without a certificate is refused. One that is shown must be valid in any "
        + "case."),
    ConfigurationOption(
      "admin.allow", .list, default: .absent, min: "1", max: "10000", unit: "blocks",
      reload: false, example: "allow: [127.0.0.1, 10.0.0.0/8, \"2001:db8::/32\"]",
      "The only addresses that may use the admin API, probes included; without it all."),
    ConfigurationOption(
      "admin.allow[]", .addressBlock, default: .required, reload: false,
      "An address or a block of addresses."),
    ConfigurationOption(
      "admin.deny", .list, default: .text("[]"), min: "0", max: "10000", unit: "blocks",
      reload: false, example: "deny: [10.66.0.0/16]",
      "Addresses that may not use the admin API, whether allowed or not."),
    ConfigurationOption(
      "admin.deny[]", .addressBlock, default: .required, reload: false,
      "An address or a block of addresses."),
    ConfigurationOption(
      "admin.trusted_proxies", .list, default: .text("[]"), min: "0", max: "1000",
      unit: "blocks", reload: false, example: "trusted_proxies: [10.0.0.5]",
      "Proxies before the admin listener whose X-Forwarded-For is believed, for allow, deny, the "
        + "slowing of failed logins and the audit log. Nobody else's is."),
    ConfigurationOption(
      "admin.trusted_proxies[]", .addressBlock, default: .required, reload: false,
      "An address or a block of addresses."),
    ConfigurationOption(
      "admin.audit", .path, words: ["stderr", "off"], default: .text("stderr"), reload: false,
      example: "audit: var/audit.log",
      "Where every change over the admin API and every refused login leaves a line of JSON: "
        + "stderr (whatever log.level says), a file, or nowhere."),
  ]
}
