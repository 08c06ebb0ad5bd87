import CCrypto

/// A password as it may stand in a file: salted and hashed with scrypt (RFC 7914), which takes
/// time and memory that a guesser would have to spend on every guess.
///
/// As text: `scrypt$ln=15,r=8,p=3$SALT$HASH`, salt and hash in base 64 without padding. The
/// parameters are those of OWASP's password storage recommendation: 2^15 blocks of 1 KiB, 32 MiB
/// at a time, and some hundred milliseconds of one core.
public struct PasswordHash: Sendable, Equatable {
  /// What one hash costs.
  public struct Cost: Sendable, Equatable {
    /// Binary logarithm of the number of blocks.
    public let logarithm: Int
    /// A block's size in units of 128 bytes.
    public let blockSize: Int
    /// Passes, one after the other.
    public let passes: Int

    /// The cost of new hashes.
    public static let standard = Cost(logarithm: 15, blockSize: 8, passes: 3)

    init(logarithm: Int, blockSize: Int, passes: Int) {
      self.logarithm = logarithm
      self.blockSize = blockSize
      self.passes = passes
    }

    /// Memory while hashing.
    var memoryBytes: Int { 128 * blockSize * ((1 << logarithm) + passes) }

    /// A hash that is cheaper protects nothing; one that is dearer lets a login wear the edge out.
    var isAllowed: Bool {
      10...20 ~= logarithm && 1...32 ~= blockSize && 1...16 ~= passes
        && memoryBytes <= PasswordHash.mostMemoryBytes
    }
  }

  /// Memory that verifying may take.
  public static let mostMemoryBytes = 132 << 20
  /// The longest password that is hashed.
  public static let longestPasswordBytes = 1024

  private static let saltBytes = 16
  private static let digestBytes = 32

  let cost: Cost
  private let salt: [UInt8]
  private let digest: [UInt8]

  /// Hashes a password under a fresh salt; takes a while.
  /// - Throws: ``PasswordHashError`` when it is empty or too long, or there is no memory.
  public init(password: String, cost: Cost = .standard) throws(PasswordHashError) {
    guard 1...PasswordHash.longestPasswordBytes ~= password.utf8.count else {
      throw .passwordLength(limit: PasswordHash.longestPasswordBytes)
    }
    let salt = SecureRandom.bytes(PasswordHash.saltBytes)
    guard
      let digest = PasswordHash.scrypt(
        Array(password.utf8), salt: salt, cost: cost, count: PasswordHash.digestBytes)
    else { throw .outOfMemory }
    self.cost = cost
    self.salt = salt
    self.digest = digest
  }

  /// Reads a hash as ``text`` writes it.
  public init(_ text: String) throws(PasswordHashError) {
    let parts = text.split(separator: "$", omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0] == "scrypt" else { throw .form }
    var values: [Int] = []
    for (part, name) in zip(
      parts[1].split(separator: ",", omittingEmptySubsequences: false), ["ln", "r", "p"])
    {
      guard part.hasPrefix(name + "="), let value = Int(part.dropFirst(name.count + 1)) else {
        throw .form
      }
      values.append(value)
    }
    guard values.count == 3, parts[1].count(where: { $0 == "," }) == 2 else { throw .form }
    guard 1...63 ~= values[0], 1...1024 ~= values[1], 1...1024 ~= values[2],
      case let cost = Cost(
        logarithm: min(values[0], 32), blockSize: values[1], passes: values[2]), cost.isAllowed
    else { throw .cost }
    guard let salt = Base64.decodeUnpadded(parts[2].utf8), 8...64 ~= salt.count,
      let digest = Base64.decodeUnpadded(parts[3].utf8), 16...64 ~= digest.count
    else { throw .form }
    self.cost = cost
    self.salt = salt
    self.digest = digest
  }

  /// The hash for a configuration file.
  public var text: String {
    "scrypt$ln=\(cost.logarithm),r=\(cost.blockSize),p=\(cost.passes)$"
      + "\(Base64.encodeUnpadded(salt))$\(Base64.encodeUnpadded(digest))"
  }

  /// Whether this is the password's hash; takes as long as making one. A password that is too
  /// long is hashed cut off, for the time's sake, and never matches.
  func matches(_ password: some Collection<UInt8>) -> Bool {
    let cut = Array(password.prefix(PasswordHash.longestPasswordBytes))
    let made = PasswordHash.scrypt(cut, salt: salt, cost: cost, count: digest.count)
    guard let made else { return false }
    let isEqual = ConstantTime.areEqual(made, digest)
    return isEqual && cut.count == password.count && !cut.isEmpty
  }

  /// nil when there is no memory.
  private static func scrypt(
    _ password: [UInt8], salt: [UInt8], cost: Cost, count: Int
  ) -> [UInt8]? {
    var digest = [UInt8](repeating: 0, count: count)
    let result = password.withUnsafeBytes { bytes in
      EVP_PBE_scrypt(
        bytes.baseAddress?.assumingMemoryBound(to: CChar.self), password.count, salt, salt.count,
        1 << UInt64(cost.logarithm), UInt64(cost.blockSize), UInt64(cost.passes),
        UInt64(mostMemoryBytes + 1 << 20), &digest, count)
    }
    return result == 1 ? digest : nil
  }
}

extension PasswordHash: CustomStringConvertible, CustomReflectable {
  /// The cost alone.
  public var description: String { "PasswordHash(ln=\(cost.logarithm))" }
  /// The cost alone.
  public var customMirror: Mirror { Mirror(self, children: ["cost": cost]) }
}

/// Why there is no password hash.
public enum PasswordHashError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The text is not of the form.
  case form
  /// Its cost is too low to protect or too high to pay.
  case cost
  /// The password is empty or too long.
  case passwordLength(limit: Int)
  /// Hashing needs memory that there is not.
  case outOfMemory

  /// What is wrong; continues a sentence about the text.
  public var description: String {
    switch self {
    case .form:
      "is no password hash; make one with 'edge hash-password' "
        + "(scrypt$ln=15,r=8,p=3$SALT$HASH)"
    case .cost:
      "costs too little to protect or too much to check (ln of 10 or more, at most "
        + "\(PasswordHash.mostMemoryBytes >> 20) MiB of memory; make one with 'edge "
        + "hash-password')"
    case .passwordLength(let limit): "must have 1 to \(limit) bytes"
    case .outOfMemory: "cannot be hashed: there is no memory for it"
    }
  }
}
