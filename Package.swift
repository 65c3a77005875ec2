// swift-tools-version: 6.2
import PackageDescription

// Native libraries, linked by full path so that no other libtorch on the machine is picked up. OpenBLAS comes
// last: FAISS then takes its matrix product from libtorch's MKL, and OpenBLAS only fills what is left over. It is
// passed through -Xlinker, because swiftc moves plain -l flags before all of those.
let root = Context.packageDirectory
let torch = "\(root)/.deps/torch"
let torchHeaders = ["-isystem", "\(torch)/include", "-isystem", "\(torch)/include/torch/csrc/api/include"]
let nativeLibraries: [LinkerSetting] = [
    .unsafeFlags([
        "-lfaiss", "-Xlinker", "\(torch)/lib/libtorch_cpu.so", "-Xlinker", "\(torch)/lib/libc10.so",
        "-Xlinker", "-rpath", "-Xlinker", "\(torch)/lib", "-Xlinker", "-lopenblas",
    ])
]

let package = Package(
    name: "retort",
    products: [
        .executable(name: "retort", targets: ["retort"]),
        .library(name: "RetortNative", type: .dynamic, targets: ["CTorchLibrary", "CFaissLibrary"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        // What Hummingbird's own interface is made of
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Leaves
        .target(name: "Diagnostics"),
        .target(name: "Safetensors", dependencies: ["Diagnostics"]),
        .systemLibrary(name: "CCrypto"),
        .systemLibrary(name: "CImageCodecs"),
        .systemLibrary(name: "CZlib"),
        .target(name: "Text", dependencies: ["Diagnostics", "CZlib"]),
        // Optimized in debug builds, too; integers that overflow in damaged files wrap
        .target(name: "CJpeg", cSettings: [.unsafeFlags(["-O3", "-fwrapv"])]),
        // Engine: graphs, keys, processes, files; never a tensor
        .target(name: "Engine", dependencies: ["Diagnostics", "CCrypto"]),
        .target(name: "Manifest", dependencies: ["Engine", "Diagnostics", "Yams"]),
        // Learning: tensors and images; never YAML
        // Optimised in debug builds, too: tests would take minutes longer
        .target(
            name: "CKernels", cxxSettings: [.unsafeFlags(["-O3"])],
            linkerSettings: [.unsafeFlags(["-l:libgomp.so.1"])]),
        // What Swift sees of libtorch and FAISS: C interfaces, and jumps into the library below
        .target(name: "CTorch", dependencies: ["CKernels"], cSettings: [.unsafeFlags(torchHeaders)]),
        .target(name: "CFaiss", dependencies: ["CTorch"]),
        // What stands behind them: the library RetortNative, loaded when one of their functions is first called
        .target(
            name: "CTorchLibrary", dependencies: ["CKernels"], publicHeadersPath: ".",
            cxxSettings: [
                // C++20 would want CKernels' header as a compiled module.
                .unsafeFlags(torchHeaders + ["-fno-cxx-modules"]),
                .headerSearchPath("gloo"), .headerSearchPath("../CTorch/include"),
            ],
            linkerSettings: nativeLibraries),
        .target(
            name: "CFaissLibrary", publicHeadersPath: ".",
            cxxSettings: [.headerSearchPath("../CFaiss/include")]),
        .target(name: "Tensors", dependencies: ["CTorch"]),
        .target(name: "Search", dependencies: ["CFaiss", "CKernels", "Tensors", "Diagnostics"]),
        .target(name: "Layers", dependencies: ["Tensors", "Safetensors", "Diagnostics"]),
        .target(name: "Models", dependencies: ["Layers", "Tensors", "Diagnostics"]),
        .target(
            name: "Vision", dependencies: ["Tensors", "CImageCodecs", "CJpeg", "CCrypto", "Diagnostics"]),
        .target(name: "World", dependencies: ["Vision"]),
        .target(
            name: "Training",
            dependencies: [
                "Layers", "Models", "Tensors", "Vision", "Text", "Safetensors", "Diagnostics",
            ]),
        .target(
            name: "Export",
            dependencies: ["Training", "Models", "Layers", "Tensors", "Safetensors", "Diagnostics"]),
        // Where the two meet
        .target(
            name: "Stages",
            dependencies: [
                "Engine", "Diagnostics", "World", "Models", "Training", "Vision", "Search", "Layers",
                "Tensors", "Text",
                "Safetensors",
            ]),
        .target(name: "Report", dependencies: ["Engine", "Diagnostics", "Stages"]),
        .target(
            name: "Inspector",
            dependencies: [
                "Report", "Stages", "Search", "Engine", "Diagnostics",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        .executableTarget(
            name: "retort",
            dependencies: [
                "Diagnostics", "Engine", "Manifest", "Stages", "Report", "Inspector", "Export", "Models",
                "Training",
                "Vision",
                "World",
                "Search", "Layers", "Tensors", "Safetensors",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        // Measures Retort against the usual libraries; not part of the product
        .executableTarget(
            name: "retort-bench",
            dependencies: [
                "Diagnostics", "Training", "Models", "Layers", "Tensors", "Vision", "Safetensors", "Search",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        // Tests
        .target(
            name: "TestSupport", dependencies: ["Diagnostics", "Engine", "Tensors", "Safetensors", "Vision"]),
        .testTarget(name: "ArchitectureTests"),
        .testTarget(name: "DiagnosticsTests", dependencies: ["Diagnostics"]),
        .testTarget(name: "EngineTests", dependencies: ["Engine", "Diagnostics", "TestSupport"]),
        .testTarget(
            name: "ManifestTests", dependencies: ["Manifest", "Engine", "Diagnostics", "TestSupport"]),
        .testTarget(name: "TextTests", dependencies: ["Text", "Diagnostics", "TestSupport"]),
        .testTarget(name: "SafetensorsTests", dependencies: ["Safetensors", "Diagnostics", "TestSupport"]),
        .testTarget(
            name: "TensorsTests",
            dependencies: ["Tensors", "CTorch", "CKernels", "Safetensors", "TestSupport"]),
        .testTarget(
            name: "LayersTests",
            dependencies: ["Layers", "Diagnostics", "Tensors", "Safetensors", "TestSupport"]),
        .testTarget(
            name: "ModelsTests",
            dependencies: ["Models", "Layers", "Diagnostics", "Tensors", "Safetensors", "TestSupport"]),
        .testTarget(
            name: "VisionTests", dependencies: ["Vision", "CJpeg", "Tensors", "Diagnostics", "TestSupport"]),
        .testTarget(name: "WorldTests", dependencies: ["World", "Vision", "TestSupport"]),
        .testTarget(
            name: "SearchTests",
            dependencies: ["Search", "CFaiss", "CKernels", "Tensors", "Diagnostics", "TestSupport"]),
        .testTarget(
            name: "TrainingTests",
            dependencies: [
                "Training", "Layers", "Models", "Tensors", "Vision", "Text", "Safetensors", "Diagnostics",
                "TestSupport",
            ]),
        .testTarget(
            name: "ExportTests",
            dependencies: [
                "Export", "Training", "Models", "Layers", "Tensors", "Safetensors", "Diagnostics", "Engine",
                "TestSupport",
            ]),
        .testTarget(
            name: "StagesTests",
            dependencies: [
                "Stages", "Engine", "Diagnostics", "Training", "Models", "Vision", "World", "Search",
                "Tensors", "Report", "Text",
                "TestSupport",
            ]),
        .testTarget(
            name: "ReportTests", dependencies: ["Report", "Stages", "Engine", "Diagnostics", "TestSupport"]),
        .testTarget(
            name: "InspectorTests",
            dependencies: ["Inspector", "Report", "Search", "Diagnostics", "TestSupport"]),
        .testTarget(
            name: "PipelineTests",
            dependencies: [
                "Manifest", "Engine", "Stages", "Report", "Diagnostics", "Vision", "Safetensors", "Search",
                "TestSupport",
                "retort",
            ]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx20
)

for target in package.targets
where target.type != .system && !target.name.hasPrefix("C") {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .treatAllWarnings(as: .error),
    ]
}
