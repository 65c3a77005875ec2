internal import Diagnostics
public import Foundation
internal import Layers
public import Models
public import Tensors
public import Vision

/// A TorchScript file, and the models that are made from it.
///
/// Loading such a file runs code that it brings along: open only what the user named.
public struct ScriptFile {
    /// The file's name in a checkpoint.
    public static let name = "model.pt"
    /// The option of a configuration that holds the script's identity.
    static let identityOption = "script"

    /// The file.
    public let url: URL

    /// Names a file; nothing is read.
    public init(_ url: URL) { self.url = url }

    // MARK: Which files

    /// Whether a file is an archive as PyTorch writes them: a script, or a pickle.
    public static func isArchive(_ url: URL) -> Bool {
        guard let handle = try? FileHandle(forReadingFrom: url) else { return false }
        defer { try? handle.close() }
        return (try? handle.read(upToCount: 4)) == Data("PK\u{3}\u{4}".utf8)
    }

    /// The folder of a scripted model's checkpoint, which is named itself or by one of its files; nil for others.
    public static func checkpoint(at url: URL) throws -> URL? {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else { return nil }
        let folder = isFolder.boolValue ? url : url.deletingLastPathComponent()
        let files = [name, ModelCard.file, LoadedModel.weightsFile]
        guard isFolder.boolValue || files.contains(url.lastPathComponent),
            FileManager.default.fileExists(atPath: folder.appending(path: ModelCard.file).path)
        else { return nil }
        return try ModelCard(in: folder).configuration.isScript ? folder : nil
    }

    /// The script of a checkpoint, whose card must be its own; nil where the network is none.
    static func stored(in folder: URL, of configuration: ModelConfiguration) throws -> ScriptFile? {
        guard configuration.isScript else { return nil }
        let script = ScriptFile(folder.appending(path: name))
        guard configuration.options[identityOption] == .string(try script.identity()) else {
            throw Diagnostic(
                "\(script.url.path) is not the script that the \(ModelCard.file) beside it describes",
                hint: "keep a checkpoint's files together; `retort verify` names what was changed",
                exitCode: .badData)
        }
        return script
    }

    // MARK: Loading

    /// Reads the code and the weights.
    ///
    /// - Throws: a `Diagnostic` that says what the file is instead, and what to do with it.
    public func load(device: Device = .cpu) throws -> TorchScript {
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw Diagnostic("no file \(url.path)", exitCode: .inputMissing)
        }
        do {
            return try TorchScript(url, device: device)
        } catch  where error.code == .outOfMemory || error.code == .device {
            throw error
        } catch {
            let isPickle = error.message.contains("constants.pkl") || !Self.isArchive(url)
            throw Diagnostic(
                isPickle
                    ? "\(url.lastPathComponent) is not a TorchScript file"
                        + (Self.isArchive(url) ? ": it holds pickled weights, and no code" : "")
                    : "cannot load the script \(url.lastPathComponent): \(error.message)",
                hint: isPickle ? Self.conversion(of: url) : "export it with the torch of this program",
                exitCode: .badData)
        }
    }

    /// What to do with weights that were pickled.
    static func conversion(of url: URL) -> String {
        let stem = url.deletingPathExtension().lastPathComponent
        return
            "in Python, torch.jit.script(model).save(…) or torch.jit.trace(model, images).save(…) makes one; "
            + "weights of a known architecture are converted by safetensors.torch.save_file(torch.load("
            + "'\(url.lastPathComponent)', weights_only=True), '\(stem).safetensors')"
    }

    /// The first half of the file's SHA-256.
    private func identity() throws -> String {
        do {
            return ContentID.of(try Data(contentsOf: url, options: .mappedIfSafe))
        } catch {
            throw Diagnostic(
                "cannot read \(url.path): \(error.localizedDescription)", exitCode: .inputMissing)
        }
    }

    /// What the file does not say about itself.
    public struct Declaration: Hashable, Sendable {
        /// What it returns.
        public var output: ScriptedModel.Output
        /// The side of its images.
        public var imageSize: Int
        /// What it expects of the numbers in an image.
        public var preprocessing: Preprocessing
        /// What a map answers.
        public var task: DenseTask?
        /// Which of several results it is, by key or by number; empty where there is one.
        public var part: String

        /// Creates a declaration.
        public init(
            output: ScriptedModel.Output, imageSize: Int, preprocessing: Preprocessing,
            task: DenseTask? = nil, part: String = ""
        ) {
            self.output = output
            self.imageSize = imageSize
            self.preprocessing = preprocessing
            self.task = task
            self.part = part
        }
    }

    /// Makes a model of the script as it is, after trying it on two images of the declared size.
    public func model(_ declaration: Declaration, device: Device = .cpu) throws -> LoadedModel {
        let width = try ScriptedModel.width(
            of: load(), imageSize: declaration.imageSize, returning: declaration.output,
            part: declaration.part)
        if let task = declaration.task, let names = task.outputNames, names.count != width {
            throw Diagnostic(
                "the script returns maps of \(width) numbers a pixel, and \(task.rawValue) has \(names.count)",
                hint: "look at its task, and at which of its results is meant", exitCode: .badData)
        }
        let configuration = ModelConfiguration(
            architecture: ScriptedModel.architecture, imageSize: declaration.imageSize,
            classCount: declaration.output == .features ? 0 : width,
            options: [
                "output": .string(declaration.output.rawValue), "width": .int(width),
                Self.identityOption: .string(try identity()), "part": .string(declaration.part),
            ], preprocessing: declaration.preprocessing)
        let (network, parameters) = try ModelRegistry.initialize(
            configuration, generator: Generator(seed: 0), device: device, script: load(device: device))
        var model = try LoadedModel(
            card: ModelCard(
                configuration: configuration, classes: declaration.task?.outputNames ?? [],
                task: declaration.output == .map ? declaration.task : nil), network: network,
            parameters: parameters, device: device)
        model.script = self
        return model
    }
}
