internal import Diagnostics
internal import Engine
internal import Foundation
internal import Models
internal import Tensors
internal import Training

extension ImportModel {
    /// A script does not say how images are to be shown to it, so the pipeline has to.
    func validateScript() throws {
        guard isScript else {
            if output != nil || task != nil || outputPart != nil {
                throw Diagnostic(
                    "output, output_part and task are for TorchScript modules",
                    hint: "leave them out, or set architecture: \(ScriptedModel.architecture)")
            }
            return
        }
        let missing = [
            ("output", output == nil), ("image_size", imageSize == nil), ("mean", mean == nil),
            ("std", std == nil),
        ].filter(\.1).map(\.0)
        guard missing.isEmpty else {
            throw Diagnostic(
                "a TorchScript file does not say its \(missing.joined(separator: ", "))",
                hint: "as in: output: features, image_size: 224, mean: [0.485, 0.456, 0.406], "
                    + "std: [0.229, 0.224, 0.225]")
        }
        guard (output == .map) == (task != nil) else {
            throw Diagnostic(
                task == nil ? "a TorchScript file does not say what its maps mean" : "only maps have a task",
                hint: task == nil
                    ? "set task: segmentation, depth or normals" : "set output: map, or leave task out")
        }
        guard options.isEmpty else {
            throw Diagnostic("a TorchScript module has no options", hint: "leave options out")
        }
    }

    /// The module as it is, after a try with two images.
    func script(_ url: URL, _ context: StageContext) throws -> LoadedModel {
        guard let output, let imageSize, let mean, let std else {
            preconditionFailure("Retort bug: validate() let this through")
        }
        context.warn(
            "\(url.lastPathComponent) brings code of its own, which runs wherever the model is used",
            hint: "import only scripts whose makers you trust")
        let loaded = try ScriptFile(url).model(
            ScriptFile.Declaration(
                output: output, imageSize: imageSize,
                preprocessing: Preprocessing(
                    mean: mean, std: std, interpolation: interpolation ?? .bilinear, cropShare: cropPct ?? 1),
                task: task, part: outputPart ?? ""))
        context.log(
            "\(url.lastPathComponent): a TorchScript module that returns \(loaded.network.featureWidth) "
                + (output == .map ? "numbers for every pixel" : "\(output.rawValue) of an image"))
        return loaded
    }
}
