import Diagnostics
import Foundation
import Safetensors
import TestSupport
import Testing

@Suite struct SafetensorsFileTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func `a file of the reference implementation is read`() throws {
        let file = try SafetensorsFile(referenceFile)
        #expect(file.metadata == ["format": "pt"])
        #expect(
            file.tensors.map(\.name) == [
                "steps", "blocks.0.weight", "empty", "head.bias", "half", "naïve \"name\"\n", "mask",
            ])
        #expect(try file.floats("head.bias") == [1.5, -2, 0.25])
        #expect(try file.integers("steps") == [7])
        #expect(file["steps"]?.shape == [])
        #expect(file["empty"]?.shape == [0, 4])
        #expect(file["half"]?.type == .float16)
        #expect(try file.withBytes(of: "mask") { [UInt8]($0) } == [1, 0, 1])
    }

    @Test func `a file equals the reference implementation's byte for byte`() throws {
        let url = folder.appending("copy.safetensors")
        let tensors = [
            TensorToStore("naïve \"name\"\n", .uint8, [2]) { [200, 3] },
            TensorToStore("mask", .bool, [3]) { [1, 0, 1] },
            TensorToStore("half", .float16, [2]) { [0x00, 0x38, 0x00, 0x40] },
            TensorToStore("blocks.0.weight", [2, 3], [0, 1, 2, 3, 4, 5] as [Float]),
            TensorToStore("empty", [0, 4], [] as [Float]),
            TensorToStore("head.bias", [3], [1.5, -2, 0.25] as [Float]),
            TensorToStore("steps", [], [7] as [Int64]),
        ]
        try SafetensorsFile.write(tensors, metadata: ["format": "pt"], to: url)
        #expect(try Data(contentsOf: url) == Data(contentsOf: referenceFile))
        try SafetensorsFile.write(tensors.reversed(), metadata: ["format": "pt"], to: url)
        #expect(try Data(contentsOf: url) == Data(contentsOf: referenceFile))
    }

    @Test func `metadata survive whatever characters they hold`() throws {
        let url = folder.appending("metadata.safetensors")
        let metadata = ["key \"1\"": "line\nbreak\u{1}\\ tab\t", "emoji": "🧪", "": "empty"]
        try SafetensorsFile.write([], metadata: metadata, to: url)
        #expect(try SafetensorsFile(url).metadata == metadata)
    }

    @Test func `a failed write leaves the old file and no other`() throws {
        struct Interrupted: Error {}
        let url = folder.appending("model.safetensors")
        try SafetensorsFile.write([TensorToStore("a", [1], [1] as [Float])], to: url)
        #expect(throws: Interrupted.self) {
            try SafetensorsFile.write(
                [TensorToStore("a", .float32, [1]) { throw Interrupted() }], to: url)
        }
        #expect(try SafetensorsFile(url).floats("a") == [1])
        #expect(try folder.files() == ["model.safetensors"])
    }

    @Test func `a tensor whose bytes do not fit its shape is not written`() {
        let url = folder.appending("short.safetensors")
        #expect(throws: problem(url, .sizeMismatch(tensor: "a", type: .float32, shape: [2], bytes: 4))) {
            try SafetensorsFile.write([TensorToStore("a", [2], [1] as [Float])], to: url)
        }
        #expect(throws: problem(url, .duplicateName("a"))) {
            let tensor = TensorToStore("a", [1], [1] as [Float])
            try SafetensorsFile.write([tensor, tensor], to: url)
        }
    }

    @Test func `a misspelled tensor is corrected`() throws {
        let error = try #require(throws: SafetensorsError.self) {
            try SafetensorsFile(referenceFile).floats("head.bais")
        }
        #expect(
            error.diagnostic.description == """
                error: \(referenceFile.path): no tensor is named 'head.bais'
                  hint: did you mean 'head.bias'?
                """)
        #expect(error.diagnostic.exitCode == .badData)
    }

    @Test func `values of another type are not reinterpreted`() throws {
        let expected = problem(
            referenceFile, .wrongType(tensor: "steps", found: .int64, expected: .float32))
        #expect(throws: expected) { try SafetensorsFile(referenceFile).floats("steps") }
    }
}

func problem(_ url: URL, _ problem: SafetensorsError.Problem) -> SafetensorsError {
    SafetensorsError(url.path, problem)
}

let referenceFile = Fixtures.url("safetensors/reference.safetensors")
