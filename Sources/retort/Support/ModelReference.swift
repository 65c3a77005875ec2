import Diagnostics
import Engine
import Export
import Foundation
import Stages
import Tensors
import Training

/// A trained model as the command line names it: a weights file, a checkpoint's folder, or a stage.
struct ModelReference {
    /// The model.
    let model: LoadedModel
    /// The weights file.
    let file: URL
    /// Where it comes from, a line for each fact.
    let provenance: [String]

    /// Opens what a word stands for; a path that exists comes before a stage of that name.
    init(_ word: String, store: Store, run: String?, device: Device = .cpu) throws {
        var folder: URL?
        var file = URL(filePath: word)
        var isFolder: ObjCBool = false
        if !FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder) {
            guard !word.contains("/"), !Self.isFileName(word) else {
                throw Diagnostic("no file \(file.path)", exitCode: .inputMissing)
            }
            folder = try ArtifactLookup(store).artifact(of: word, run: run).folder
        } else if isFolder.boolValue {
            folder = file
        }
        if let folder {
            file = folder.appending(path: LoadedModel.weightsFile)
            guard FileManager.default.fileExists(atPath: file.path) else {
                throw Diagnostic(
                    "'\(word)' is no checkpoint: \(folder.path) has no \(LoadedModel.weightsFile)",
                    hint: "name a stage that trains or imports a model", exitCode: .usage)
            }
        }
        if file.pathExtension == "onnx" { throw Self.refusal(of: file) }
        var model = try SafetensorsExport.open(file, device: device)
        let licences = try (model.card.licences ?? []) + (folder.map(Licences.ofAncestors) ?? [])
        model.card.licences = licences.isEmpty ? nil : Set(licences).sorted()
        self.model = model
        self.file = file
        provenance = try folder.map(Self.provenance) ?? []
    }

    private static func isFileName(_ word: String) -> Bool {
        ["safetensors", "onnx"].contains(URL(filePath: word).pathExtension)
    }

    /// What to take instead of an ONNX file, which this program writes and does not run.
    private static func refusal(of file: URL) -> Diagnostic {
        let folder = file.deletingLastPathComponent()
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        let stem = file.deletingPathExtension().lastPathComponent
        let weights = names.filter { $0.hasSuffix(".safetensors") }.sorted()
        let best = weights.first { $0 == stem + ".safetensors" } ?? weights.first
        return Diagnostic(
            "\(file.path) is an ONNX file, which other runtimes run and this program does not",
            hint: best.map { "take \(folder.appending(path: $0).path)" }
                ?? "export the model with '--to safetensors', too",
            exitCode: .usage)
    }

    /// What the record of a stored artifact says about its making.
    private static func provenance(_ folder: URL) throws -> [String] {
        guard FileManager.default.fileExists(atPath: folder.appending(path: ArtifactRecord.fileName).path)
        else {
            return []
        }
        let record = try ArtifactRecord.read(at: folder)
        let made =
            "artifact \(record.key): stage `\(record.node)` (\(record.stage), revision \(record.revision)), "
            + "Retort \(record.retort), content \(record.digest)"
        return [made]
            + record.inputs.map { input in
                let part = input.selector.map { ".\($0)" } ?? ""
                return
                    "it read \(input.name): `\(input.node)\(part)` (\(input.kind)), content \(input.digest)"
            }
    }
}
