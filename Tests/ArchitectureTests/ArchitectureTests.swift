import Foundation
import Testing

/// What each module may import from this package.
///
/// SwiftPM does not enforce this; this test does. The arrows are explained in the guide to the code's structure; an arrow that is added here needs a reason there.
private let arrows: [String: Set<String>] = [
    "Diagnostics": [],
    "Safetensors": ["Diagnostics"],
    "CCrypto": [],
    "CImageCodecs": [],
    "CZlib": [],
    "Text": ["Diagnostics", "CZlib"],
    "CJpeg": [],
    "CKernels": [],
    "CTorch": ["CKernels"],
    "CFaiss": ["CTorch"],
    "CTorchLibrary": ["CKernels"],
    "CFaissLibrary": [],
    "Engine": ["Diagnostics", "CCrypto"],
    "Manifest": ["Engine", "Diagnostics"],
    "Tensors": ["CTorch"],
    "Search": ["CFaiss", "CKernels", "Tensors", "Diagnostics"],
    "Layers": ["Tensors", "Safetensors", "Diagnostics"],
    "Models": ["Layers", "Tensors", "Diagnostics"],
    "Vision": ["Tensors", "CImageCodecs", "CJpeg", "CCrypto", "Diagnostics"],
    "World": ["Vision"],
    "Training": ["Layers", "Models", "Tensors", "Vision", "Text", "Safetensors", "Diagnostics"],
    "Export": ["Training", "Models", "Layers", "Tensors", "Safetensors", "Diagnostics"],
    "Stages": [
        "Engine", "Diagnostics", "World", "Models", "Training", "Vision", "Search", "Layers", "Tensors",
        "Text", "Safetensors",
    ],
    "Report": ["Engine", "Diagnostics", "Stages"],
    "Inspector": ["Engine", "Diagnostics", "Stages", "Report", "Search"],
    "retort": [
        "Diagnostics", "Engine", "Manifest", "Stages", "Report", "Inspector", "Export", "Models", "Training",
        "Vision",
        "World", "Search",
        "Layers", "Tensors", "Safetensors",
    ],
    "retort-bench": [
        "Diagnostics", "Training", "Models", "Layers", "Tensors", "Vision", "Safetensors", "Search",
    ],
    "TestSupport": ["Diagnostics", "Engine", "Tensors", "Safetensors", "Vision"],
]

@Suite struct ArchitectureTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// The text files below a folder of the repository that a person wrote.
    private static func sources(below folder: String) throws -> [(name: String, text: String)] {
        let extensions: Set<String> = [
            "swift", "c", "cpp", "h", "S", "def", "py", "sh", "js", "css", "md", "yaml",
        ]
        let files = try #require(
            FileManager.default.enumerator(at: root.appending(path: folder), includingPropertiesForKeys: nil))
        var sources: [(name: String, text: String)] = []
        for case let file as URL in files where extensions.contains(file.pathExtension) {
            let name = String(file.path.dropFirst(root.path.count + 1))
            sources.append((name, try String(contentsOf: file, encoding: .utf8)))
        }
        return sources
    }

    @Test func `every module has its arrows`() throws {
        let folders = try FileManager.default.contentsOfDirectory(
            atPath: Self.root.appending(path: "Sources").path)
        #expect(Set(folders).subtracting([".DS_Store"]) == Set(arrows.keys))
    }

    @Test(arguments: arrows.keys.sorted())
    func `a module imports only what its arrows allow`(_ module: String) throws {
        let allowed = try #require(arrows[module])
        for (name, text) in try Self.sources(below: "Sources/\(module)") where name.hasSuffix(".swift") {
            let imports = text.matches(
                of: /^\s*(?:@\w+(?:\(\w+\))?\s+)*(?:\w+\s+)?import\s+(?:\w+\s+)?(\w+)/
                    .anchorsMatchLineEndings())
            for imported in imports.map({ String($0.output.1) }) where arrows.keys.contains(imported) {
                #expect(allowed.contains(imported), "\(name) imports \(imported)")
            }
        }
    }

    @Test func `arrows never lead in a circle`() {
        var settled: Set<String> = []
        var rest = arrows
        while let next = rest.first(where: { settled.isSuperset(of: $0.value) }) {
            settled.insert(next.key)
            rest[next.key] = nil
        }
        #expect(rest.isEmpty, "\(rest.keys.sorted())")
    }

    @Test(arguments: [("CTorch", "ctorch.h", "ct_"), ("CFaiss", "cfaiss.h", "cf_")])
    func `a function of the library beside the program is in the list of jumps to it`(
        _ module: String, _ header: String, _ prefix: String
    ) throws {
        func text(_ file: String) throws -> String {
            try String(contentsOf: Self.root.appending(path: "Sources/\(module)/\(file)"), encoding: .utf8)
        }
        let name = try Regex("\\b(\(prefix)[a-z0-9_]+)\\(", as: (Substring, Substring).self)
        let declared = try text("include/\(header)").replacing(/\/\/[^\n]*/, with: "").matches(of: name).map(
            \.output.1)
        let listed = try text("functions.S").matches(of: /LAZY_FUNCTION\((\w+)\)/).map(\.output.1)
        let inside =
            try text("../CTorch/without_libtorch.c").matches(of: name).map(\.output.1) + [
                "ct_library_problem"
            ]
        #expect(Set(declared).subtracting(inside) == Set(listed).subtracting(["ct_"]))
        #expect(Set(listed).count == listed.count)
    }

    @Test(arguments: ["Sources", "Tests"]) func `no file is longer than 600 lines`(_ folder: String) throws {
        for (name, text) in try Self.sources(below: folder) {
            let count = text.split(separator: "\n", omittingEmptySubsequences: false).count - 1
            #expect(count <= 600, "\(name) has \(count) lines: split it")
        }
    }

    @Test(arguments: ["Sources", "Tests"]) func `nothing is left for later`(_ folder: String) throws {
        // Spelled in halves, so that this file does not find itself.
        let markers = [
            "TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK:", "fatal" + "Error(", "try" + "! ",
            "Place" + "holder until",
        ]
        for (name, text) in try Self.sources(below: folder) {
            for marker in markers {
                #expect(!text.contains(marker), "\(name) holds '\(marker)'")
            }
            #expect(!text.contains(".disabled" + "()"), "\(name) skips a test without a reason")
        }
    }

    @Test func `no merge is left half done`() throws {
        let folders = ["Sources", "Tests", "Scripts", "Pipelines"]
        let top = try FileManager.default.contentsOfDirectory(atPath: Self.root.path)
            .filter { $0.hasSuffix(".md") || $0.hasSuffix(".swift") || $0 == "Makefile" }
            .map { ($0, try String(contentsOf: Self.root.appending(path: $0), encoding: .utf8)) }
        let sources = try folders.flatMap { try Self.sources(below: $0) } + top
        for (name, text) in sources {
            for line in text.split(separator: "\n") {
                let isMarker = ["<", ">"].contains { line.hasPrefix(String(repeating: $0, count: 7) + " ") }
                #expect(!isMarker, "\(name) holds '\(line)'")
            }
        }
    }
}
