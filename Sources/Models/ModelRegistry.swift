public import Diagnostics
public import Layers
public import Tensors

/// An architecture with the sizes that its name stands for.
struct ModelPreset: Sendable {
    /// The name in pipelines.
    let name: String
    /// The image size unless another is asked for.
    let imageSize: Int
    /// What the architecture can be told, with defaults for an image size.
    let options: @Sendable (_ imageSize: Int) -> [String: ModelOption]
    /// What it expects of images.
    let preprocessing: Preprocessing
    /// The prefix of the head's names, which depend on the number of classes.
    let head: String
    /// Throws what is wrong with the options of a configuration.
    let check: @Sendable (ModelConfiguration) throws(Diagnostic) -> Void
    /// Makes the model.
    let build: @Sendable (ModelConfiguration, Scope) throws -> any ImageModel
    /// Adapts a checkpoint of the same model for another image size.
    var adapt: @Sendable ([String: Tensor], ModelConfiguration) throws -> [String: Tensor] = { state, _ in
        state
    }
    /// Whether a checkpoint's tensor of this shape becomes the model's by `adapt`.
    var adapts: @Sendable (_ name: String, _ shape: [Int], ModelConfiguration) -> Bool = { _, _, _ in false }
    /// Whose name this is.
    var naming = Naming.timm
    /// Whether its features come from tokens, which another head may pool.
    var hasTokens = false
    /// Whether its features come from a map.
    var hasMap = true
    /// Whether its last stages can be dilated in place of making the map smaller.
    var isDilatable = false

    /// The library that calls an architecture so.
    enum Naming: Sendable { case timm, openCLIP }

    /// Creates a preset of a model whose sizes are read from the options of a configuration.
    init<Shape>(
        name: String, imageSize: Int,
        options: @escaping @Sendable (_ imageSize: Int) -> [String: ModelOption],
        preprocessing: Preprocessing, head: String,
        shape: @escaping @Sendable (ModelConfiguration) throws(Diagnostic) -> Shape,
        model: @escaping @Sendable (Scope, Shape, ModelConfiguration) throws -> any ImageModel
    ) {
        self.name = name
        self.imageSize = imageSize
        self.options = options
        self.preprocessing = preprocessing
        self.head = head
        check = { configuration throws(Diagnostic) in _ = try shape(configuration) }
        build = { configuration, scope in try model(scope, shape(configuration), configuration) }
    }
}

/// Every architecture by name.
public enum ModelRegistry {
    static let presets =
        ViT.presets + DINOv3.presets + ResNet.presets + MobileNetV2.presets + MobileNetV3.presets
        + MobileViTV2.presets
        + FastViT.presets + DepthwiseCNN.presets

    /// The names, family by family; ``ScriptedModel`` is apart, because it cannot be made without a file.
    public static var names: [String] { presets.map(\.name) }

    /// An architecture's own configuration, for its own image size unless another is given.
    public static func defaults(
        for name: String, imageSize: Int? = nil, classCount: Int = 1000
    ) throws(Diagnostic) -> ModelConfiguration {
        let preset = try preset(name)
        let size = imageSize ?? preset.imageSize
        return ModelConfiguration(
            architecture: name, imageSize: size, classCount: classCount, options: preset.options(size),
            preprocessing: preset.preprocessing)
    }

    /// The configuration with options as they are written in a pipeline.
    public static func configure(
        _ name: String, imageSize: Int? = nil, classCount: Int, options: [String: String]
    ) throws(Diagnostic) -> ModelConfiguration {
        try configure(
            defaults(for: name, imageSize: imageSize, classCount: classCount), options: options)
    }

    /// A configuration with some options as they are written in a pipeline.
    public static func configure(
        _ configuration: ModelConfiguration, options: [String: String]
    ) throws(Diagnostic) -> ModelConfiguration {
        var configuration = configuration
        for (key, text) in options.sorted(by: { $0.key < $1.key }) {
            guard let old = configuration.options[key] ?? ModelHead.options[key] else {
                throw unknown(key, in: configuration, hint: key.didYouMean(configuration.options.keys))
            }
            configuration.options[key] = old.parse(text) ?? .string(text)
        }
        try check(configuration)
        return configuration
    }

    /// Throws what is wrong with a configuration, without making a tensor of its size.
    public static func check(_ configuration: ModelConfiguration) throws(Diagnostic) {
        let preset = try preset(configuration.architecture)
        guard configuration.imageSize > 0, configuration.classCount >= 0 else {
            throw Diagnostic(
                "model '\(preset.name)' cannot have images of \(configuration.imageSize) pixels and "
                    + "\(configuration.classCount) classes")
        }
        let known = preset.options(configuration.imageSize)
        for key in configuration.options.keys.sorted()
        where known[key] == nil && ModelHead.options[key] == nil {
            throw unknown(key, in: configuration, hint: key.didYouMean(known.keys))
        }
        _ = try ModelHead(configuration, of: preset)
        try preset.check(configuration)
    }

    /// Makes a model in `scope`; its tensors are fresh or a checkpoint's, as the scope decides.
    ///
    /// - Parameter script: what computes, for a ``ScriptedModel``.
    public static func build(
        _ configuration: ModelConfiguration, _ scope: Scope, script: TorchScript? = nil
    ) throws -> any ImageModel {
        try check(configuration)
        if let script { return try ScriptedModel(scope, configuration, script) }
        let preset = try preset(configuration.architecture)
        func base(_ scope: Scope) throws -> any ImageModel {
            var base = configuration
            base.classCount = 0
            return try preset.build(base, scope)
        }
        switch try head(of: configuration) {
        case .classification(.linear): return try preset.build(configuration, scope)
        case .classification(let head):
            var hidden = 0
            if case .int(let width)? = configuration.options["head_hidden"] { hidden = width }
            return try HeadedModel(
                scope, head, prefix: preset.head, hidden: hidden, classCount: configuration.classCount,
                base: base)
        case .segmentation where configuration.classCount == 0: return try base(scope)
        case .segmentation(let head):
            return try SegmentationModel(scope, head, configuration, base: base)
        }
    }

    /// Makes a model of fresh tensors.
    public static func initialize(
        _ configuration: ModelConfiguration, generator: Generator, device: Device = .cpu,
        script: TorchScript? = nil
    ) throws -> (model: any ImageModel, parameters: Parameters) {
        try Parameters.initialize(generator: generator, device: device) {
            try build(configuration, $0, script: script)
        }
    }

    /// Makes a model of a checkpoint's tensors; position embeddings are resampled for another image size.
    ///
    /// Unless `newHead` allows a head for other classes to be initialised afresh, every tensor must fit.
    public static func load(
        _ configuration: ModelConfiguration, from state: [String: Tensor], newHead: Bool = false,
        generator: Generator? = nil, device: Device = .cpu, script: TorchScript? = nil
    ) throws -> (model: any ImageModel, parameters: Parameters) {
        let preset = try preset(configuration.architecture)
        return try Parameters.load(
            preset.adapt(state, configuration),
            reinitializing: newHead ? headPrefixes(of: configuration) : [],
            generator: generator, device: device
        ) { try build(configuration, $0, script: script) }
    }

    /// The names, shapes and types of a model's tensors, without the memory they would take.
    public static func outline(_ configuration: ModelConfiguration) throws -> Parameters {
        try Parameters.outline { _ = try build(configuration, $0) }
    }

    /// The prefix of the names of an architecture's head.
    public static func headPrefix(of configuration: ModelConfiguration) throws(Diagnostic) -> String {
        try preset(configuration.architecture).head
    }

    /// How a model's features become logits.
    public static func head(of configuration: ModelConfiguration) throws(Diagnostic) -> ModelHead {
        try ModelHead(configuration, of: preset(configuration.architecture))
    }

    /// The names that the tensor with a row for each class can have.
    static func classifierNames(of configuration: ModelConfiguration) throws(Diagnostic) -> [String] {
        if case .segmentation(let head) = try head(of: configuration) {
            return ["\(head.prefix).\(head.classifierName)"]
        }
        let prefix = try headPrefix(of: configuration)
        return ["\(prefix).weight", "\(prefix).fc.weight"]
    }

    /// The prefixes of the names of a model's head: the architecture's, with that of a pool that belongs to it, or
    /// that of a head for maps.
    public static func headPrefixes(of configuration: ModelConfiguration) throws(Diagnostic) -> [String] {
        try head(of: configuration).prefixes(preset(configuration.architecture).head)
    }

    static func preset(_ name: String) throws(Diagnostic) -> ModelPreset {
        if name == ScriptedModel.architecture { return ScriptedModel.preset }
        guard let preset = presets.first(where: { $0.name == name }) else {
            throw Diagnostic(
                "unknown model '\(name)'",
                hint: name.didYouMean(names + [ScriptedModel.architecture])
                    ?? "the models are \(names.joined(separator: ", "))")
        }
        return preset
    }

    private static func unknown(
        _ key: String, in configuration: ModelConfiguration, hint: String?
    ) -> Diagnostic {
        let known = configuration.options.keys.filter { $0 != key }.sorted().joined(separator: ", ")
        return Diagnostic(
            "unknown option '\(key)' for model '\(configuration.architecture)'",
            hint: hint ?? (known.isEmpty ? nil : "its options are \(known)"))
    }
}
