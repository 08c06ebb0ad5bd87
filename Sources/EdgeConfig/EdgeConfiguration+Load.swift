extension EdgeConfiguration {
  /// The largest file that is read.
  public static let fileSizeLimitBytes = 4 * 1024 * 1024

  /// Loads a configuration file.
  ///
  /// - Parameters:
  ///   - path: the file; relative paths inside it count from its folder.
  ///   - environment: the variables for `${NAME}` references.
  ///   - certificates: finds faults in the files of TLS listeners; nil leaves them unread.
  /// - Throws: every fault of the file at once, ordered by place.
  public static func load(
    path: String, environment: [String: String], certificates: CertificateInspector? = nil
  ) throws(ConfigurationError) -> EdgeConfiguration {
    let bytes: [UInt8]
    do {
      bytes = try FilePath.read(path, limitBytes: fileSizeLimitBytes)
    } catch {
      throw ConfigurationError(diagnostics: [
        Diagnostic(file: path, line: 0, column: 0, message: "the file \(error.message)")
      ])
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ConfigurationError(diagnostics: [
        Diagnostic(file: path, line: 0, column: 0, message: "the file is not UTF-8 text")
      ])
    }
    return try load(
      text: text, file: path, environment: environment,
      baseDirectory: FilePath.folder(of: path), certificates: certificates)
  }

  /// Loads a configuration from a text.
  ///
  /// - Parameters:
  ///   - text: YAML.
  ///   - file: the name that diagnostics show.
  ///   - environment: the variables for `${NAME}` references.
  ///   - baseDirectory: the folder from which relative paths count.
  ///   - certificates: finds faults in the files of TLS listeners; nil leaves them unread.
  /// - Throws: every fault of the text at once, ordered by place.
  public static func load(
    text: String, file: String, environment: [String: String], baseDirectory: String,
    certificates: CertificateInspector? = nil
  ) throws(ConfigurationError) -> EdgeConfiguration {
    let (node, syntaxFaults) = YAMLReader.read(text)
    if node == nil, let error = syntaxFaults.error(file: file) { throw error }
    var decoder = ConfigurationDecoder(
      environment: environment,
      baseDirectory: FilePath.resolve(baseDirectory, in: FilePath.currentFolder),
      diagnostics: syntaxFaults)
    var values = decoder.decodeFile(node)
    var checks = ConfigurationChecks(diagnostics: decoder.diagnostics)
    checks.run(on: &values, certificates: certificates)
    if let error = checks.diagnostics.error(file: file) { throw error }
    return EdgeConfiguration(values, warnings: checks.diagnostics.warnings(file: file))
  }
}
