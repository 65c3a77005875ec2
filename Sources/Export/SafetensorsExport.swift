internal import Diagnostics
public import Foundation
internal import Layers
internal import Models
internal import Safetensors
public import Tensors
public import Training

/// A model as a safetensors file with timm's names, that says in its header what its weights mean.
public enum SafetensorsExport {
    /// The header's entry that holds the card.
    static let cardKey = "retort.card"

    /// Writes the file, all or nothing.
    public static func write(_ model: LoadedModel, to url: URL) throws {
        try AtomicFile.makeFolder(of: url)
        do {
            try model.parameters.write(
                to: url,
                metadata: [
                    // What transformers asks for before it reads a file.
                    "format": "pt", "architecture": model.card.configuration.architecture,
                    cardKey: model.card.text(),
                ])
        } catch let error as SafetensorsError {
            throw error.diagnostic
        }
    }

    /// Opens an exported or a stored file, with the card in its header or else the `model.json` beside it.
    ///
    /// - Throws: a `Diagnostic` where there is no card, or the weights do not fit it.
    public static func open(_ url: URL, device: Device = .cpu) throws -> LoadedModel {
        let file: SafetensorsFile
        do { file = try SafetensorsFile(url) } catch { throw error.diagnostic }
        let card =
            try file.metadata[cardKey].map { try ModelCard(text: $0, file: url) }
            ?? ModelCard(in: url.deletingLastPathComponent())
        if card.configuration.isScript {
            return try LoadedModel.load(url.deletingLastPathComponent(), device: device)
        }
        do {
            let (network, parameters) = try ModelRegistry.load(
                card.configuration, from: file.state(), device: device)
            return try LoadedModel(card: card, network: network, parameters: parameters, device: device)
        } catch let mismatch as CheckpointMismatch {
            throw Diagnostic(
                "\(url.path) does not fit its card, \(card.configuration.architecture) with "
                    + "\(card.configuration.classCount) classes: \(mismatch)",
                hint: "keep a weights file and its model.json together", exitCode: .badData)
        }
    }
}

extension ModelCard {
    /// The card on one line.
    func text() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    /// Reads the card in a file's header.
    init(text: String, file: URL) throws {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(text.utf8))
        } catch {
            throw Diagnostic(
                "cannot read the card in the header of \(file.path): \(error)",
                hint: "export the model again", exitCode: .badData)
        }
    }
}
