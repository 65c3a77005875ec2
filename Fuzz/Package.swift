// swift-tools-version: 6.2
import PackageDescription

// Our own parsers under libFuzzer and the address sanitizer (Scripts/fuzz), and the tests of what needs no libtorch
// under the sanitizer that `swift test --sanitize` names (with RETORT_SANITIZE=1). The sources are
// those of the product, by links, so that this builds in a minute or two.
let isFuzzing = Context.environment["RETORT_SANITIZE"] == nil
let instrumented: [SwiftSetting] =
    (isFuzzing ? [.unsafeFlags(["-sanitize=fuzzer,address", "-enable-testing"])] : []) + [
        .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ]

let package = Package(
    name: "fuzz",
    dependencies: [.package(url: "https://github.com/jpsim/Yams", from: "6.2.2")],
    targets: [
        .systemLibrary(name: "CCrypto"),
        .target(name: "Diagnostics", swiftSettings: instrumented),
        .target(name: "Safetensors", dependencies: ["Diagnostics"], swiftSettings: instrumented),
        .target(name: "Engine", dependencies: ["Diagnostics", "CCrypto"], swiftSettings: instrumented),
        .target(
            name: "Manifest", dependencies: ["Engine", "Diagnostics", "Yams"], swiftSettings: instrumented),
    ],
    swiftLanguageModes: [.v6]
)

package.targets +=
    isFuzzing
    ? [
        .target(name: "CFuzz"),
        .target(
            name: "CJpeg",
            cSettings: [.unsafeFlags(["-O2", "-g", "-fwrapv", "-fsanitize=fuzzer-no-link,address"])]),
        .target(name: "VisionParsers", dependencies: ["Diagnostics"], swiftSettings: instrumented),
        .target(name: "SearchParsers", dependencies: ["Diagnostics"], swiftSettings: instrumented),
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "CFuzz", "CJpeg", "Safetensors", "Engine", "Manifest", "VisionParsers", "SearchParsers",
                "Diagnostics",
            ],
            swiftSettings: instrumented, linkerSettings: [.unsafeFlags(["-sanitize=address"])]),
    ]
    : [
        .target(name: "TestSupport", dependencies: ["Engine", "Diagnostics"], swiftSettings: instrumented),
        .testTarget(
            name: "EngineTests", dependencies: ["Engine", "Diagnostics", "TestSupport"],
            swiftSettings: instrumented),
        .testTarget(
            name: "ManifestTests", dependencies: ["Manifest", "Engine", "Diagnostics", "TestSupport"],
            swiftSettings: instrumented),
    ]
