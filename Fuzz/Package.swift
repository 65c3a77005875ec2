// swift-tools-version: 6.2
import PackageDescription

// Our own parsers under libFuzzer and the address sanitizer. The sources are those of the product, by links; what
// needs libtorch is left out, so that this builds in a minute or two. Started by Scripts/fuzz.
let instrumented: [SwiftSetting] = [
    .unsafeFlags(["-sanitize=fuzzer,address", "-enable-testing"]),
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "fuzz",
    dependencies: [.package(url: "https://github.com/jpsim/Yams", from: "6.2.2")],
    targets: [
        .systemLibrary(name: "CCrypto"),
        .target(name: "CFuzz"),
        .target(
            name: "CJpeg",
            cSettings: [.unsafeFlags(["-O2", "-g", "-fwrapv", "-fsanitize=fuzzer-no-link,address"])]),
        .target(name: "Diagnostics", swiftSettings: instrumented),
        .target(name: "Safetensors", dependencies: ["Diagnostics"], swiftSettings: instrumented),
        .target(name: "Engine", dependencies: ["Diagnostics", "CCrypto"], swiftSettings: instrumented),
        .target(
            name: "Manifest", dependencies: ["Engine", "Diagnostics", "Yams"], swiftSettings: instrumented),
        .target(name: "VisionParsers", dependencies: ["Diagnostics"], swiftSettings: instrumented),
        .target(name: "SearchParsers", dependencies: ["Diagnostics"], swiftSettings: instrumented),
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "CFuzz", "CJpeg", "Safetensors", "Engine", "Manifest", "VisionParsers", "SearchParsers",
                "Diagnostics",
            ],
            swiftSettings: instrumented, linkerSettings: [.unsafeFlags(["-sanitize=address"])]),
    ],
    swiftLanguageModes: [.v6]
)
