import Diagnostics
import Engine
import Foundation
import Models
import Safetensors
import Tensors
import TestSupport
import Testing
import Training

@testable import Export

@Suite struct OnnxExportTests {
    /// The digests of the files that onnxruntime ran, by case.
    private static func digests() throws -> [String: String] {
        try JSONDecoder().decode(
            [String: String].self, from: Data(contentsOf: Fixtures.url("export/files.json")))
    }

    /// The file's bytes; without metadata they depend on what is computed, and on nothing else.
    private func bytes(_ export: OnnxExport, hasMetadata: Bool = true) throws -> [UInt8] {
        var graph = try export.graph()
        if !hasMetadata { graph.metadata = [] }
        let message = graph.message()
        var bytes: [UInt8] = []
        try message.write { bytes += $0 }
        #expect(bytes.count == message.byteCount)
        return bytes
    }

    @Test(arguments: ExportCase.all)
    func `an exported file is the one that onnxruntime ran, and does the same`(_ test: ExportCase) throws {
        let export = try test.export()
        let bytes = try bytes(export, hasMetadata: false)
        // For Scripts/fixtures/export.py, which runs the files and writes the fixtures.
        if let folder = ProcessInfo.processInfo.environment["RETORT_EXPORT_TO"] {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data(bytes).write(to: URL(filePath: folder).appending(path: "\(test.name).onnx"))
            return
        }
        #expect(try OnnxReader(bytes).problem() == nil)
        #expect(try SHA256.digest(of: Data(bytes)) == Self.digests()[test.name])
        let results = try SafetensorsFile(Fixtures.url("export/results.safetensors"))
        for batch in [1, 3] {
            var images = try test.images(batch)
            if test.normalizes {
                let preprocessing = export.model.card.configuration.preprocessing
                images =
                    try (images - Tensor(doubles: preprocessing.mean, shape: [1, 3, 1, 1]).to(.float32))
                    / Tensor(doubles: preprocessing.std, shape: [1, 3, 1, 1]).to(.float32)
            }
            for (name, values) in zip(export.outputs, try export.reference(images)) {
                let expected = try results.floats("\(test.name).\(batch).\(name)")
                #expect(
                    OnnxVerification.difference(expected, try values.floats()) <= OnnxVerification.tolerance)
            }
        }
    }

    @Test func `no golden is left over, and none is missing`() throws {
        #expect(try Set(Self.digests().keys) == Set(ExportCase.all.map(\.name)))
    }

    @Test(
        arguments: ModelRegistry.names.filter {
            // Large ones are the same code as their smaller siblings, and minutes of weights.
            $0 == "ViT-B-32-quickgelu" || $0.firstMatch(of: /base|large|huge|giant|ViT/) == nil
        })
    func `every architecture can be exported`(_ name: String) throws {
        var configuration = try ModelRegistry.defaults(for: name, classCount: 3)
        let own = configuration.imageSize
        // Small images, of as many patches as the architecture takes.
        for size in [own, 56, 64] where size <= own {
            let smaller = try ModelRegistry.defaults(for: name, imageSize: size, classCount: 3)
            if (try? ModelRegistry.check(smaller)) != nil { configuration = smaller }
        }
        let (network, parameters) = try ModelRegistry.initialize(configuration, generator: Generator(seed: 0))
        let model = try LoadedModel(
            card: ModelCard(configuration: configuration, classes: ["a", "b", "c"]), network: network,
            parameters: parameters, device: .cpu)
        let graph = try OnnxExport(model).graph()
        #expect(graph.outputs.map(\.name) == ["logits"])
        #expect(graph.outputs[0].shape == [.named("batch"), .fixed(3)])
    }

    @Test func `inputs, outputs and weights have the names that users look for`() throws {
        let file = try OnnxReader(bytes(ExportCase.all[2].export()))
        #expect(try file.ports(11) == ["images": ["batch", "3", "32", "32"]])
        #expect(try file.ports(12) == ["logits": ["batch", "5"], "features": ["batch", "96"]])
        let weights = try file.graph.messages(5).flatMap { $0.texts(8) }
        #expect(weights.contains("blocks.0.conv_dw.weight"))
        #expect(!weights.contains { $0.hasSuffix("num_batches_tracked") }, "nothing reads it")
        let metadata = try file.model.messages(14).map { ($0.texts(1)[0], $0.texts(2)[0]) }
        let card = try #require(metadata.first { $0.0 == "retort.card" }?.1)
        #expect(
            try JSONDecoder().decode(ModelCard.self, from: Data(card.utf8)) == ExportCase.all[2].model().card)
    }

    @Test func `a batch normalisation stays one operator, and dropped paths leave none`() throws {
        let file = try OnnxReader(bytes(ExportCase.all[4].export()))
        let operators = try file.operators()
        #expect(operators.contains("BatchNormalization") && operators.contains("Clip"))
        #expect(!operators.contains("Identity"))
    }

    // MARK: - What cannot be exported

    private func failure(
        _ body: @escaping @Sendable (OperatorModel, Tensor) throws -> Tensor
    ) throws -> Diagnostic? {
        let export = OnnxExport(try OperatorModel.loaded(width: 8, body))
        return #expect(throws: Diagnostic.self) { try export.graph() }
    }

    @Test func `an operation without a counterpart is named`() throws {
        let problem = try failure { _, x in try x.mean(2, 3).cumulativeSum(1) }
        #expect(
            problem?.description == """
                error: the model cannot be written as ONNX: aten::cumsum has no counterpart in this program's list
                  hint: '--to safetensors' exports every model
                """)
    }

    @Test func `an operation that nothing needs does no harm`() throws {
        let export = OnnxExport(
            try OperatorModel.loaded(width: 8) { _, x in
                _ = try x.cumulativeSum(1)
                return try x.mean(2, 3)
            })
        #expect(try !export.graph().nodes.isEmpty)
    }

    @Test func `what the trace cannot see is refused`() throws {
        let problem = try failure { _, x in
            try Tensor(x.mean(2, 3).floats(), shape: [x.shape[0], 8]).relu()
        }
        #expect(
            problem?.message == """
                the model cannot be written as ONNX: a tensor of shape [2, 8] depends on the images, but no \
                recorded operation made it
                """)
        let output = try failure { _, x in try Tensor(x.mean(2, 3).floats(), shape: [x.shape[0], 8]) }
        #expect(output?.message.hasSuffix("no recorded operation made its output") == true)
    }

    @Test func `a model that counts its images is refused`() throws {
        let branching = try failure { _, x in
            x.shape[0] > 2 ? try x.mean(2, 3).relu() : try x.mean(2, 3)
        }
        #expect(branching?.message.hasSuffix("it does other things with 3 images than with 2") == true)
        let counting = try failure { _, x in try x.mean(2, 3) * Double(x.shape[0]) }
        #expect(
            counting?.message.hasSuffix(
                "aten::mul has an argument 'other' that depends on the number of images") == true)
        let folding = try failure { _, x in
            let count = x.shape[0]
            return try x.mean(2, 3).unsqueeze(0).expand([count, count, 8]).reshape(4 * count, 2 * count)
        }
        #expect(
            folding?.message.contains("makes several dimensions that depend on the number of images") == true)
    }
}
