import Diagnostics
import Foundation
import Layers
import Models
import Safetensors
import Tensors
import TestSupport
import Testing

/// A network of `Scripts/fixtures/segmentation.py`, and how Retort is told to make it.
struct DenseCase: CustomTestStringConvertible, Sendable {
    let name: String
    let architecture: String
    let imageSize: Int
    let options: [String: ModelOption]

    var testDescription: String { name }

    init(
        _ name: String, _ architecture: String, imageSize: Int = 64, _ options: [String: ModelOption] = [:]
    ) {
        self.name = name
        self.architecture = architecture
        self.imageSize = imageSize
        self.options = options
    }

    private static func vit(_ name: String, _ options: [String: ModelOption] = [:]) -> DenseCase {
        let size: [String: ModelOption] = ["width": 48, "depth": 2, "heads": 3, "patch": 8]
        let architecture = name == "dinov3" ? "vit_small_patch16_dinov3" : "vit_mini_patch4_32"
        return DenseCase(name, architecture, imageSize: 32, size.merging(options) { $1 })
    }

    private static func resnet(_ block: String) -> [String: ModelOption] {
        ["block": .string(block), "stages": "8x2 16x1 24x2 32x1"]
    }

    private static func strided(_ stride: Int) -> [DenseCase] {
        [
            DenseCase("resnet.basic.\(stride)", "resnet18", resnet("basic")),
            DenseCase("resnet.bottleneck.\(stride)", "resnet50", resnet("bottleneck")),
            DenseCase("mobilenetv2.same.\(stride)", "mobilenetv2_035"),
            DenseCase("mobilenetv2.symmetric.\(stride)", "mobilenetv2_035", ["pad": "symmetric"]),
            DenseCase("mobilevitv2.\(stride)", "mobilevitv2_050"),
        ].map {
            DenseCase(
                $0.name, $0.architecture, $0.options.merging(["output_stride": .int(stride)]) { $1 })
        }
    }

    /// Networks whose map is timm's.
    static let maps =
        [
            vit("vit.token"), vit("vit.avg", ["pool": "avg"]),
            vit("vit.registers", ["registers": 4, "no_embed_class": true, "layer_scale": 1e-5]),
            vit("dinov3"), DenseCase("mobilenetv3", "mobilenetv3_small_050"),
            DenseCase("fastvit", "fastvit_t8"),
        ] + [32, 16, 8].flatMap(strided)

    /// Networks with a head.
    static let networks = [
        vit("linear", ["head": "linear-dense"]),
        DenseCase(
            "plain", "resnet18", resnet("basic").merging(["head": "linear-dense", "head_norm": false]) { $1 }),
        DenseCase(
            "psp", "resnet50",
            resnet("bottleneck").merging(["head": "psp", "head_hidden": 16, "output_stride": 8]) { $1 }),
        DenseCase(
            "deeplabv3", "mobilenetv2_035", imageSize: 56,
            ["head": "deeplabv3", "head_hidden": 16, "output_stride": 16]),
    ]

    /// The configuration, for five classes or for features only.
    func configuration(classCount: Int = 5) throws -> ModelConfiguration {
        var configuration = try ModelRegistry.defaults(
            for: architecture, imageSize: imageSize, classCount: classCount)
        configuration.options.merge(options) { $1 }
        return configuration
    }

    func filled(classCount: Int = 5) throws -> FilledModel {
        try FilledModel(architecture, imageSize: imageSize, classCount: classCount, options)
    }

    /// The images that both programs saw.
    func images() throws -> Tensor { try Fixtures.tensor("images", 2, 3, imageSize, imageSize) }
}

@Suite struct SegmentationTests {
    let results: SafetensorsFile

    init() throws { results = try SafetensorsFile(Fixtures.url("segmentation/results.safetensors")) }

    @Test(arguments: DenseCase.maps)
    func `every architecture gives the map that timm does`(_ it: DenseCase) throws {
        let model = try it.filled(classCount: 0).model
        let map = try model.featureMap(it.images(), mode: .evaluation)
        #expect(map.shape[1] == model.mapWidth)
        let thinned = try map.slice(dim: 1, step: (map.shape[1] + 15) / 16)
        let expected = try results.tensor("map.\(it.name)").shape
        #expect(thinned.shape == expected)
        let mismatch = try Tolerance.float32Features.mismatchByLargest(
            thinned.floats(), results.floats("map.\(it.name)"))
        #expect(mismatch == nil)
    }

    @Test func `a map's mean is the feature vector where timm takes it`() throws {
        for name in ["resnet_xs", "mobilenetv2_mini", "dwcnn_xs"] {
            let model = try FilledModel(name, imageSize: 32, classCount: 0).model
            let images = try Fixtures.tensor("images", 2, 3, 32, 32)
            let mean = try model.featureMap(images, mode: .evaluation).mean(2, 3)
            #expect(try mean.floats() == model.features(images, mode: .evaluation).floats())
        }
    }

    @Test(arguments: DenseCase.networks)
    func `heads give the logits and gradients of transformers`(_ it: DenseCase) throws {
        let filled = try it.filled()
        let (model, images) = (try #require(filled.model as? SegmentationModel), try it.images())
        let pinned = try Fixtures.pinnedTensors("segmentation/\(it.name).names.txt")
        let prefix = try #require(try ModelRegistry.headPrefixes(of: it.configuration()).first)
        let own = filled.parameters.named.filter { $0.name.hasPrefix(prefix) }
        #expect(own.map(\.name) == pinned.map(\.name) && own.map(\.tensor.shape) == pinned.map(\.shape))
        let small = try model.mapLogits(model.featureMap(images, mode: .evaluation), mode: .evaluation)
        let tolerance = Tolerance.float32Features
        #expect(small.shape == (try results.tensor("\(it.name).small").shape))
        #expect(
            try tolerance.mismatchByLargest(small.floats(), results.floats("\(it.name).small")) == nil)
        let logits = try model(images, mode: .evaluation)
        let side = it.imageSize
        #expect(logits.shape == [2, 5, side, side])
        let thinned = try logits.slice(dim: 2, step: 7).slice(dim: 3, step: 7)
        #expect(
            try tolerance.mismatchByLargest(thinned.floats(), results.floats("\(it.name).logits")) == nil)
        let labels = try Tensor((0..<2 * side * side).map { $0 / 7 % 5 }, shape: [2, side, side])
        try logits.crossEntropy(labels).backward()
        let trained = filled.parameters.named.filter { $0.kind == .parameter }.map { ($0.name, $0.tensor) }
        #expect(
            try Fixtures.mismatch(ofGradients: trained, in: results, "\(it.name).gradients") == nil)
    }

    @Test func `MobileViT-V2 with DeepLabV3 is that of transformers`() throws {
        let it = DenseCase("mobilevitv2", "mobilevitv2_050", ["head": "deeplabv3", "head_hidden": 16])
        let model = try #require(try it.filled().model as? SegmentationModel)
        let map = try model.featureMap(it.images(), mode: .evaluation)
        let mismatch = try Tolerance.float32Features.mismatchByLargest(
            model.mapLogits(map, mode: .evaluation).floats(), results.floats("mobilevitv2.small"))
        #expect(mismatch == nil)
    }

    // MARK: - Configurations

    @Test(arguments: SegmentationHead.allCases, ["resnet_xs", "mobilenetv3_small_050", "vit_mini_patch4_32"])
    func `every architecture takes every head, and keeps its features`(
        head: SegmentationHead, name: String
    ) throws {
        let size = name == "mobilenetv3_small_050" ? 64 : 32
        let configuration = try ModelRegistry.configure(
            name, imageSize: size, classCount: 4, options: ["head": head.rawValue])
        let (model, parameters) = try ModelRegistry.initialize(configuration, generator: Generator(seed: 0))
        let images = try Fixtures.tensor("images", 2, 3, size, size)
        #expect(try model(images, mode: .training).shape == [2, 4, size, size])
        #expect(try model.features(images, mode: .evaluation).shape == [2, model.featureWidth])
        #expect(try ModelRegistry.head(of: configuration) == .segmentation(head))
        let (again, _) = try ModelRegistry.load(configuration, from: parameters.state())
        #expect(
            try again(images, mode: .evaluation).floats() == model(images, mode: .evaluation).floats())
        let shapes = Dictionary(
            uniqueKeysWithValues: parameters.named.map { ($0.name, $0.tensor.shape) })
        let guess = try ArchitectureGuess(shapes, as: configuration)
        #expect(guess.coverage.isComplete && guess.configuration.classCount == 4, "\(guess.coverage)")
    }

    @Test func `weights fit whatever the output stride`() throws {
        let plain = try DenseCase("", "resnet18", ["stages": "8x1 16x1 24x1 32x1"]).configuration()
        let (_, parameters) = try ModelRegistry.initialize(plain, generator: Generator(seed: 0))
        for stride in [8, 16, 32] {
            var dilated = plain
            dilated.options["output_stride"] = .int(stride)
            let (model, _) = try ModelRegistry.load(dilated, from: parameters.state())
            let map = try model.featureMap(.zeros([1, 3, 64, 64]), mode: .evaluation)
            #expect(map.shape == [1, 32, 64 / stride, 64 / stride])
        }
    }

    @Test(arguments: [
        (
            "vit_mini_patch4_32", ["output_stride": "8"],
            "option 'output_stride' of model 'vit_mini_patch4_32' is '8', expected 0, its own: the architecture "
                + "cannot be dilated"
        ),
        (
            "resnet18", ["output_stride": "4"],
            "option 'output_stride' of model 'resnet18' is '4', expected 0, its own, or one of 8, 16, 32"
        ),
        (
            "resnet18", ["head": "deeplabv3", "head_rates": "6,12"],
            "option 'head_rates' of model 'resnet18' is '6,12', expected distances of at least 1, such as "
                + "'6 12 18'"
        ),
        (
            "ViT-B-32", ["head": "attention-pool"],
            "option 'head' of model 'ViT-B-32' is 'attention-pool', expected one of linear, mlp: its features are "
                + "projected"
        ),
        (
            "torchscript", ["head": "psp"],
            "option 'head' of model 'torchscript' is 'psp', expected one of linear, mlp: it gives one vector for "
                + "an image, and no map"
        ),
    ])
    func `what cannot be is explained`(model: String, options: [String: String], text: String) {
        #expect {
            _ = try ModelRegistry.configure(model, classCount: 1, options: options)
        } throws: {
            "\($0)" == "error: \(text)"
        }
    }

    @Test func `a projected tower has a map, too`() throws {
        let configuration = try ModelRegistry.configure(
            "clip_vit_mini", classCount: 3, options: ["head": "linear-dense", "depth": "1"])
        let model = try ModelRegistry.initialize(configuration, generator: Generator(seed: 0)).model
        #expect(try model(.zeros([2, 3, 32, 32]), mode: .evaluation).shape == [2, 3, 32, 32])
    }

    @Test(arguments: [
        "clip_vit_mini", "vit_mini_patch4_32", "mobilenetv2_mini", "resnet18", "dwcnn_xs",
        "mobilenetv3_large_100",
        "mobilevitv2_050", "fastvit_t8",
    ])
    func `features and map of one pass are those of two`(_ name: String) throws {
        let configuration = try ModelRegistry.defaults(for: name, imageSize: 32, classCount: 0)
        let model = try ModelRegistry.initialize(configuration, generator: Generator(seed: 0)).model
        let images = try Fixtures.tensor("images", 2, 3, 32, 32)
        try withoutGradients {
            let both = try model.featuresAndMap(images, mode: .evaluation)
            let features = try model.features(images, mode: .evaluation)
            let map = try model.featureMap(images, mode: .evaluation)
            #expect(both.features.shape == features.shape && both.map.shape == map.shape)
            let near = Tolerance.float32Features
            #expect(try near.mismatch(both.features.floats(), features.floats()) == nil)
            #expect(try near.mismatch(both.map.floats(), map.floats()) == nil)
        }
    }

    @Test func `a head for pixels has no class for a whole image`() throws {
        let model = try DenseCase.networks[1].filled().model
        #expect {
            _ = try model.head(model.features(.zeros([1, 3, 64, 64]), mode: .evaluation))
        } throws: {
            "\($0)" == """
                error: the model says what every pixel shows, and has no class for a whole image
                  hint: give it a head for whole images, such as head: linear
                """
        }
    }
}
