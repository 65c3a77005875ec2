import Diagnostics
public import Layers
public import Tensors

/// A network whose code and weights came in one file, scripted or traced by PyTorch.
///
/// What it computes is the file's business: it maps normalised images to features or to logits, one row for each
/// image, or to a map of numbers for their pixels. Its parameters are trained like any other, unless it was frozen (`torch.jit.freeze`) and has none.
public struct ScriptedModel: ImageModel {
    /// What the script's output is.
    public enum Output: String, CaseIterable, Hashable, Sendable {
        /// Feature vectors, `[B, D]`; a linear classifier of ours stands on them.
        case features
        /// Logits, `[B, C]`: the classifier is part of the script.
        case logits
        /// Numbers for every pixel, `[B, C, h, w]`, or `[B, h, w]` where there is one.
        case map
    }

    /// The name in pipelines.
    public static let architecture = "torchscript"
    /// What the names of the script's tensors begin with, beside the classifier's.
    static let prefix = "script"

    let script: TorchScript
    let classifier: Linear?
    private let generator: Generator

    /// The length of a feature vector; of logits, their number; of a map, its channels.
    public let featureWidth: Int
    /// Whether it answers for every pixel.
    public let returnsMaps: Bool

    /// Takes the script's tensors in, and claims those of the classifier.
    init(_ scope: Scope, _ configuration: ModelConfiguration, _ script: TorchScript) throws {
        let shape = try Shape(configuration)
        self.script = script
        featureWidth = shape.width
        returnsMaps = shape.output == .map
        if !shape.part.isEmpty { try script.select(shape.part) }
        generator = scope.generator
        for entry in script.entries {
            try (scope / Self.prefix).adopt(
                entry.name, entry.tensor, entry.isParameter ? .parameter : .buffer)
        }
        let hasClassifier = shape.output == .features && configuration.classCount > 0
        classifier =
            hasClassifier
            ? try Linear(scope / "head", shape.width, configuration.classCount, initial: .truncNormal())
            : nil
    }

    /// Maps normalised images, `[B, 3, H, W]`, to what the script makes of them, `[B, D]`.
    ///
    /// - Throws: a `Diagnostic` where the script cannot take images of this size, or returns something else.
    public func features(_ images: Tensor, mode: Mode) throws -> Tensor {
        guard !returnsMaps else {
            throw Diagnostic(
                "the script answers for every pixel, and has no features of an image",
                hint: "use it as the expert of a `pseudo-label` stage")
        }
        return try output(for: images, mode: mode)
    }

    /// Maps normalised images, `[B, 3, H, W]`, to logits, `[B, C]`, or to numbers for every pixel, `[B, C, H, W]`.
    ///
    /// A map of another size is interpolated.
    public func callAsFunction(_ images: Tensor, mode: Mode) throws -> Tensor {
        guard returnsMaps else { return try head(features(images, mode: mode)) }
        let map = try output(for: images, mode: mode)
        let (height, width) = (images.shape[2], images.shape[3])
        return Array(map.shape[2...]) == [height, width]
            ? map : try map.upsampleBilinear(height: height, width: width)
    }

    private func output(for images: Tensor, mode: Mode) throws -> Tensor {
        try script.setTraining(mode == .training)
        // What is drawn at random has to come from our generator, whose state is part of every checkpoint.
        let seed =
            mode == .training ? UInt64(try generator.integers([1], in: 0..<1 << 53).ints()[0]) : nil
        let output = try Self.run(script, on: images, returning: returnsMaps ? .map : .features, seed: seed)
        guard output.shape[1] == featureWidth else {
            throw Diagnostic(
                "the script returned \(output.shape[1]) numbers, and once it was \(featureWidth)",
                exitCode: .badData)
        }
        return output
    }

    /// Maps feature vectors, `[B, D]`, to logits, `[B, C]`.
    public func head(_ features: Tensor) throws -> Tensor { try classifier?(features) ?? features }

    // MARK: Running

    /// The number of values that a script returns for an image of a size.
    ///
    /// - Throws: a `Diagnostic` where the script cannot take such images, or returns something else.
    public static func width(
        of script: TorchScript, imageSize: Int, returning kind: Output = .features, part: String = ""
    ) throws -> Int {
        try withoutGradients {
            try script.setTraining(false)
            if !part.isEmpty { try script.select(part) }
            return try run(script, on: .zeros([2, 3, imageSize, imageSize]), returning: kind).shape[1]
        }
    }

    private static func run(
        _ script: TorchScript, on images: Tensor, returning kind: Output, seed: UInt64? = nil
    ) throws -> Tensor {
        let output: Tensor
        do throws(TorchError) {
            // A traced `view` takes rows of pixels for granted.
            output = try script.forward(images.contiguous(), seed: seed)
        } catch  where error.code == .outOfMemory || error.code == .device {
            throw error
        } catch {
            let isShape = error.message.hasPrefix("the script returned")
            let side = images.shape[images.rank - 1]
            throw Diagnostic(
                isShape
                    ? error.message : "the script cannot take images of \(side) pixels: \(error.message)",
                hint: isShape
                    ? hint(for: kind, severalResults: error.message.hasPrefix("the script returned a "))
                    : "set image_size to the size that it was exported for: a traced module keeps to it",
                exitCode: .badData)
        }
        if kind == .map {
            let map = output.rank == 3 ? try output.unsqueeze(1) : output
            guard map.rank == 4, map.shape[0] == images.shape[0] else {
                throw Diagnostic(
                    "the script returned \(output.shape) for \(images.shape[0]) images, not a map for each",
                    hint: hint(for: kind), exitCode: .badData)
            }
            return map
        }
        guard output.rank == 2, output.shape[0] == images.shape[0] else {
            throw Diagnostic(
                "the script returned \(output.shape) for \(images.shape[0]) images, not one row for each",
                hint: hint(for: kind), exitCode: .badData)
        }
        return output
    }

    /// What to do about a script that returned something else; several results stand in the message by their names.
    private static func hint(for kind: Output, severalResults: Bool = false) -> String {
        let wanted = kind == .map ? "map" : kind.rawValue
        return severalResults
            ? "set output_part to the one with the \(wanted): its key, or its number"
            : kind == .map
                ? "export a module whose forward returns one tensor, [images, channels, height, width]"
                : "export a module whose forward returns one tensor of features or logits, [images, numbers]"
    }
}

// MARK: - Preset

extension ScriptedModel {
    /// What a configuration says about a script.
    struct Shape {
        let output: Output
        let width: Int
        /// Which of several results is meant: a key or a number; empty where there is one.
        let part: String

        init(_ configuration: ModelConfiguration) throws(Diagnostic) {
            output = try configuration.choice("output")
            width = try configuration.int("width")
            part = configuration.options["part"]?.description ?? ""
            if output != .features, configuration.classCount != width {
                throw Diagnostic(
                    "the script returns \(width) numbers, and there are \(configuration.classCount) classes")
            }
        }
    }

    static let preset: ModelPreset = {
        var preset = plain
        preset.hasMap = false
        return preset
    }()

    private static let plain = ModelPreset(
        name: architecture, imageSize: 224,
        options: { _ in ["output": .string(Output.features.rawValue), "width": 1, "script": "", "part": ""] },
        preprocessing: .imageNet, head: "head",
        shape: { configuration throws(Diagnostic) in try Shape(configuration) },
        model: { _, _, _ in
            throw Diagnostic(
                "a \(architecture) model is made from its file, and from nothing else",
                hint: "import it: models: {teacher: {file: teacher.pt, architecture: \(architecture), …}}")
        })
}

extension ModelConfiguration {
    /// Whether the network is a script's code.
    public var isScript: Bool { architecture == ScriptedModel.architecture }
}
