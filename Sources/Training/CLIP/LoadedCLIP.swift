internal import Diagnostics
public import Foundation
internal import Layers
public import Models
internal import Safetensors
public import Tensors
public import Text

/// Two towers with their weights, their sizes and their vocabulary: what a CLIP's checkpoint holds, in memory.
///
/// The folder is that of an image model, `model.json` and `model.safetensors`, which every stage can open as one. Beside
/// them `clip.json` holds the text tower's sizes, `clip.safetensors` its weights and the scale, and `vocabulary.txt` the
/// pairs of its tokenizer.
public struct LoadedCLIP {
    /// The image tower as a model; its parameters are those of both towers, the text tower's below `clip.`.
    public var whole: LoadedModel
    /// Both towers.
    public let model: CLIPModel
    /// Their sizes.
    public let configuration: CLIPConfiguration
    /// What cuts captions into tokens.
    public let tokenizer: Tokenizer

    /// The file of the text tower's sizes.
    public static let file = "clip.json"
    /// The file of all weights but the image tower's.
    public static let weightsFile = "clip.safetensors"

    /// Where the towers live.
    public var device: Device { whole.device }

    /// Joins towers, weights and vocabulary.
    ///
    /// - Throws: a `Diagnostic` where the vocabulary has another size than the text tower's table.
    init(
        card: ModelCard, _ configuration: CLIPConfiguration, tokenizer: Tokenizer,
        _ made: (model: CLIPModel, parameters: Parameters), device: Device
    ) throws {
        guard tokenizer.vocabularySize == configuration.text.vocabularySize else {
            throw Diagnostic(
                "the text tower knows \(configuration.text.vocabularySize) tokens, and the vocabulary has "
                    + "\(tokenizer.vocabularySize)",
                hint: "published CLIPs have 49408: their vocabulary is bpe_simple_vocab_16e6.txt.gz",
                exitCode: .badData)
        }
        var card = card
        card.configuration = configuration.image
        card.classes = []
        whole = try LoadedModel(
            card: card, network: made.model.image, parameters: made.parameters, device: device)
        model = made.model
        self.configuration = configuration
        self.tokenizer = tokenizer
    }

    /// Makes two towers with fresh weights.
    public static func initialize(
        _ configuration: CLIPConfiguration, tokenizer: Tokenizer, generator: Generator, device: Device
    ) throws -> LoadedCLIP {
        try LoadedCLIP(
            card: ModelCard(configuration: configuration.image, classes: []), configuration,
            tokenizer: tokenizer,
            CLIPModel.initialize(configuration, generator: generator, device: device), device: device)
    }

    // MARK: Files

    /// Whether a checkpoint has a text tower.
    public static func isCLIP(_ directory: URL) -> Bool {
        FileManager.default.fileExists(atPath: directory.appending(path: file).path)
    }

    /// The folder of a checkpoint that is named by itself or by one of its files.
    public static func folder(of url: URL) -> URL {
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
        return exists && isFolder.boolValue ? url : url.deletingLastPathComponent()
    }

    /// Opens a checkpoint, every tensor of both towers by name and shape.
    ///
    /// - Parameter node: what the pipeline calls it, for messages.
    /// - Throws: a `Diagnostic` for one without a text tower, and `CheckpointMismatch` for names that do not fit.
    public static func load(
        _ directory: URL, node: String? = nil, device: Device, imageSize: Int? = nil,
        generator: Generator? = nil
    ) throws -> LoadedCLIP {
        guard isCLIP(directory) else {
            throw Diagnostic(
                "the model of '\(node ?? directory.path)' has an image tower alone",
                hint:
                    "import-model takes both towers of a CLIP where `vocabulary` is given; train-clip makes both",
                exitCode: .badData)
        }
        var card = try ModelCard(in: directory)
        if let imageSize { card.configuration.imageSize = imageSize }
        let url = directory.appending(path: file)
        let text: TextTransformer.Shape
        do {
            text = try JSONDecoder().decode(TextTransformer.Shape.self, from: Data(contentsOf: url))
        } catch {
            throw Diagnostic("cannot read \(url.path): \(error)", exitCode: .badData)
        }
        let configuration = CLIPConfiguration(image: card.configuration, text: text)
        var state = try SafetensorsFile(directory.appending(path: LoadedModel.weightsFile)).state()
        for (name, tensor) in try SafetensorsFile(directory.appending(path: weightsFile)).state() {
            state[CLIPModel.prefix + name] = tensor
        }
        return try LoadedCLIP(
            card: card, configuration, tokenizer: Tokenizer(directory.appending(path: Tokenizer.file)),
            CLIPModel.load(configuration, from: state, generator: generator, device: device), device: device)
    }

    /// Writes the checkpoint.
    public func write(to directory: URL) throws {
        var (image, rest): ([(String, Tensor)], [(String, Tensor)]) = ([], [])
        for entry in whole.parameters.named {
            if entry.name.hasPrefix(CLIPModel.prefix) {
                rest.append((String(entry.name.dropFirst(CLIPModel.prefix.count)), entry.tensor))
            } else {
                image.append((entry.name, entry.tensor))
            }
        }
        let metadata = ["architecture": configuration.image.architecture]
        try SafetensorsFile.write(
            image, metadata: metadata, to: directory.appending(path: LoadedModel.weightsFile))
        try SafetensorsFile.write(rest, metadata: metadata, to: directory.appending(path: Self.weightsFile))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        try (encoder.encode(configuration.text) + Data("\n".utf8))
            .write(to: directory.appending(path: Self.file), options: .atomic)
        try tokenizer.write(to: directory.appending(path: Tokenizer.file))
        try whole.card.write(to: directory)
    }

    /// Writes the vocabulary alone, in the form in which CLIP's was published.
    public func writeVocabulary(to file: URL) throws { try tokenizer.write(to: file) }

    // MARK: Embeddings

    /// The tokens of a caption, as many as the text tower takes.
    public func tokens(_ caption: String) -> [Int] {
        tokenizer.caption(caption, contextLength: configuration.text.contextLength)
    }

    /// The unit vectors of texts, `[B, P]` in fp32, in their order.
    public func embeddings(of texts: [String], batchSize: Int = 256) throws -> Tensor {
        let rows = texts.map(tokens)
        return try withoutGradients {
            let parts = try stride(from: 0, to: rows.count, by: batchSize).map { first in
                let part = Array(rows[first..<min(rows.count, first + batchSize)])
                return try model.text(part, device: device).to(.float32).normalize(-1)
            }
            return try Tensor.cat(parts, dim: 0)
        }
    }

    /// The unit vectors of what an inference calls features, `[B, P]` in fp32.
    public func embeddings(ofFeatures features: Tensor) throws -> Tensor {
        try withoutGradients { try model.embedding(of: features).to(.float32).normalize(-1) }
    }
}
