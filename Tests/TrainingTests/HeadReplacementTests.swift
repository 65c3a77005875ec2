import Foundation
import Layers
import Models
import Tensors
import TestSupport
import Testing
import Training

@Suite struct HeadReplacementTests {
    private let classes = ["red", "green", "blue"]

    private func checkpoint(_ head: ModelHead) throws -> (TemporaryFolder, LoadedModel) {
        let configuration = try ModelRegistry.configure(
            "vit_mini_patch4_32", classCount: 3,
            options: ["depth": "1", "width": "48", "head": head.rawValue])
        let model = try LoadedModel.initialize(
            configuration, classes: classes, generator: Generator(seed: 1), device: .cpu)
        let folder = try TemporaryFolder()
        try model.write(to: folder.url)
        return (folder, model)
    }

    @Test(arguments: ModelHead.allCases)
    func `a checkpoint keeps its head`(head: ModelHead) throws {
        let (folder, model) = try checkpoint(head)
        let opened = try LoadedModel.load(folder.url, device: .cpu, classes: classes)
        let images = try Tensor.ones([2, 3, 32, 32])
        #expect(try ModelRegistry.head(of: opened.card.configuration) == head)
        #expect(
            try opened.network(images, mode: .evaluation).floats()
                == model.network(images, mode: .evaluation).floats())
    }

    @Test(arguments: ModelHead.allCases, ModelHead.allCases)
    func `another head starts afresh on the same body`(
        old: ModelHead, new: ModelHead
    ) throws {
        let (folder, model) = try checkpoint(old)
        let opened = try LoadedModel.load(
            folder.url, device: .cpu, classes: classes, options: ["head": .string(new.rawValue)],
            generator: Generator(seed: 2))
        let prefixes =
            switch new {
            case .classification(.attentionPool): ["head", "attn_pool"]
            case .classification: ["head"]
            case .segmentation(.deeplabv3): ["segmentation_head"]
            case .segmentation: ["decode_head"]
            }
        #expect(opened.parameters.reinitialized == (old == new ? [] : prefixes))
        let norm = "blocks.0.attn.qkv.weight"
        #expect(try opened.parameters[norm]?.floats() == model.parameters[norm]?.floats())
        #expect(prefixes.allSatisfy { opened.isHead("\($0).fc.weight") } && !opened.isHead(norm))
        #expect(opened.isHead("attn_pool.latent") == (new == .classification(.attentionPool)))
        let logits = try opened.network(.ones([1, 3, 32, 32]), mode: .evaluation)
        if case .segmentation = new {
            #expect(logits.shape == [1, 3, 32, 32] && opened.segmenter != nil && !opened.hasHead)
        } else {
            #expect(logits.shape == [1, 3] && opened.segmenter == nil && opened.hasHead)
        }
    }
}
