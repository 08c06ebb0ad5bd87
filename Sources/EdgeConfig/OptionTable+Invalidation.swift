extension OptionTable {
  /// The rows about invalidations below `admin`, and `purge`.
  static let invalidationOptions: [ConfigurationOption] =
    jobOptions + cloudFrontOptions + eventOptions + purgeOptions

  private static let jobOptions: [ConfigurationOption] = [
    ConfigurationOption(
      "admin.jobs_file", .path, default: .absent, reload: false, example: "jobs_file: var/jobs",
      "Where the jobs of invalidations are kept across restarts; without it beside the objects on "
        + "disk, with several paths in store.keys, and without a disk tier nowhere."),
    ConfigurationOption(
      "admin.refresh", .section, default: .text("{}"), reload: false,
      "How invalidations of the kind refresh fetch again what is in use."),
    ConfigurationOption(
      "admin.refresh.objects", .count, default: .text("1000"), min: "0", max: "100000",
      unit: "objects", reload: false,
      "The most objects that one invalidation fetches again, those with more hits first."),
    ConfigurationOption(
      "admin.refresh.per_second", .count, default: .text("50"), min: "1", max: "10000",
      unit: "fetches", reload: false, "The most such fetches begun in a second."),
    ConfigurationOption(
      "admin.refresh.concurrency", .count, default: .text("4"), min: "1", max: "1000",
      unit: "fetches", reload: false, "The most such fetches at once."),
  ]

  private static let cloudFrontOptions: [ConfigurationOption] = [
    ConfigurationOption(
      "admin.cloudfront", .section, default: .absent, reload: false,
      example: "cloudfront: { distribution: E1EDGE, keys: [{ id: edge, secret: \"${KEY}\" }] }",
      "CloudFront's invalidation API, so that its clients work here (aws cloudfront "
        + "create-invalidation --endpoint-url). Without it nobody may use it."),
    ConfigurationOption(
      "admin.cloudfront.distribution", .token, default: .required, reload: false,
      example: "distribution: E1EDGE", "The id of the distribution that clients name."),
    ConfigurationOption(
      "admin.cloudfront.keys", .list, default: .required, min: "1", max: "100", unit: "keys",
      reload: false, example: "keys: [{ id: edge, secret: \"${CLOUDFRONT_SECRET}\" }]",
      "Access keys, made up by you, that requests are signed with (AWS Signature Version 4)."),
    ConfigurationOption(
      "admin.cloudfront.keys[]", .section, default: .required, reload: false, "One access key."),
    ConfigurationOption(
      "admin.cloudfront.keys[].id", .token, default: .required, reload: false, example: "id: edge",
      "The access key id."),
    ConfigurationOption(
      "admin.cloudfront.keys[].secret", .secret, default: .required, reload: false,
      example: "secret: \"${CLOUDFRONT_SECRET}\"", "The secret access key."),
  ]

  private static let eventOptions: [ConfigurationOption] = [
    ConfigurationOption(
      "admin.events", .list, default: .absent, min: "1", max: "1000", unit: "events",
      reload: false,
      example: "events: [{ name: product, secret: \"${KEY}\", tags: [\"product-{id}\"] }]",
      "Events that other systems report to POST /v1/events/NAME, and what they invalidate. In the "
        + "templates {a.b} stands for a value of the report's JSON, once for each item of a list."),
    ConfigurationOption(
      "admin.events[]", .section, default: .required, reload: false, "One event."),
    ConfigurationOption(
      "admin.events[].name", .token, default: .required, reload: false, example: "name: product",
      "The name in the path."),
    ConfigurationOption(
      "admin.events[].secret", .secret, default: .required, reload: false,
      example: "secret: \"${EVENT_SECRET}\"",
      "What reports are signed with (HMAC-SHA256 of the content)."),
    ConfigurationOption(
      "admin.events[].signature", .word, words: ["content", "timed"], default: .text("content"),
      reload: false,
      "content: the field holds sha256=HEX over the content, as GitHub's. timed: it holds "
        + "t=SECONDS,v1=HEX over the seconds, a dot and the content, as Stripe's; good for 5 "
        + "minutes, and once."),
    ConfigurationOption(
      "admin.events[].signature_field", .fieldName, default: .text("X-Hub-Signature-256"),
      reload: false, "The header field that holds the signature."),
    ConfigurationOption(
      "admin.events[].tags", .list, default: .text("[]"), min: "0", max: "100", unit: "templates",
      reload: false, example: "tags: [\"product-{id}\"]", "Cache tags to invalidate."),
    ConfigurationOption(
      "admin.events[].tags[]", .text, default: .required, reload: false,
      "A tag; values with blanks are left out."),
    ConfigurationOption(
      "admin.events[].paths", .list, default: .text("[]"), min: "0", max: "100",
      unit: "templates", reload: false, example: "paths: [\"/products/{id}*\"]",
      "Paths to invalidate; * stands for any characters."),
    ConfigurationOption(
      "admin.events[].paths[]", .text, default: .required, reload: false,
      "A path; in values everything but letters, digits and -._~ is percent-encoded."),
    ConfigurationOption(
      "admin.events[].urls", .list, default: .text("[]"), min: "0", max: "100", unit: "templates",
      reload: false, example: "urls: [\"{url}\"]", "Whole URLs to invalidate."),
    ConfigurationOption(
      "admin.events[].urls[]", .text, default: .required, reload: false,
      "A URL; a template that is one value alone takes it as it is."),
    ConfigurationOption(
      "admin.events[].host", .authority, default: .absent, reload: false,
      example: "host: www.example.com", "The only host whose paths are meant."),
    ConfigurationOption(
      "admin.events[].kind", .word, words: ["hard", "soft", "refresh"], default: .text("soft"),
      reload: false,
      "hard removes; soft marks stale; refresh also fetches again what is in use."),
  ]

  private static let purgeOptions: [ConfigurationOption] = [
    ConfigurationOption(
      "purge", .section, words: ["off"], default: .text("off"), reload: false,
      example: "purge: { allow: [127.0.0.1] }",
      "Answers PURGE on the listeners that serve clients. off sends it to the origin, as any "
        + "other method."),
    ConfigurationOption(
      "purge.allow", .list, default: .text("[]"), min: "0", max: "1000", unit: "blocks",
      reload: false, example: "allow: [10.0.0.0/8]",
      "The addresses that may purge, as the edge sees them; an empty list stands for all, and then "
        + "a secret is needed."),
    ConfigurationOption(
      "purge.allow[]", .addressBlock, default: .required, reload: false,
      "An address or a block of addresses."),
    ConfigurationOption(
      "purge.secret", .secret, default: .absent, reload: false, example: "secret: \"${PURGE_KEY}\"",
      "What the request must show: Authorization: Bearer SECRET, or Fastly-Key: SECRET."),
  ]
}
