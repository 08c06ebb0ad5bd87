// Stands in for TLS/ServerConfiguration+TLS.swift, which needs NIOSSL.
extension ServerConfiguration {
  /// Nothing: the fuzzer's connections are in clear text.
  public struct TLS: Sendable, Equatable {}
  /// Nothing, likewise.
  public struct StrictTransportSecurity: Sendable, Equatable {}
}
