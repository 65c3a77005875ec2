public import Engine
internal import Foundation
public import Training

/// A trained model: weights, and what they mean.
public struct Checkpoint: Artifact {
    /// The word for this kind of artifact.
    public static let kind = "checkpoint"
    /// The licence, which decides nothing about the content.
    public static let records: Set<String> = [Licences.file]

    /// Where the artifact lies.
    public let location: ArtifactLocation
    /// Architecture, classes, preprocessing, lineage.
    public let card: ModelCard

    /// Opens a checkpoint's card; the weights are read when they are needed.
    public init(_ location: ArtifactLocation) throws {
        self.location = location
        card = try ModelCard(in: location.directory)
    }
}
