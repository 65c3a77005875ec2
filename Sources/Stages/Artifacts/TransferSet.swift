public import Engine
internal import Foundation
public import Search
public import Vision

/// A curated transfer set: which images, for which query, how similar, and why.
public struct TransferSet: Artifact {
    /// The word for this kind of artifact.
    public static let kind = "transfer-set"
    static let rowsFile = "transfer-set.jsonl"
    /// The marks that changed the choice, where there were some.
    static let marksFile = "marks.jsonl"

    /// Where the artifact lies.
    public let location: ArtifactLocation

    /// Opens a transfer set.
    public init(_ location: ArtifactLocation) throws { self.location = location }

    /// The chosen images, with query, rank and similarity.
    public func rows() throws -> [TransferSetRow] {
        try JSONFiles.readLines(TransferSetRow.self, from: location.directory.appending(path: Self.rowsFile))
    }

    /// The chosen images, without labels: none are known.
    public func records() throws -> [ImageRecord] {
        try rows().map {
            ImageRecord(id: $0.id, dataset: $0.dataset, member: $0.member, width: $0.width, height: $0.height)
        }
    }
}
