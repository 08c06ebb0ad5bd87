extension OptionTable {
  /// What a listener says about TLS.
  static let tlsOptions: [ConfigurationOption] = [
    ConfigurationOption(
      "listeners[].tls", .section, default: .absent, reload: false,
      example: "tls: { certificate: certs/edge.pem, key: certs/edge.key }",
      "TLS on this listener; without it, clear text. The files are watched: a changed certificate "
        + "serves new connections without a restart, a broken one leaves the former in place."),
    ConfigurationOption(
      "listeners[].tls.certificate", .path, default: .absent, reload: true,
      example: "certificate: certs/edge.pem",
      "The certificate (PEM), followed by the intermediate ones."),
    ConfigurationOption(
      "listeners[].tls.key", .path, default: .absent, reload: true,
      example: "key: certs/edge.key",
      "The certificate's private key (PEM, ECDSA or RSA, without a passphrase)."),
    ConfigurationOption(
      "listeners[].tls.certificates", .list, default: .absent, min: "1", max: "1000",
      unit: "certificates", reload: false,
      example: "certificates: [{ certificate: certs/a.pem, key: certs/a.key }]",
      "Several certificates in place of certificate and key; clients choose by the server name "
        + "they send (SNI). The first one serves clients that name none of them."),
    ConfigurationOption(
      "listeners[].tls.certificates[]", .section, default: .required, reload: false,
      "One certificate with its key."),
    ConfigurationOption(
      "listeners[].tls.certificates[].certificate", .path, default: .required, reload: true,
      example: "certificate: certs/a.pem",
      "The certificate (PEM), followed by the intermediate ones."),
    ConfigurationOption(
      "listeners[].tls.certificates[].key", .path, default: .required, reload: true,
      example: "key: certs/a.key",
      "The certificate's private key (PEM, ECDSA or RSA, without a passphrase)."),
    ConfigurationOption(
      "listeners[].tls.certificates[].names", .list, default: .absent, min: "1", max: "1000",
      unit: "names", reload: false, example: "names: [www.example.com, \"*.example.org\"]",
      "The server names it is chosen for; without them those in the certificate. Of two "
        + "certificates with one name the first counts."),
    ConfigurationOption(
      "listeners[].tls.certificates[].names[]", .text, default: .required, reload: false,
      "A host name; '*.' in front stands for one label."),
    ConfigurationOption(
      "listeners[].tls.minimum", .word, words: ["1.3", "1.2"], default: .text("1.3"),
      reload: false,
      "The oldest version of TLS that is spoken. 1.2 comes with ECDHE and AEAD suites only."),
    ConfigurationOption(
      "listeners[].tls.handshake_timeout", .duration, default: .text("10 s"), min: "100 ms",
      max: "2 minutes", reload: false,
      "The longest wait for the end of a handshake, from the connection's start."),
    ConfigurationOption(
      "listeners[].tls.clients", .section, default: .absent, reload: false,
      example: "clients: { authorities: certs/clients.pem }",
      "Certificates of clients (mutual TLS). Without it none is asked for."),
    ConfigurationOption(
      "listeners[].tls.clients.authorities", .path, default: .required, reload: true,
      example: "authorities: certs/clients.pem",
      "The authorities (PEM) that may have signed them."),
    ConfigurationOption(
      "listeners[].tls.clients.required", .boolean, default: .text("true"), reload: false,
      "Whether a client without a certificate is refused. One that is shown must be valid in any "
        + "case."),
    ConfigurationOption(
      "listeners[].hsts", .section, default: .absent, reload: false,
      example: "hsts: { max_age: 365 days }",
      "Adds Strict-Transport-Security to every response of this listener, which must speak TLS: "
        + "browsers then use TLS for this host only (RFC 6797)."),
    ConfigurationOption(
      "listeners[].hsts.max_age", .duration, default: .text("365 days"), min: "0",
      max: "3650 days", reload: false, "How long browsers keep to it; 0 takes it back."),
    ConfigurationOption(
      "listeners[].hsts.include_subdomains", .boolean, default: .text("false"), reload: false,
      "Whether it goes for all hosts below this one."),
    ConfigurationOption(
      "listeners[].hsts.preload", .boolean, default: .text("false"), reload: false,
      "Whether browsers may have it built in; needs include_subdomains and a year of max_age."),
  ]
}
