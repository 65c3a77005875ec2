import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Layers
import Stages

/// Embeds a folder of images or the lines of a text file with a weights file, outside any pipeline.
struct EmbedCommand: RetortCommand {
    static let computes = true
    static let configuration = CommandConfiguration(
        commandName: "embed",
        abstract: "Turn a folder of images, or lines of text, into a numpy array of unit vectors.",
        discussion:
            "Rows are in the order of the file names, or of the lines; a file that cannot be decoded is named and "
            + "left out. Texts need a CLIP with both towers, and its vocabulary.")

    @Option(help: "The weights, a safetensors file.", completion: .file(extensions: ["safetensors"]))
    var checkpoint: String
    @Option(help: "The architecture, by timm's or OpenCLIP's name; by default the one that fits.")
    var arch: String?
    @Option(help: "The folder of images.", completion: .directory) var images: String?
    @Option(help: "A text file with one caption a line, in place of images.", completion: .file())
    var texts: String?
    @Option(help: "The vocabulary of a CLIP, for texts: bpe_simple_vocab_16e6.txt.gz.", completion: .file())
    var vocabulary: String?
    @Option(help: "The array to write.") var out: String
    @Option(help: "The side of the images in pixels; by default the architecture's own.") var imageSize: Int?
    @Option(help: "Threads of one tensor operation.") var threads = ProcessInfo.processInfo
        .activeProcessorCount
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if (images == nil) == (texts == nil) {
            throw ValidationError("name either a folder of --images or a file of --texts")
        }
    }

    func execute(_ console: Console) throws {
        let file = URL(filePath: checkpoint)
        guard FileManager.default.fileExists(atPath: file.path) else {
            throw Diagnostic("no file \(file.path)", exitCode: .inputMissing)
        }
        if let texts { return try embed(texts, file, console) }
        let embedder = try FolderEmbedder(
            checkpoint: file, architecture: arch, imageSize: imageSize, threads: max(1, threads),
            workers: max(1, threads))
        for note in embedder.notes { console.show(Diagnostic(note, severity: .warning)) }
        let summary = try embedder.embed(
            URL(filePath: images ?? "", directoryHint: .isDirectory), to: URL(filePath: out))
        for (name, reason) in summary.skipped.sorted(by: { $0.key < $1.key }) {
            console.show(Diagnostic("\(name) is left out: \(reason)", severity: .warning))
        }
        if global.json { return try console.print(json: summary) }
        console.print("\(out): \(summary.images) x \(summary.dimension)")
    }

    private func embed(_ texts: String, _ file: URL, _ console: Console) throws {
        let embedder = try TextEmbedder(
            checkpoint: file, architecture: arch, imageSize: imageSize,
            vocabulary: vocabulary.map { URL(filePath: $0) }, threads: max(1, threads))
        for note in embedder.notes { console.show(Diagnostic(note, severity: .warning)) }
        let summary = try embedder.embed(lines: URL(filePath: texts), to: URL(filePath: out))
        if !summary.cut.isEmpty {
            let lines = summary.cut.prefix(5).map { "\($0)" }.joined(separator: ", ")
            console.show(
                Diagnostic(
                    "the text tower reads \(summary.contextLength) tokens, and the end of "
                        + "\(Wording.count(summary.cut.count, "line")) was not read: \(lines)"
                        + (summary.cut.count > 5 ? " and more" : ""), severity: .warning))
        }
        if global.json { return try console.print(json: summary) }
        console.print("\(out): \(summary.texts) x \(summary.dimension)")
    }
}
