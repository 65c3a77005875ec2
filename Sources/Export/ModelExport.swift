internal import Diagnostics
public import Foundation
internal import Layers
internal import Models
public import Training

/// A model leaving the store: its file in the form that others read, and a card beside it.
public struct ModelExport {
    /// The forms.
    public enum Format: String, CaseIterable, Sendable {
        case onnx, safetensors
        /// Both towers of a CLIP under OpenCLIP's names.
        case openclip
    }

    /// What was written.
    public struct Summary: Codable, Hashable, Sendable {
        /// `onnx`, `safetensors` or `openclip`.
        public var format: String
        /// The model's file.
        public var file: String
        /// The cards: one for people, one for programs.
        public var cards: [String]
        /// The file's size.
        public var bytes: Int
        /// The file's digest.
        public var sha256: String
        /// The architecture's name.
        public var architecture: String
        /// The number of trained numbers.
        public var parameters: Int
        /// Whether another runtime computed the same; nil where that is no question.
        public var verified: Bool?
        /// What that runtime was and how far it differed, or why nobody looked.
        public var verification: String?
    }

    /// The model.
    public let model: LoadedModel
    /// Where it comes from, a line for each fact; part of the card.
    public var provenance: [String] = []
    /// Whether an ONNX graph normalises its input.
    public var normalizes = false
    /// Whether feature vectors are an output of an ONNX graph, too.
    public var features = false
    /// Whether an ONNX file is run before it gets its name.
    public var verification = OnnxVerification.Policy.auto

    /// Both towers, where the model is the image tower of a CLIP.
    public var clip: LoadedCLIP?

    /// Prepares the export of a model.
    public init(_ model: LoadedModel) { self.model = model }

    /// Writes the file and its cards.
    ///
    /// - Parameter digest: computes the SHA-256 of a file.
    /// - Throws: a `Diagnostic`; then nothing is left but what was there before.
    public func write(
        _ format: Format, to url: URL, digest: (URL) throws -> String
    ) throws -> Summary {
        guard model.script == nil else {
            throw Diagnostic(
                "a TorchScript model cannot be exported as \(format.rawValue): what it computes is code in a file "
                    + "of its own",
                hint:
                    "distil it into a student and export that; the model's folder, with \(ScriptFile.name), "
                    + "can be copied as it is", exitCode: .unavailable)
        }
        let folder = url.deletingLastPathComponent()
        let card = folder.appending(path: ModelCard.file)
        try checkPlace(url, card)
        var outcome: OnnxVerification.Outcome?
        switch format {
        case .safetensors: try SafetensorsExport.write(model, to: url)
        case .openclip: try OpenCLIPExport.write(bothTowers(), to: url)
        case .onnx:
            let export = OnnxExport(model, normalizes: normalizes, features: features)
            try export.write(to: url) { outcome = try OnnxVerification(verification)($0, of: export) }
        }
        let people = folder.appending(path: url.lastPathComponent + ".md")
        let attributes = try FileManager.default.attributesOfItem(atPath: url.path)
        let parameters = format == .openclip ? try bothTowers().whole.parameters : model.parameters
        let summary = Summary(
            format: format.rawValue, file: url.path, cards: [people.path, card.path],
            bytes: (attributes[.size] as? NSNumber)?.intValue ?? 0, sha256: try digest(url),
            architecture: model.card.configuration.architecture, parameters: parameters.count,
            verified: outcome.map(\.isVerified), verification: outcome?.description)
        try AtomicFile.write(ModelCardText(self, format, summary).text, to: people)
        try model.card.write(to: folder)
        return summary
    }

    private func bothTowers() throws -> LoadedCLIP {
        guard let clip else {
            throw Diagnostic(
                "OpenCLIP's form holds two towers, and the model has an image tower alone",
                hint: "name a stage that trains a CLIP, or one that imports it with its vocabulary",
                exitCode: .unavailable)
        }
        return clip
    }

    /// Refuses places where the export would damage something.
    private func checkPlace(_ url: URL, _ card: URL) throws {
        let folder = url.deletingLastPathComponent()
        guard !FileManager.default.fileExists(atPath: folder.appending(path: "artifact.json").path) else {
            throw Diagnostic(
                "\(folder.path) is an artifact of the store, which never changes",
                hint: "write to a folder outside the store", exitCode: .usage)
        }
        guard FileManager.default.fileExists(atPath: card.path) else { return }
        guard try ModelCard(in: folder) == model.card else {
            throw Diagnostic(
                "\(card.path) belongs to another model", hint: "give each model a folder of its own",
                exitCode: .usage)
        }
    }
}

extension OnnxVerification.Outcome: CustomStringConvertible {
    /// Whether the file was run.
    var isVerified: Bool { if case .verified = self { true } else { false } }

    /// `verified with onnxruntime 1.23.0, batches of 1 and 3: largest difference 2.1e-07`, or `not verified: …`.
    public var description: String {
        switch self {
        case .notVerified(let reason): "not verified: \(reason)"
        case .verified(let runtime, let difference):
            "verified with \(runtime), batches of "
                + OnnxVerification.batches.map(String.init).joined(separator: " and ")
                + String(format: ": largest difference %.1e of the largest output", difference)
        }
    }
}
