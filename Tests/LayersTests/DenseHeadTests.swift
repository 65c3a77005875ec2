import Diagnostics
import Layers
import Safetensors
import Tensors
import TestSupport
import Testing

@Suite struct DenseHeadTests {
    /// A head of `Scripts/fixtures/segmentation.py` for maps of 24 channels and three classes.
    private func make(_ name: String, _ scope: Scope) throws -> any DenseHead {
        switch name {
        case "psp": try PyramidPoolingHead(scope, width: 24, hidden: 8, classCount: 3)
        case "deeplabv3": try DeepLabV3Head(scope, width: 24, hidden: 8, rates: [1, 2, 3], classCount: 3)
        default: try LinearDenseHead(scope, width: 24, classCount: 3)
        }
    }

    @Test(arguments: ["linear", "psp", "deeplabv3"])
    func `logits, gradients and statistics are those of transformers`(name: String) throws {
        let file = try SafetensorsFile(Fixtures.url("segmentation/results.safetensors"))
        let (head, parameters) = try filled { try make(name, $0) }
        let norms = parameters.named.count { $0.name.hasSuffix("running_var") }
        #expect(head.normalizations.count == norms)
        let map = try Fixtures.tensor("map", 4, 24, 5, 7)
        try map.requiresGrad(true)
        let logits = try head(map, mode: .training)
        let tolerance = Tolerance.float32Features
        #expect(try tolerance.mismatch(logits, file, "head.\(name).training") == nil)
        try (logits * Fixtures.tensor("cotangent", 4, 3, 5, 7)).sum().backward()
        let gradient = try #require(try map.grad)
        #expect(
            try Tolerance.float32Network.mismatch(gradient, file, "head.\(name).input_gradient") == nil)
        let trained = parameters.named.filter { $0.kind == .parameter }.map { ($0.name, $0.tensor) }
        #expect(try Fixtures.mismatch(ofGradients: trained, in: file, "head.\(name).gradients") == nil)
        let buffers = parameters.named.filter { $0.kind == .buffer && $0.tensor.dtype == .float32 }
            .map { ($0.name, $0.tensor) }
        #expect(
            try tolerance.mismatch(Fixtures.probes(buffers), file.floats("head.\(name).buffers")) == nil)
        #expect(
            try tolerance.mismatch(head(map, mode: .evaluation), file, "head.\(name).evaluation") == nil)
    }

    @Test(arguments: ["psp", "deeplabv3"]) func `one image is too few to train on`(name: String) throws {
        let head = try filled { try make(name, $0) }.layer
        let map = try Fixtures.tensor("map", 1, 24, 5, 7)
        #expect(try head(map, mode: .evaluation).shape == [1, 3, 5, 7])
        #expect {
            try head(map, mode: .training)
        } throws: {
            "\($0)" == """
                error: a head with the mean of the map cannot be trained on one image at a time
                  hint: set batch_size, and micro_batch if it is set, to at least 2
                """
        }
    }
}

@Suite struct DilationTests {
    @Test(arguments: [Padding.symmetric, .same]) func `a dilated convolution keeps the size`(
        padding: Padding
    ) throws {
        let conv = try filled { try Conv2d($0, 2, 3, kernel: 3, dilation: 3, padding: padding) }.layer
        let image = try Fixtures.tensor("image", 1, 2, 9, 7)
        let direct = try image.conv2d(weight: conv.weight, stride: 1, padding: 3, dilation: 3)
        #expect(try conv(image).shape == [1, 3, 9, 7] && conv(image).floats() == direct.floats())
        let halving = try filled {
            try Conv2d($0, 2, 3, kernel: 3, stride: 2, dilation: 2, padding: padding)
        }.layer
        #expect(try halving(image).shape == [1, 3, 5, 4])
    }
}
