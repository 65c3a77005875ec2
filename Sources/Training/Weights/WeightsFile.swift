internal import Diagnostics
public import Foundation
internal import Layers
public import Models
internal import Safetensors
public import Tensors

/// A safetensors file of any dialect, with what lies beside it.
///
/// ```swift
/// let file = try WeightsFile(url)
/// let identified = try file.identify(as: "vit_small_patch14_dinov2")
/// let model = try file.load(identified)
/// ```
public struct WeightsFile {
    /// The file.
    public let url: URL
    /// The `model.json` beside it, if there is one.
    public let card: ModelCard?

    let file: SafetensorsFile
    private let facts: CheckpointFacts
    let shapes: [String: [Int]]

    /// Opens a file, or the `model.safetensors` of a folder; the files beside it must be readable.
    ///
    /// - Throws: a `Diagnostic` that says which file is missing or wrong.
    public init(_ given: URL) throws {
        let url = Self.file(given)
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw Diagnostic(
                "no file \(url.path)",
                hint: "name an existing safetensors file; pickled checkpoints are not read",
                exitCode: .inputMissing)
        }
        if ScriptFile.isArchive(url) {
            throw Diagnostic(
                "\(url.lastPathComponent) is an archive of PyTorch, not a safetensors file",
                hint: "a script is imported in a pipeline with architecture: \(ScriptedModel.architecture); "
                    + ScriptFile.conversion(of: url), exitCode: .badData)
        }
        do { file = try SafetensorsFile(url) } catch { throw error.diagnostic }
        self.url = url
        let folder = url.deletingLastPathComponent()
        let hasCard = FileManager.default.fileExists(atPath: folder.appending(path: ModelCard.file).path)
        card = hasCard ? try ModelCard(in: folder) : nil
        facts = try CheckpointFacts(in: folder)
        shapes = Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0.shape) })
    }

    /// The files beside the weights that decide what they mean; those that exist.
    public static func companions(of given: URL) -> [URL] {
        let folder = file(given).deletingLastPathComponent()
        return ([ModelCard.file] + CheckpointFacts.files).map { folder.appending(path: $0) }
            .filter { FileManager.default.fileExists(atPath: $0.path) }
    }

    /// A folder stands for its weights.
    private static func file(_ url: URL) -> URL {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder), isFolder.boolValue
        else { return url }
        return url.appending(path: LoadedModel.weightsFile)
    }

    // MARK: Identifying

    /// What the file was found to be.
    public struct Identified {
        /// The architecture, and what the file gives to it.
        public var guess: ArchitectureGuess
        /// Other architectures that fit as well but compute something else.
        public var alternatives: [String] = []
        /// The class names, where `model.json` has them.
        public var classes: [String] = []
        /// What the user should know.
        public var notes: [String] = []
        /// What is wrong with it.
        let problem: Diagnostic?

        /// Throws unless the file covers one architecture completely.
        public func check() throws {
            if let problem { throw problem }
        }
    }

    /// Finds out which architecture the weights are of; no tensor is read.
    ///
    /// The name may be timm's, with or without that of the weights after a dot, or OpenCLIP's. Without one,
    /// `model.json` decides, then the library's own configuration file, then the shapes.
    /// - Parameter options: options of the architecture as they are written in a pipeline.
    /// - Throws: a `Diagnostic` for an unknown architecture or option, and for a contradiction.
    public func identify(
        as name: String? = nil, imageSize: Int? = nil, options: [String: String] = [:]
    ) throws -> Identified {
        let name = name.map(Self.withoutTag)
        if let card, name == nil || name == card.configuration.architecture {
            var configuration = try ModelRegistry.configure(card.configuration, options: options)
            if let imageSize { configuration.imageSize = imageSize }
            let guess = try ArchitectureGuess(shapes, as: configuration)
            let hasNames = guess.configuration.classCount == card.classes.count
            return Identified(
                guess: guess, classes: hasNames ? card.classes : [], problem: try problem(of: guess))
        }
        let stated = [facts.architecture, file.metadata["architecture"]].compactMap { $0 }
            .first(where: ModelRegistry.names.contains)
        guard let architecture = name ?? stated else { return try inferred(imageSize, options) }
        let defaults = try ModelRegistry.defaults(for: architecture, imageSize: imageSize, classCount: 0)
        let configuration = try ModelRegistry.configure(facts.applied(to: defaults), options: options)
        try facts.check(configuration)
        let guess = try ArchitectureGuess(shapes, as: withEpsilon(configuration, given: options))
        var identified = Identified(guess: guess, problem: try problem(of: guess))
        if let card {
            identified.notes.append(
                "\(ModelCard.file) beside \(url.lastPathComponent) describes "
                    + "\(card.configuration.architecture) and was not used for \(architecture)")
        }
        return identified
    }

    /// The architecture by its shapes alone.
    private func inferred(_ imageSize: Int?, _ options: [String: String]) throws -> Identified {
        guard options.isEmpty else {
            throw Diagnostic("options need an architecture", hint: "name the architecture, too")
        }
        let guesses = try ArchitectureGuess.all(for: shapes).filter { facts.agree(with: $0.configuration) }
            .map { guess in
                var configuration = withEpsilon(facts.applied(to: guess.configuration))
                if let imageSize { configuration.imageSize = imageSize }
                var guess = guess
                guess.configuration = configuration
                return guess
            }
        guard let best = guesses.first else {
            throw Diagnostic("\(url.lastPathComponent) is of no known architecture", exitCode: .badData)
        }
        let alternatives = guesses.dropFirst().filter {
            best.coverage.isComplete && $0.coverage.isComplete
                && !Self.computeTheSame($0.configuration, best.configuration)
        }.map(\.configuration.architecture)
        return Identified(
            guess: best, alternatives: alternatives, problem: problem(ofInferred: best, alternatives))
    }

    private static func computeTheSame(_ a: ModelConfiguration, _ b: ModelConfiguration) -> Bool {
        a.options == b.options && a.preprocessing == b.preprocessing
    }

    /// timm's name of an architecture without the name of its weights.
    private static func withoutTag(_ name: String) -> String {
        let bare = String(name.prefix { $0 != "." })
        return ModelRegistry.names.contains(name) || !ModelRegistry.names.contains(bare) ? name : bare
    }

    /// Hugging Face's ViT divides by a smaller number than timm's, whether or not its configuration lies here.
    private func withEpsilon(
        _ configuration: ModelConfiguration, given options: [String: String] = [:]
    ) -> ModelConfiguration {
        guard facts.epsilon == nil, options["norm_eps"] == nil, configuration.options["norm_eps"] != nil,
            WeightTranslation(shapes).dialect == .huggingFaceViT
        else { return configuration }
        var configuration = configuration
        configuration.options["norm_eps"] = 1e-12
        return configuration
    }

    // MARK: Problems

    private func problem(of guess: ArchitectureGuess) throws -> Diagnostic? {
        guard !guess.coverage.isComplete else { return nil }
        let fitting = try ArchitectureGuess.all(for: shapes).filter(\.coverage.isComplete)
        return guess.coverage.problem(
            in: url.lastPathComponent, others: fitting.map(\.configuration.architecture))
    }

    private func problem(ofInferred best: ArchitectureGuess, _ alternatives: [String]) -> Diagnostic? {
        if !alternatives.isEmpty {
            let all = [best.configuration.architecture] + alternatives
            return Diagnostic(
                "\(url.lastPathComponent) fits \(all.joined(separator: " and ")), "
                    + "which differ in what weights do not show",
                hint:
                    "name the architecture: they differ in the nonlinearity or in how images are normalised",
                exitCode: .badData)
        }
        guard var problem = best.coverage.problem(in: url.lastPathComponent) else { return nil }
        problem.message =
            "no architecture was named, and none fits completely; the nearest: \(problem.message)"
        problem.hint =
            ArchitectureGuess.transformerFacts(of: best.translation).map {
                "the file holds a vision transformer (\($0)): name its architecture, with options where it differs"
            } ?? problem.hint
        return problem
    }

    // MARK: Loading

    /// Reads the weights of an architecture that the file covers completely.
    public func load(_ identified: Identified, device: Device = .cpu) throws -> LoadedModel {
        try identified.check()
        let configuration = identified.guess.configuration
        return try reading(as: configuration.architecture) {
            let state = try identified.guess.translation.state { name in
                try file.tensor(file.tensor(name))
            }
            let (network, parameters) = try ModelRegistry.load(configuration, from: state, device: device)
            return try LoadedModel(
                card: ModelCard(
                    configuration: configuration, classes: identified.classes, lineage: card?.lineage ?? [],
                    licences: card?.licences),
                network: network, parameters: parameters, device: device)
        }
    }

    /// Calls `body`, which reads tensors, with what can be wrong about them told in the file's name.
    func reading<Result>(as architecture: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as SafetensorsError {
            throw error.diagnostic
        } catch let error as WeightTranslationError {
            throw Diagnostic("\(url.lastPathComponent): \(error)", exitCode: .badData)
        } catch let mismatch as CheckpointMismatch {
            throw Diagnostic(
                "\(url.lastPathComponent) does not fit \(architecture): \(mismatch)",
                hint: "check the architecture; every tensor must be present with its shape",
                exitCode: .badData)
        }
    }
}
