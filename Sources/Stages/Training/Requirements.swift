internal import Diagnostics
internal import Engine
internal import Foundation
internal import Training
internal import Vision

/// Throws unless exactly one of two ways to say the same thing was used.
func requireOne(_ first: Bool, _ second: Bool, _ firstName: String, _ secondName: String) throws {
    guard first == second else { return }
    throw Diagnostic(
        first
            ? "\(firstName) and \(secondName) exclude each other"
            : "neither \(firstName) nor \(secondName) is given",
        hint: "give exactly one of the two")
}

func requireCropScale(_ scale: [Double]) throws {
    if scale.count != 2 || scale[0] <= 0 || scale[0] > scale[1] {
        throw Diagnostic(
            "crop_scale needs two numbers, 0 < smallest <= largest <= 1", hint: "crop_scale: [0.35, 1.0]")
    }
}

extension ViewPolicy {
    /// Training views from the settings that training stages share.
    static func training(cropScale: [Double], flip: Bool, jitter: Double) -> ViewPolicy {
        .training(
            TrainingViews(
                scale: cropScale[0]...cropScale[1], flip: flip ? 0.5 : 0, brightness: jitter,
                contrast: jitter,
                saturation: jitter))
    }
}

extension StageContext {
    /// Writes a trained model as this stage's artifact.
    func checkpoint(_ model: LoadedModel) throws -> Checkpoint {
        try model.write(to: output)
        return try Checkpoint(ArtifactLocation(directory: output, node: node, store: store))
    }
}
