import Foundation
import Layers
import Models
import Safetensors
import Tensors
import TestSupport
import Testing

@Suite struct ConvNetTests {
    /// A network of the fixtures.
    struct Network: Sendable, CustomTestStringConvertible {
        let name, preset: String
        var imageSize = 64
        var options: [String: ModelOption] = [:]
        var testDescription: String { name }

        func filled() throws -> FilledModel { try FilledModel(preset, imageSize: imageSize, options) }

        /// The network as training begins with it.
        func fresh(classCount: Int) throws -> (model: any ImageModel, parameters: Parameters) {
            var configuration = try ModelRegistry.defaults(
                for: preset, imageSize: imageSize, classCount: classCount)
            configuration.options.merge(options) { $1 }
            return try ModelRegistry.initialize(configuration, generator: Generator(seed: 1))
        }
    }

    static let fastvits = [
        Network(name: "fastvit.convolution", preset: "fastvit_t8", options: small(attention: 0)),
        Network(name: "fastvit.attention", preset: "fastvit_t8", options: small(attention: 1)),
    ]

    static let networks =
        [
            Network(name: "mobilenetv3.small", preset: "mobilenetv3_small_050"),
            Network(
                name: "mobilenetv3.large", preset: "mobilenetv3_large_100", options: ["multiplier": 0.35]),
            Network(name: "mobilevitv2.64", preset: "mobilevitv2_050"),
            // The last map of 3 × 3 grows to whole patches.
            Network(name: "mobilevitv2.96", preset: "mobilevitv2_050", imageSize: 96),
            Network(name: "fastvit.t8", preset: "fastvit_t8"),
        ] + fastvits

    static func small(attention: Int) -> [String: ModelOption] {
        ["stages": "16x1 32x1 64x2 128x1", "expansion": 2, "attention": .int(attention)]
    }

    static var results: SafetensorsFile {
        get throws { try SafetensorsFile(Fixtures.url("convnets/results.safetensors")) }
    }

    @Test(arguments: networks)
    func `features, logits and gradients are timm's`(_ network: Network) throws {
        let (file, filled) = try (Self.results, network.filled())
        let images = try Fixtures.tensor("images", 2, 3, network.imageSize, network.imageSize)
        let features = try filled.model.features(images, mode: .evaluation)
        #expect(features.shape == [2, filled.model.featureWidth])
        let logits = try filled.model.head(features)
        for (value, name) in [(features, "features"), (logits, "logits")] {
            let expected = try file.floats("\(network.name).evaluation.\(name)")
            let mismatch = try Tolerance.float32Features.mismatchByLargest(value.floats(), expected)
            #expect(mismatch == nil, "\(name)")
        }
        try Loss.crossEntropy(logits, Tensor([3, 0] as [Int])).backward()
        let gradients = try filled.parameters.named.filter { $0.kind == .parameter }
            .map { ($0.name, try #require(try $0.tensor.grad, "\($0.name) has no gradient")) }
        let expected = try file.floats("\(network.name).gradients")
        #expect(gradients.count * 2 == expected.count)
        for (index, (name, gradient)) in gradients.enumerated() {
            let (probe, wanted) = (
                try Fixtures.probes([(name, gradient)]), Array(expected.dropFirst(2 * index).prefix(2))
            )
            #expect(probe[0] > 0, "\(name) is not trained")
            let mismatch = Tolerance.float32Network.mismatchByLargest(probe, wanted)
            #expect(mismatch == nil, "\(name)")
        }
    }

    @Test(arguments: networks)
    func `training sees the batch's statistics and keeps them, as timm's does`(_ network: Network) throws {
        let (file, filled) = try (Self.results, network.filled())
        let images = try Fixtures.tensor("images", 8, 3, network.imageSize, network.imageSize)
        let features = try filled.model.features(images, mode: .training)
        let logits = try filled.model.head(features)
        for (value, name) in [(features, "features"), (logits, "logits")] {
            let expected = try file.floats("\(network.name).training.\(name)")
            let mismatch = try Tolerance.float32Network.mismatchByLargest(value.floats(), expected)
            #expect(mismatch == nil, "\(name)")
        }
        let buffers = filled.parameters.named.filter { $0.kind == .buffer && $0.tensor.dtype == .float32 }
            .map { ($0.name, $0.tensor) }
        let expected = try file.floats("\(network.name).buffers")
        let mismatch = try Tolerance.float32Network.mismatch(Fixtures.probes(buffers), expected)
        #expect(mismatch == nil)
    }

    @Test(arguments: networks)
    func `every parameter of a fresh network is trained`(_ network: Network) throws {
        let (model, parameters) = try network.fresh(classCount: 4)
        let images = try Fixtures.tensor("images", 8, 3, network.imageSize, network.imageSize)
        let logits = try model(images, mode: .training)
        try Loss.crossEntropy(logits, Tensor([0, 1, 2, 3, 3, 2, 1, 0] as [Int])).backward()
        for entry in parameters.trainable() {
            let gradient = try #require(try entry.tensor.grad, "\(entry.name) has no gradient")
            #expect(try gradient.isFinite().all().bools() == [true], "\(entry.name)")
        }
    }

    @Test(arguments: networks.filter { $0.name != "fastvit.t8" })
    func `frozen batch normalisation trains the evaluated function`(_ network: Network) throws {
        var frozen = network
        frozen.options["batch_norm"] = "frozen"
        let model = try frozen.filled().model
        let images = try Fixtures.tensor("images", 2, 3, network.imageSize, network.imageSize)
        #expect(try model(images, mode: .training).floats() == model(images, mode: .evaluation).floats())
    }

    @Test(arguments: networks)
    func `a fresh network starts with small logits`(_ network: Network) throws {
        let (model, _) = try network.fresh(classCount: 20)
        let images = try Fixtures.tensor("images", 8, 3, network.imageSize, network.imageSize)
        let logits = try model(images, mode: .training).floats()
        #expect(logits.allSatisfy { abs($0) < 5 })
        #expect(Set(logits).count > 20)
    }
}

@Suite struct ConvNetStateDictTests {
    /// The lines `name dtype shape` of a preset, and the number of its parameters.
    func describe(_ title: Substring) throws -> (lines: [String], parameters: Int) {
        let parts = title.split(separator: ".")
        var configuration = try ModelRegistry.defaults(for: String(parts[0]))
        if parts.count > 1 { configuration.options["form"] = .string(String(parts[1])) }
        let (_, parameters) = try ModelRegistry.initialize(configuration, generator: Generator(seed: 0))
        let lines = parameters.named.map { entry in
            let shape = entry.tensor.shape.map(String.init).joined(separator: "x")
            return "\(entry.name) \(entry.tensor.dtype) \(shape.isEmpty ? "scalar" : shape)"
        }
        return (lines, parameters.count)
    }

    func fnv(_ text: String) -> String {
        let key = text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let digits = String(key, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    @Test(arguments: [
        "mobilenetv3_large_100", "mobilevitv2_050", "mobilevitv2_100", "fastvit_t8", "fastvit_t8.inference",
        "fastvit_sa12", "fastvit_sa12.inference",
    ])
    func `names, types, shapes and order are timm's`(title: String) throws {
        let pinned = try String(contentsOf: Fixtures.url("convnets/\(title).names.txt"), encoding: .utf8)
        #expect(try describe(title[...]).lines == pinned.split(separator: "\n").map(String.init))
    }

    @Test func `every preset has timm's state dict`() throws {
        let text = try String(contentsOf: Fixtures.url("convnets/state_dicts.txt"), encoding: .utf8)
        for line in text.split(separator: "\n") {
            let title = line.prefix { $0 != " " }
            let (lines, count) = try describe(title)
            let hash = fnv(lines.joined(separator: "\n") + "\n")
            #expect("\(title) \(lines.count) tensors \(count) parameters \(hash)" == line)
        }
    }

    @Test func `every preset sees images as timm's does`() throws {
        struct Defaults: Decodable {
            let image_size: Int
            let mean, std: [Double]
            let interpolation: Preprocessing.Interpolation
        }
        let data = try Data(contentsOf: Fixtures.url("convnets/defaults.json"))
        for (name, expected) in try JSONDecoder().decode([String: Defaults].self, from: data) {
            let configuration = try ModelRegistry.defaults(for: name)
            #expect(configuration.imageSize == expected.image_size)
            #expect(
                configuration.preprocessing
                    == Preprocessing(
                        mean: expected.mean, std: expected.std, interpolation: expected.interpolation))
        }
    }
}

@Suite struct ReparameterizationTests {
    /// The inference form of a filled network.
    func inference(_ network: ConvNetTests.Network, _ filled: FilledModel) throws -> (
        model: any ImageModel, parameters: Parameters
    ) {
        var configuration = try ModelRegistry.defaults(
            for: network.preset, imageSize: network.imageSize, classCount: 5)
        configuration.options.merge(network.options) { $1 }
        configuration.options["form"] = "inference"
        return try ModelRegistry.load(configuration, from: filled.parameters.state())
    }

    @Test(arguments: ConvNetTests.fastvits + [.init(name: "fastvit.t8", preset: "fastvit_t8")])
    func `both forms compute the same`(_ network: ConvNetTests.Network) throws {
        let filled = try network.filled()
        let (single, parameters) = try inference(network, filled)
        #expect(single.normalizations.count < filled.model.normalizations.count)
        #expect(parameters.count < filled.parameters.count)
        let images = try Fixtures.tensor("images", 2, 3, network.imageSize, network.imageSize)
        let (before, after) = try withoutGradients {
            (
                try filled.model(images, mode: .evaluation).doubles(),
                try single(images, mode: .evaluation).doubles()
            )
        }
        let range = before.map(abs).max() ?? 0
        let difference = zip(before, after).map { abs($0 - $1) }.max() ?? .infinity
        #expect(range > 0)
        #expect(difference <= 1e-5 * range, "\(difference) of \(range)")
    }

    @Test(arguments: ConvNetTests.fastvits)
    func `the convolutions are timm's`(_ network: ConvNetTests.Network) throws {
        let (_, parameters) = try inference(network, network.filled())
        let state = parameters.state().filter { $1.dtype == .float32 }.sorted { $0.key < $1.key }
        let expected = try ConvNetTests.results.floats("\(network.name).reparameterized")
        #expect(
            try Tolerance.float32Network.mismatch(
                Fixtures.probes(state.map { ($0.key, $0.value) }), expected) == nil)
    }

    @Test func `an inference form is loaded as it is, and another model is refused`() throws {
        let network = ConvNetTests.fastvits[0]
        var configuration = try ModelRegistry.defaults(for: network.preset, classCount: 5)
        configuration.options.merge(network.options) { $1 }
        let state = try FastViT.reparameterize(network.filled().parameters.state(), of: configuration)
        #expect(throws: CheckpointMismatch.self) { try ModelRegistry.load(configuration, from: state) }
        #expect(throws: CheckpointMismatch.self) { try FastViT.reparameterize(state, of: configuration) }
        configuration.options["form"] = "inference"
        let (_, parameters) = try ModelRegistry.load(configuration, from: state)
        #expect(Set(parameters.named.map(\.name)) == Set(state.keys))
    }
}

@Suite struct ConvNetOptionTests {
    @Test(arguments: [
        (
            "fastvit_t8", ["form": "interference"],
            """
            error: option 'form' of model 'fastvit_t8' is 'interference', expected one of training, inference
              hint: did you mean 'inference'?
            """
        ),
        (
            "fastvit_t8", ["attention": "5"],
            "error: option 'attention' of model 'fastvit_t8' is '5', expected at most the number of stages, 4"
        ),
        (
            "fastvit_sa12", ["stages": "64x2 128x1 200x1"],
            "error: option 'stages' of model 'fastvit_sa12' is '64x2 128x1 200x1', expected channels that 32 "
                + "divides in stages that attend"
        ),
        (
            "fastvit_t8", ["stages": "64x2 96x1"],
            "error: option 'stages' of model 'fastvit_t8' is '64x2 96x1', expected channels that are a multiple "
                + "of those of the stage before"
        ),
        (
            "mobilenetv3_small_050", ["stages": "e4k3s2c24,e3k3s1c24n1"],
            "error: option 'stages' of model 'mobilenetv3_small_050' is 'e4k3s2c24,e3k3s1c24n1', expected stages "
                + "of blocks, such as 'e4k3s2c24n1re,e3k3s1c24n1re e3k5s2c40n3se': expansion, kernel, stride, "
                + "channels and number of blocks, 'se' for squeeze-and-excitation, 're' for ReLU"
        ),
        (
            "mobilevitv2_050", ["multiplier": "9"],
            "error: option 'multiplier' of model 'mobilevitv2_050' is '9.0', expected a number from 0.25 to 4.0"
        ),
    ])
    func `a wrong option is explained`(model: String, options: [String: String], text: String) {
        #expect {
            _ = try ModelRegistry.configure(model, classCount: 10, options: options)
        } throws: {
            "\($0)" == text
        }
    }
}
