import ArgumentParser
import Engine
import Export
import Foundation
import Tensors
import Training

/// What the store holds, in forms that other programs read.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write what the store holds in forms that other programs read.",
        subcommands: [ExportModelCommand.self, ExportImagesCommand.self, ExportEmbeddingsCommand.self])
}

/// Writes a model as ONNX or safetensors, with a card beside it.
struct ExportModelCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "Write a model as ONNX, safetensors or OpenCLIP's form, with a card beside it.",
        discussion: """
            Beside FILE go FILE.md, which says what the model takes and how to run it, and model.json, the same \
            for programs. An ONNX file has the input 'images', float32 [batch, 3, S, S], and the output 'logits'; \
            it is run with onnxruntime before it gets its name, if python3 has that. OpenCLIP's form is one \
            safetensors file with both towers of a CLIP; beside it go open_clip_config.json and vocabulary.txt.
            """)

    @Argument(
        help: "A stage (student[seed=0]), a checkpoint's folder, or a safetensors file with its model.json.")
    var checkpoint: String
    @Option(
        help: ArgumentHelp(
            "The form: onnx, safetensors, or openclip for both towers of a CLIP.", valueName: "form"),
        transform: { text in
            let names = ModelExport.Format.allCases.map(\.rawValue)
            guard let format = ModelExport.Format(rawValue: text) else {
                throw ValidationError("'\(text)' is not one of \(names.joined(separator: ", "))")
            }
            return format
        })
    var to: ModelExport.Format
    @Option(help: "The file to write.") var out: String
    @Flag(help: "Let the ONNX graph normalise: it then takes values from 0 to 1.") var normalize = false
    @Flag(help: "Give the ONNX graph a second output, the feature vectors.") var features = false
    @Option(help: ArgumentHelp("Run the ONNX file: auto, never, or with this Python.", valueName: "python"))
    var verify = "auto"
    @Option(help: "The run that a stage is from; by default the newest that has its artifact.") var run:
        String?
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if to != .onnx, normalize || features {
            throw ValidationError("--normalize and --features are for --to onnx")
        }
        // OpenCLIP's form is a safetensors file.
        let own = to == .openclip ? ModelExport.Format.safetensors : to
        let other = ModelExport.Format.allCases.first { $0 != own && out.hasSuffix("." + $0.rawValue) }
        if let other {
            throw ValidationError("'\(out)' looks like \(other.rawValue), and --to says \(to.rawValue)")
        }
    }

    func execute(_ console: Console) throws {
        let reference = try ModelReference(checkpoint, store: store.open(), run: run)
        var export = ModelExport(reference.model)
        export.provenance = reference.provenance
        export.normalizes = normalize
        export.features = features
        export.verification = OnnxVerification.Policy(verify)
        let folder = reference.file.deletingLastPathComponent()
        if to == .openclip, LoadedCLIP.isCLIP(folder) {
            export.clip = try LoadedCLIP.load(folder, device: .cpu)
        }
        let summary = try export.write(to, to: URL(filePath: out)) { try SHA256.digest(of: $0) }
        if global.json { return try console.print(json: summary) }
        console.print(
            "\(out): \(summary.architecture), \(Wording.bytes(summary.bytes)), sha256 \(summary.sha256)")
        if let verification = summary.verification { console.print(verification) }
        console.detail("cards: \(summary.cards.joined(separator: ", "))")
    }
}
