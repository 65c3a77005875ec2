import Foundation
import Layers
import Models
import Tensors
import TestSupport
import Testing
import Training

@Suite struct HeadReplacementTests {
    private let classes = ["red", "green", "blue"]

    private func checkpoint(_ head: ClassificationHead) throws -> (TemporaryFolder, LoadedModel) {
        let configuration = try ModelRegistry.configure(
            "vit_mini_patch4_32", classCount: 3,
            options: ["depth": "1", "width": "48", "head": head.rawValue])
        let model = try LoadedModel.initialize(
            configuration, classes: classes, generator: Generator(seed: 1), device: .cpu)
        let folder = try TemporaryFolder()
        try model.write(to: folder.url)
        return (folder, model)
    }

    @Test(arguments: ClassificationHead.allCases)
    func `a checkpoint keeps its head`(head: ClassificationHead) throws {
        let (folder, model) = try checkpoint(head)
        let opened = try LoadedModel.load(folder.url, device: .cpu, classes: classes)
        let images = try Tensor.ones([2, 3, 32, 32])
        #expect(try ModelRegistry.head(of: opened.card.configuration) == head)
        #expect(
            try opened.network(images, mode: .evaluation).floats()
                == model.network(images, mode: .evaluation).floats())
    }

    @Test(arguments: ClassificationHead.allCases, ClassificationHead.allCases)
    func `another head starts afresh on the same body`(
        old: ClassificationHead, new: ClassificationHead
    ) throws {
        let (folder, model) = try checkpoint(old)
        let opened = try LoadedModel.load(
            folder.url, device: .cpu, classes: classes, options: new.option, generator: Generator(seed: 2))
        let renewed = opened.parameters.reinitialized
        #expect(renewed == (old == new ? [] : new == .attentionPool ? ["head", "attn_pool"] : ["head"]))
        let norm = "blocks.0.attn.qkv.weight"
        #expect(try opened.parameters[norm]?.floats() == model.parameters[norm]?.floats())
        #expect(opened.isHead("attn_pool.latent") == (new == .attentionPool))
        #expect(opened.isHead("head.fc.weight") && !opened.isHead(norm))
        #expect(try opened.network(.ones([1, 3, 32, 32]), mode: .evaluation).shape == [1, 3])
    }
}
