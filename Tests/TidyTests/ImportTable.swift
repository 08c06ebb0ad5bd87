/// Which target may import which: docs/ARCHITECTURE.md has the same table in words.
///
/// A new arrow is a decision about the architecture: it changes this table and that page together.
enum ImportTable {
  /// The project's modules that each target may import.
  static let allowed: [String: Set<String>] = [
    "HTTPMessage": [],
    "CachePolicy": ["HTTPMessage"],
    "EdgeConfig": [],
    "Observability": [],
    "EdgeSecurity": [],
    "CacheStore": ["EdgeSecurity", "Observability"],
    "EdgeProxy": ["HTTPMessage", "CachePolicy", "CacheStore", "EdgeSecurity", "Observability"],
    "HTTPServer": ["HTTPMessage", "EdgeSecurity", "Observability"],
    "OriginClient": ["HTTPMessage", "Observability"],
    "AdminAPI": [
      "EdgeProxy", "HTTPMessage", "CachePolicy", "CacheStore", "EdgeSecurity", "Observability",
    ],
    "edge": [
      "HTTPMessage", "CachePolicy", "EdgeConfig", "Observability", "EdgeSecurity", "CacheStore",
      "EdgeProxy", "HTTPServer", "OriginClient", "AdminAPI",
    ],
    "EdgeBench": ["HTTPMessage", "CacheStore"],
  ]

  /// The C modules and the targets that own the calls into them.
  static let owners: [String: Set<String>] = [
    "CAESGCM": ["EdgeSecurity"],
    "CCurl": ["OriginClient"],
    "CLinux": ["CacheStore", "HTTPServer", "OriginClient"],
    "CNghttp2": ["HTTPServer"],
    "CCrypto": ["EdgeSecurity"],
    "CZlib": ["EdgeProxy"],
  ]

  /// The data path, which does without Foundation.
  static let withoutFoundation: Set<String> = [
    "HTTPMessage", "CachePolicy", "CacheStore", "EdgeProxy", "HTTPServer", "OriginClient",
  ]

  static let foundationModules: Set<String> = [
    "Foundation", "FoundationEssentials", "FoundationInternationalization", "FoundationNetworking",
  ]
}
