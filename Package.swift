// swift-tools-version: 6.1
import PackageDescription

/// Swift 6 language mode comes with the tools version; every warning stops the build.
let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .unsafeFlags(["-warnings-as-errors"]),
  // Dynamic exclusivity checks cost a hit 5 % (Benchmarks/RESULTS.md); the tests, built in debug,
  // run with them.
  .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// The store's random runs take minutes without the optimizer; overflow checks and preconditions
/// stay in debug builds.
let optimized = settings + [.unsafeFlags(["-O"], .when(configuration: .debug))]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let log: Target.Dependency = .product(name: "Logging", package: "swift-log")

let package = Package(
  name: "synapse-edge",
  products: [
    .executable(name: "edge", targets: ["edge"]),
    .executable(name: "edge-bench", targets: ["EdgeBench"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-atomics", from: "1.3.0"),
    .package(url: "https://github.com/apple/swift-http-structured-headers", from: "1.7.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    // C libraries: module maps and tiny shims.
    .systemLibrary(
      name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(
      name: "CNghttp2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
    .systemLibrary(
      name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CLinux"),
    .target(
      name: "CAESGCM", dependencies: [.product(name: "NIOSSL", package: "swift-nio-ssl")]),

    // The layers, each importing only those above it (docs/ARCHITECTURE.md has the table).
    .target(name: "HTTPMessage", dependencies: [nioCore], swiftSettings: settings),
    .target(
      name: "CachePolicy",
      dependencies: [
        "HTTPMessage", nioCore,
        .product(name: "RawStructuredFieldValues", package: "swift-http-structured-headers"),
      ], swiftSettings: settings),
    .target(
      name: "EdgeConfig", dependencies: [.product(name: "Yams", package: "Yams")],
      swiftSettings: settings),
    .target(
      name: "Observability",
      dependencies: [
        log, nioCore, .product(name: "Histogram", package: "hdrhistogram-swift"),
        .product(name: "Atomics", package: "swift-atomics"),
      ], swiftSettings: settings),
    .target(name: "EdgeSecurity", dependencies: ["CAESGCM", "CCrypto"], swiftSettings: settings),
    .target(
      name: "CacheStore",
      dependencies: [
        "EdgeSecurity", "Observability", "CLinux", nioCore, log,
        .product(name: "Atomics", package: "swift-atomics"),
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ], exclude: ["Disk/StoredRecord.proto"], swiftSettings: optimized),
    .target(
      name: "EdgeProxy",
      dependencies: [
        "HTTPMessage", "CachePolicy", "CacheStore", "EdgeSecurity", "Observability", "CZlib",
        nioCore, log,
        .product(name: "Atomics", package: "swift-atomics"),
        .product(name: "DequeModule", package: "swift-collections"),
      ], swiftSettings: settings),
    .target(
      name: "HTTPServer",
      dependencies: [
        "HTTPMessage", "EdgeSecurity", "Observability", "CLinux", "CNghttp2", nioCore, nioPosix,
        log, .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "NIOTLS", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ], swiftSettings: settings),
    .target(
      name: "OriginClient",
      dependencies: [
        "HTTPMessage", "Observability", "CCurl", "CLinux", nioCore, log,
        .product(name: "DequeModule", package: "swift-collections"),
      ], swiftSettings: settings),
    .target(
      name: "AdminAPI",
      dependencies: [
        "EdgeProxy", "CacheStore", "CachePolicy", "HTTPMessage", "EdgeSecurity", "Observability",
        nioCore, nioPosix, log, .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ], swiftSettings: settings),
    .executableTarget(
      name: "edge",
      dependencies: [
        "HTTPMessage", "CachePolicy", "EdgeConfig", "Observability", "EdgeSecurity", "CacheStore",
        "EdgeProxy", "HTTPServer", "OriginClient", "AdminAPI", nioCore, nioPosix, log,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ], swiftSettings: settings),
    .executableTarget(
      name: "EdgeBench",
      dependencies: [
        "CacheStore", nioCore, nioPosix, log,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ], swiftSettings: settings),

    .target(name: "CTestSpawn", path: "Tests/CTestSpawn"),
    .target(
      name: "TestSupport", dependencies: ["CTestSpawn"], path: "Tests/TestSupport",
      swiftSettings: settings),
    .testTarget(
      name: "HTTPMessageTests", dependencies: ["HTTPMessage"],
      // The oracle reads hundreds of thousands of messages, which takes minutes without.
      swiftSettings: settings + [.unsafeFlags(["-O"])]),
    .testTarget(name: "CachePolicyTests", dependencies: ["CachePolicy"], swiftSettings: settings),
    .testTarget(name: "EdgeConfigTests", dependencies: ["EdgeConfig"], swiftSettings: settings),
    .testTarget(
      name: "ObservabilityTests", dependencies: ["Observability"], swiftSettings: settings),
    .testTarget(
      name: "EdgeSecurityTests", dependencies: ["EdgeSecurity", "CCrypto"], swiftSettings: settings),
    .testTarget(
      name: "CacheStoreTests",
      dependencies: [
        "CacheStore", "EdgeSecurity", nioEmbedded,
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ], swiftSettings: optimized),
    .testTarget(
      name: "EdgeProxyTests", dependencies: ["EdgeProxy", nioEmbedded], swiftSettings: settings),
    .testTarget(
      name: "HTTPServerTests", dependencies: ["HTTPServer", "TestSupport", nioEmbedded, nioPosix],
      swiftSettings: settings),
    .testTarget(
      name: "OriginClientTests", dependencies: ["OriginClient", nioPosix], swiftSettings: settings),
    .testTarget(
      name: "AdminAPITests",
      dependencies: [
        "AdminAPI", .product(name: "HummingbirdTesting", package: "hummingbird"),
      ], swiftSettings: settings),
    .testTarget(
      name: "EndToEndTests", dependencies: ["edge", "EdgeBench", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "EdgeBenchTests", dependencies: ["EdgeBench", "CacheStore", nioCore, log],
      swiftSettings: settings),
    .testTarget(
      name: "TidyTests", dependencies: ["TestSupport"], swiftSettings: settings),
  ]
)
