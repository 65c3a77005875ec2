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

extension StageContext {
    /// Writes a trained model as this stage's artifact.
    func checkpoint(_ model: LoadedModel) throws -> Checkpoint {
        try model.write(to: output)
        return try Checkpoint(ArtifactLocation(directory: output, node: node, store: store))
    }
}
