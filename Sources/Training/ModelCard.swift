internal import Diagnostics
public import Foundation
public import Models
public import Vision

/// What a checkpoint's weights mean: `model.json`.
public struct ModelCard: Codable, Hashable, Sendable {
    /// The architecture with its options and its preprocessing.
    public var configuration: ModelConfiguration
    /// The class names, by output; empty where the outputs have no names.
    public var classes: [String]
    /// What the model was made from, newest last: `pretrain vfm`, `fine-tune teacher`.
    public var lineage: [String]
    /// The licences of what it was made from, as far as they were declared; nil where none was.
    ///
    /// Inside a store they stand beside the artifacts that they are about; a model takes them along as it leaves.
    public var licences: [String]?
    /// What it answers about every pixel; nil for one that names classes, of images or of pixels.
    public var task: DenseTask?

    /// Creates a card.
    public init(
        configuration: ModelConfiguration, classes: [String], lineage: [String] = [],
        licences: [String]? = nil, task: DenseTask? = nil
    ) {
        self.configuration = configuration
        self.classes = classes
        self.lineage = lineage
        self.licences = licences
        self.task = task
    }

    /// The file's name in a checkpoint.
    public static let file = "model.json"

    /// Reads the card of a checkpoint.
    public init(in directory: URL) throws {
        let url = directory.appending(path: Self.file)
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: url))
        } catch {
            throw Diagnostic(
                "cannot read \(url.path): \(error)",
                hint: "a checkpoint holds model.safetensors and model.json",
                exitCode: .badData)
        }
    }

    /// Writes the card into a checkpoint.
    public func write(to directory: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        try (encoder.encode(self) + Data("\n".utf8))
            .write(to: directory.appending(path: Self.file), options: .atomic)
    }
}
