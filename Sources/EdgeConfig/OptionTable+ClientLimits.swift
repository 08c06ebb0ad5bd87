extension OptionTable {
  /// The rows below `limits` that hold off slow and greedy clients.
  static let clientLimitOptions: [ConfigurationOption] = [
    ConfigurationOption(
      "limits.body_rate", .size, words: ["off"], default: .text("128 B"), min: "1 B",
      max: "1 GiB", reload: false,
      "The least bytes a second that a request body must come with while it is waited for. Below "
        + "it, over rate_window, the request is answered with 408."),
    ConfigurationOption(
      "limits.send_rate", .size, words: ["off"], default: .text("128 B"), min: "1 B",
      max: "1 GiB", reload: false,
      "The least bytes a second that a client must take of a response that waits for it. Below it, "
        + "over rate_window, the connection is reset."),
    ConfigurationOption(
      "limits.rate_window", .duration, default: .text("30 s"), min: "1 s", max: "10 minutes",
      reload: false, "The time over which body_rate and send_rate are taken."),
    ConfigurationOption(
      "limits.unsent", .size, words: ["off"], default: .text("256 KiB"), min: "16 KiB",
      max: "64 MiB", reload: false,
      "The most bytes of a response that the kernel takes ahead of what is on its way to the "
        + "client (TCP_NOTSENT_LOWAT). off leaves it to the kernel, which holds some MiB for a "
        + "client that does not read."),
    ConfigurationOption(
      "limits.per_address", .section, words: ["off"], default: .text("off"), reload: false,
      example: "per_address: { connections: 100, requests: 50 }",
      "What one client address may use, on all listeners together. An IPv6 client counts as its "
        + "/64. A connection or request beyond a limit is answered with 429 and Retry-After."),
    ConfigurationOption(
      "limits.per_address.connections", .count, words: ["unlimited"],
      default: .text("unlimited"), min: "1", max: "1000000", unit: "connections", reload: false,
      "The most connections of one address at a time."),
    ConfigurationOption(
      "limits.per_address.requests", .count, words: ["unlimited"], default: .text("unlimited"),
      min: "1", max: "1000000", unit: "requests a second", reload: false,
      "The most requests of one address a second, in the long run."),
    ConfigurationOption(
      "limits.per_address.burst", .count, words: ["auto"], default: .text("auto"), min: "1",
      max: "10000000", unit: "requests", reload: false,
      "The requests of one address that may come at once after a pause; auto is twice requests."),
    ConfigurationOption(
      "limits.per_address.exempt", .list, default: .text("[]"), max: "1000", unit: "blocks",
      reload: false, example: "exempt: [10.0.0.0/8, 2001:db8::/32]",
      "Addresses to which none of these limits apply, such as a load balancer's."),
    ConfigurationOption(
      "limits.per_address.exempt[]", .addressBlock, default: .required, reload: false,
      "An address, or a block of them."),
    ConfigurationOption(
      "limits.per_address.addresses", .count, default: .text("65536"), min: "16",
      max: "16777216", unit: "addresses", reload: false,
      "The most addresses that are kept count of at a time. While so many are in use, further "
        + "ones are not limited."),
  ]
}
