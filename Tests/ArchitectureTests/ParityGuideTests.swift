import Foundation
import Testing

/// The guide to parity says what the fixtures were really made with.
@Suite struct ParityGuideTests {
    private struct Manifest: Decodable {
        let versions: [String: String]?
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    @Test func `every folder of fixtures has a row with the versions of its references`() throws {
        let guide = try String(
            contentsOf: Self.root.appending(path: "Sources/retort/Retort.docc/Guides/Parity.md"),
            encoding: .utf8)
        let fixtures = Self.root.appending(path: "Tests/Fixtures")
        for folder in try FileManager.default.contentsOfDirectory(atPath: fixtures.path).sorted() {
            let file = fixtures.appending(path: "\(folder)/manifest.json")
            guard let data = FileManager.default.contents(atPath: file.path) else { continue }
            let versions = try JSONDecoder().decode(Manifest.self, from: data).versions ?? [:]
            guard !versions.isEmpty else { continue }
            let row = guide.split(separator: "\n").first { $0.hasPrefix("| `\(folder)` |") }
            #expect(row != nil, "\(folder) has no row")
            // NumPy only carries numbers, and so does safetensors but where it is what is compared; torch is named
            // where it is the reference.
            for (name, version) in versions where !["numpy", "safetensors", "torch"].contains(name) {
                let plain = version.split(separator: "+")[0]
                #expect(row?.contains(plain) == true, "\(folder): \(name) is \(version)")
            }
        }
    }
}
