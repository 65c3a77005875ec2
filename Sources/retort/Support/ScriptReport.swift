import Foundation
import Layers
import Models
import Tensors
import Training

/// What `retort model info` says of a TorchScript module: all of its tensors are its own.
struct ScriptReport: Encodable {
    let dialect = ScriptedModel.architecture
    let architecture = ScriptedModel.architecture
    let loaded, total, parameters: Int
    let coverage = 1.0
    let missing: [String] = []
    let unexpected: [String] = []
    /// Whether its weights became constants, and cannot be trained.
    let frozen: Bool
    /// How the script was imported; nil for a file that was not.
    let configuration: ModelConfiguration?

    /// Describes a script file, or the checkpoint of a scripted model; nil for anything else.
    init?(_ url: URL) throws {
        if let folder = try ScriptFile.checkpoint(at: url) {
            let model = try LoadedModel.load(folder, device: .cpu)
            configuration = model.card.configuration
            total = model.parameters.named.count
            parameters = model.parameters.count
            frozen = !model.parameters.named.contains { $0.kind == .parameter && !model.isHead($0.name) }
        } else if ScriptFile.isArchive(url) {
            let entries = try ScriptFile(url).load().entries
            configuration = nil
            total = entries.count
            parameters = entries.reduce(0) { $0 + ($1.isParameter ? $1.tensor.count : 0) }
            frozen = !entries.contains(where: \.isParameter)
        } else {
            return nil
        }
        loaded = total
    }

    /// The same for people.
    var lines: [String] {
        var lines = [
            "dialect       \(dialect)", "architecture  \(architecture)",
            "weights       \(Wording.count(total, "tensor")), \(parameters) numbers that can be trained",
        ]
        if frozen { lines.append("frozen        its weights are constants of its code") }
        if let configuration {
            let images = configuration.preprocessing
            func numbers(_ values: [Double]) -> String { values.map { "\($0)" }.joined(separator: " ") }
            lines += [
                "returns       \(configuration.options["width"] ?? 0) \(configuration.options["output"] ?? "features")",
                "images        \(configuration.imageSize) px, \(images.interpolation.rawValue), "
                    + "mean \(numbers(images.mean)), std \(numbers(images.std))"
                    + (images.cropShare == 1 ? "" : ", crop \(images.cropShare)"),
                "classes       \(configuration.classCount)",
            ]
        }
        return lines
    }
}
