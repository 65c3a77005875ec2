import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Layers
import Stages

/// Embeds a folder of images with a weights file, outside any pipeline.
struct EmbedCommand: RetortCommand {
    static let computes = true
    static let configuration = CommandConfiguration(
        commandName: "embed", abstract: "Turn a folder of images into a numpy array of unit vectors.",
        discussion:
            "Rows are in the order of the file names; a file that cannot be decoded is named and left out.")

    @Option(help: "The weights, a safetensors file.", completion: .file(extensions: ["safetensors"]))
    var checkpoint: String
    @Option(help: "The architecture, by timm's or OpenCLIP's name; by default the one that fits.")
    var arch: String?
    @Option(help: "The folder of images.", completion: .directory) var images: String
    @Option(help: "The array to write.") var out: String
    @Option(help: "The side of the images in pixels; by default the architecture's own.") var imageSize: Int?
    @Option(help: "Threads of one tensor operation.") var threads = ProcessInfo.processInfo
        .activeProcessorCount
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        let file = URL(filePath: checkpoint)
        guard FileManager.default.fileExists(atPath: file.path) else {
            throw Diagnostic("no file \(file.path)", exitCode: .inputMissing)
        }
        let embedder = try FolderEmbedder(
            checkpoint: file, architecture: arch, imageSize: imageSize, threads: max(1, threads),
            workers: max(1, threads))
        for note in embedder.notes { console.show(Diagnostic(note, severity: .warning)) }
        let summary = try embedder.embed(
            URL(filePath: images, directoryHint: .isDirectory), to: URL(filePath: out))
        for (name, reason) in summary.skipped.sorted(by: { $0.key < $1.key }) {
            console.show(Diagnostic("\(name) is left out: \(reason)", severity: .warning))
        }
        if global.json { return try console.print(json: summary) }
        console.print("\(out): \(summary.images) x \(summary.dimension)")
    }
}
