import Layers
import Models
import Tensors
import TestSupport
import Testing

@Suite struct DepthwiseCNNTests {
    @Test(arguments: [("dwcnn_xs", 48_906), ("dwcnn_s", 181_738), ("dwcnn_m", 489_354)])
    func `presets have their sizes`(name: String, count: Int) throws {
        #expect(try FilledModel(name, classCount: 10).parameters.count == count)
    }

    @Test(arguments: [32, 48, 64])
    func `any small image will do`(size: Int) throws {
        let filled = try FilledModel("dwcnn_xs", imageSize: size, classCount: 7)
        let images = try Fixtures.tensor("images", 2, 3, size, size)
        #expect(try filled.model(images, mode: .training).shape == [2, 7])
        let features = try filled.model.features(images, mode: .evaluation)
        #expect(features.shape == [2, filled.model.featureWidth])
        #expect(try features.floats().allSatisfy(\.isFinite))
    }

    @Test func `every parameter is trained`() throws {
        let filled = try FilledModel("dwcnn_xs")
        try filled.model(Fixtures.tensor("images", 4, 3, 32, 32), mode: .training).sum().backward()
        for entry in filled.parameters.trainable() {
            #expect(try entry.tensor.grad != nil, "\(entry.name)")
        }
    }

    @Test func `a step makes the same bytes every time`() throws {
        func gradient() throws -> [Float] {
            let filled = try FilledModel("dwcnn_xs")
            let logits = try filled.model(Fixtures.tensor("images", 4, 3, 32, 32), mode: .training)
            try logits.crossEntropy(Tensor([0, 1, 2, 3] as [Int])).backward()
            return try filled.parameters["stem.conv.weight"]?.grad?.floats() ?? []
        }
        #expect(try gradient() == gradient())
    }

    @Test func `a model without classes gives features`() throws {
        let filled = try FilledModel("dwcnn_xs", classCount: 0)
        #expect(!filled.parameters.named.contains { $0.name.hasPrefix("head") })
        let images = try Fixtures.tensor("images", 2, 3, 32, 32)
        #expect(try filled.model(images, mode: .evaluation).shape == [2, 96])
    }
}
