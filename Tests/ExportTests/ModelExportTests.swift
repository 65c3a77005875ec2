import Diagnostics
import Engine
import Foundation
import Layers
import Models
import Safetensors
import Tensors
import TestSupport
import Testing
import Training

@testable import Export

@Suite struct ModelExportTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func write(
        _ format: ModelExport.Format, _ name: String, _ test: ExportCase = ExportCase.all[2],
        _ change: (inout ModelExport) -> Void = { _ in }
    ) throws -> ModelExport.Summary {
        var export = ModelExport(try test.model())
        export.verification = .never
        change(&export)
        return try export.write(format, to: folder.appending(name)) { try SHA256.digest(of: $0) }
    }

    @Test func `safetensors keep names and numbers, and know what they are without any other file`() throws {
        let summary = try write(.safetensors, "out/student.safetensors")
        let file = folder.appending("out/student.safetensors")
        #expect(summary.sha256 == (try SHA256.digest(of: file)))
        let original = try ExportCase.all[2].model()
        try FileManager.default.removeItem(at: folder.appending("out/model.json"))
        let opened = try SafetensorsExport.open(file)
        #expect(opened.card == original.card)
        #expect(opened.parameters.named.map(\.name) == original.parameters.named.map(\.name))
        let images = try ExportCase.all[2].images(2)
        #expect(
            try opened.network(images, mode: .evaluation).floats()
                == original.network(images, mode: .evaluation).floats())
        #expect(try SafetensorsFile(file).metadata["format"] == "pt")
    }

    @Test func `a file without a card in it is read with the one beside it`() throws {
        let original = try ExportCase.all[2].model()
        let place = folder.appending("stored")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        try original.write(to: place)
        #expect(try SafetensorsExport.open(place.appending(path: "model.safetensors")).card == original.card)
        try FileManager.default.removeItem(at: place.appending(path: "model.json"))
        #expect(throws: Diagnostic.self) {
            try SafetensorsExport.open(place.appending(path: "model.safetensors"))
        }
    }

    @Test func `the card says what the model takes, and how to run it`() throws {
        let summary = try write(.onnx, "student.onnx") {
            $0.features = true
            $0.provenance = ["artifact 0123"]
        }
        let text = try folder.read("student.onnx.md")
        for line in [
            "# student.onnx", "A `dwcnn_xs` that classifies images into 5 classes, exported by Retort.",
            "| SHA-256 | `\(summary.sha256)` |", "| Check | not verified: not asked for |",
            "- The largest central square of the image, resized to 32 × 32 pixels (bilinear, antialiased).",
            "- `images`: float32, `[batch, 3, 32, 32]`, any batch.",
            "- `logits`: float32, `[batch, 5]`; softmax makes probabilities of them.",
            "- `features`: float32, `[batch, 96]`.", "- 0: class-0", "- fixture dwcnn_xs", "- artifact 0123",
            "x = (x - [0.5, 0.5, 0.5]) / [0.5, 0.5, 0.5]",
        ] {
            #expect(text.split(separator: "\n").map(String.init).contains(line), "\(line)\n\(text)")
        }
        #expect(try ModelCard(in: folder.url) == ExportCase.all[2].model().card)
        #expect(summary.verified == false)
    }

    @Test func `a graph that normalises asks for values from 0 to 1`() throws {
        _ = try write(.onnx, "student.onnx", ExportCase.all[3]) { $0.normalizes = true }
        let text = try folder.read("student.onnx.md")
        #expect(
            text.contains(
                "- Normalised inside the graph (mean 0.5, 0.5, 0.5, standard deviation 0.5, 0.5, 0.5)"))
        #expect(!text.contains("x = (x - "))
    }

    @Test func `a card says where an answer is one for every pixel`() throws {
        let test = try #require(ExportCase.all.first { $0.name == "vit-linear-dense" })
        _ = try write(.onnx, "dense.onnx", test) { $0.features = true }
        let text = try folder.read("dense.onnx.md")
        #expect(text.contains("says which of 5 classes each pixel shows"))
        #expect(text.contains("- `logits`: float32, `[batch, 5, 16, 16]`; softmax over the classes"))
        #expect(text.contains("- `features`: float32, `[batch, 48, height, width]`, the map of features."))
    }

    @Test func `both forms of one model share a folder, another model does not`() throws {
        _ = try write(.safetensors, "student.safetensors")
        _ = try write(.onnx, "student.onnx")
        let problem = #expect(throws: Diagnostic.self) {
            try write(.onnx, "other.onnx", ExportCase.all[0])
        }
        #expect(
            problem?.description == """
                error: \(folder.url.path)/model.json belongs to another model
                  hint: give each model a folder of its own
                """)
        #expect(
            try folder.files() == [
                "model.json", "student.onnx", "student.onnx.md", "student.safetensors",
                "student.safetensors.md",
            ])
    }

    @Test func `an artifact of the store is left alone`() throws {
        try folder.write("{}", to: "artifact.json")
        let problem = #expect(throws: Diagnostic.self) { try write(.safetensors, "model.safetensors") }
        #expect(problem?.message.hasSuffix("is an artifact of the store, which never changes") == true)
        #expect(try folder.files() == ["artifact.json"])
    }

    @Test(arguments: [ModelExport.Format.onnx, .safetensors])
    func `a place that cannot be written is an error of input and output`(format: ModelExport.Format) throws {
        try folder.write("no folder", to: "taken")
        let problem = #expect(throws: Diagnostic.self) { try write(format, "taken/model") }
        #expect(problem?.message.hasPrefix("cannot write \(folder.url.path)/taken/model: ") == true)
        #expect(problem?.exitCode == .io)
    }
}
