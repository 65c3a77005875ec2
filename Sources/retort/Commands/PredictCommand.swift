import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Stages
import Tensors

/// Classifies a folder of images with a trained model, outside any pipeline.
struct PredictCommand: RetortCommand {
    static let computes = true
    static let configuration = CommandConfiguration(
        commandName: "predict", abstract: "Say which classes the images of a folder show.",
        discussion:
            "Lines are in the order of the file names; a file that cannot be decoded is named and left out.")

    @Option(help: "A safetensors file with its model.json, a checkpoint's folder, or a stage.")
    var checkpoint: String
    @Option(help: "The folder of images.", completion: .directory) var images: String
    @Option(help: "Tell so many classes of each image (in JSON).") var top = 5
    @Option(help: "Images in one forward pass.") var batch = 32
    @Option(help: "Compute on cpu or cuda:N.") var device = "cpu"
    @Option(help: "Threads of one tensor operation.") var threads = ProcessInfo.processInfo
        .activeProcessorCount
    @Option(help: "The run that a stage is from; by default the newest that has its artifact.") var run:
        String?
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        for (name, value) in [("--top", top), ("--batch", batch), ("--threads", threads)] where value < 1 {
            throw ValidationError("\(name) must be at least 1")
        }
    }

    func execute(_ console: Console) throws {
        guard let device = Device(self.device) else {
            throw Diagnostic("'\(self.device)' is no device", hint: "write cpu or cuda:0", exitCode: .usage)
        }
        try Torch.setThreads(threads)
        let reference = try ModelReference(checkpoint, store: store.open(), run: run, device: device)
        let summary = try FolderClassifier(reference.model, top: top, batchSize: batch, workers: threads)
            .classify(URL(filePath: images, directoryHint: .isDirectory))
        for (name, reason) in summary.skipped.sorted(by: { $0.key < $1.key }) {
            console.show(Diagnostic("\(name) is left out: \(reason)", severity: .warning))
        }
        if global.json { return try console.print(json: summary.predictions) }
        var table = TextTable()
        for prediction in summary.predictions {
            table.add(
                "\(prediction.image)", "\(prediction.class)",
                "\(String(format: "%.2f", prediction.confidence))")
        }
        for line in table.lines() { console.print(line) }
    }
}
