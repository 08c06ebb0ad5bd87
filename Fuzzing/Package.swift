// swift-tools-version: 6.1
import PackageDescription

// The fuzzer's own package: the parsers of the edge with coverage counters and AddressSanitizer,
// and as little else as they need (no TLS, no sockets, no libcurl), so that it builds in a few
// minutes. Its targets are links to those of the main package, or to the parts of them that do
// without sockets and TLS; scripts/fuzz.sh builds and runs it.

/// What libFuzzer watches, and what makes a read past a buffer's end stop the process.
let instrumented: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .unsafeFlags([
    "-enable-testing", "-sanitize=address",
    "-sanitize-coverage=edge,indirect-calls,trace-cmp,inline-8bit-counters,pc-table",
  ]),
]
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")

let package = Package(
  name: "synapse-edge-fuzzing",
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-http-structured-headers", from: "1.7.0"),
  ],
  targets: [
    .systemLibrary(
      name: "CNghttp2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
    .target(name: "HTTPMessage", dependencies: [nioCore], swiftSettings: instrumented),
    .target(
      name: "CachePolicy",
      dependencies: [
        "HTTPMessage", nioCore,
        .product(name: "RawStructuredFieldValues", package: "swift-http-structured-headers"),
      ], swiftSettings: instrumented),
    .target(
      name: "EdgeSecurity", sources: ["AddressList.swift", "NetworkAddress.swift"],
      swiftSettings: instrumented),
    .target(
      name: "HTTPServer",
      dependencies: [
        "HTTPMessage", "EdgeSecurity", "CNghttp2", nioCore,
        .product(name: "DequeModule", package: "swift-collections"),
      ], swiftSettings: instrumented),
    .target(
      name: "OriginClient", dependencies: ["HTTPMessage", nioCore],
      sources: ["ResponseHeadParser.swift"], swiftSettings: instrumented),
    .executableTarget(
      name: "EdgeFuzz",
      dependencies: [
        "HTTPMessage", "CachePolicy", "HTTPServer", "OriginClient", nioCore,
        .product(name: "NIOEmbedded", package: "swift-nio"),
        .product(name: "RawStructuredFieldValues", package: "swift-http-structured-headers"),
      ], swiftSettings: instrumented, linkerSettings: [.unsafeFlags(["-sanitize=address"])]),
  ]
)
