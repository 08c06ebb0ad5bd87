extension EdgeConfiguration {
  /// Invalidations over the admin API: jobs, CloudFront's API, events.
  public struct Invalidation: Sendable, Equatable {
    /// Where jobs are kept; nil: beside the objects on disk.
    public let jobsFile: String?
    /// How much is fetched again, and how fast.
    public let refresh: Refresh
    /// CloudFront's API; nil when it is not offered.
    public let cloudFront: CloudFront?
    /// Names are unique.
    public let events: [Event]

    /// How an invalidation of the kind refresh fetches.
    public struct Refresh: Sendable, Equatable {
      /// Objects that one invalidation fetches again.
      public let objects: Int
      /// Fetches begun in a second.
      public let perSecond: Int
      /// Fetches at once.
      public let concurrency: Int
    }

    /// CloudFront's API.
    public struct CloudFront: Sendable, Equatable {
      /// The distribution's id.
      public let distribution: String
      /// At least one; ids are unique.
      public let keys: [Key]

      /// An access key.
      public struct Key: Sendable, Equatable {
        /// The access key id.
        public let id: String
        /// The secret access key.
        public let secret: Secret
      }
    }

    /// An event that other systems report.
    public struct Event: Sendable, Equatable {
      /// How reports are signed.
      public enum Signature: String, Sendable {
        case content
        case timed
      }

      /// What becomes of what is matched.
      public enum Kind: String, Sendable {
        case hard
        case soft
        case refresh
      }

      /// The name in the path.
      public let name: String
      /// What reports are signed with.
      public let secret: Secret
      /// How.
      public let signature: Signature
      /// The field that holds the signature; lower case.
      public let signatureField: String
      /// Templates of cache tags.
      public let tags: [String]
      /// Templates of paths.
      public let paths: [String]
      /// Templates of URLs.
      public let urls: [String]
      /// Limits the paths; nil for all hosts.
      public let host: String?
      /// What becomes of what is matched.
      public let kind: Kind
    }
  }

  /// PURGE on the listeners that serve clients.
  public struct Purge: Sendable, Equatable {
    /// Blocks that may; empty for all.
    public let allow: [String]
    /// What requests must show; nil for nothing.
    public let secret: Secret?
  }
}

extension EdgeConfiguration.Invalidation {
  init(_ admin: ConfigurationSection) {
    jobsFile = admin["jobs_file"]?.text
    let refresh = admin.section("refresh")
    self.refresh = Refresh(
      objects: refresh.count("objects"), perSecond: refresh.count("per_second"),
      concurrency: refresh.count("concurrency"))
    cloudFront = admin["cloudfront"]?.section.map { section in
      CloudFront(
        distribution: section.text("distribution"),
        keys: section.list("keys").map { key in
          CloudFront.Key(id: key.text("id"), secret: key.secret("secret"))
        })
    }
    events = (admin["events"]?.list ?? []).compactMap(\.section).map { Event($0) }
  }
}

extension EdgeConfiguration.Invalidation.Event {
  fileprivate init(_ values: ConfigurationSection) {
    name = values.text("name")
    secret = values.secret("secret")
    signature = values.word("signature")
    signatureField = values.text("signature_field")
    tags = values.texts("tags")
    paths = values.texts("paths")
    urls = values.texts("urls")
    host = values["host"]?.text
    kind = values.word("kind")
  }
}

extension EdgeConfiguration.Purge {
  init(_ values: ConfigurationSection) {
    allow = values.texts("allow")
    secret = values["secret"]?.secret
  }
}
