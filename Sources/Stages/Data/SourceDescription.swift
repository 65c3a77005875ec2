internal import Diagnostics
internal import Engine
internal import Foundation
internal import Vision
internal import World

/// How a scanned data set's images are opened again: its kind, its places, and its other settings.
///
/// Written beside the scan as a record (`source.json`): where files lie is no part of what they contain, and the
/// file is rewritten when a data set has moved.
struct SourceDescription: Codable, Equatable {
    var kind: StageKind
    /// Absolute paths: the root of a folder, the shard patterns, or the manifest.
    var paths: [String]
    /// The splits of a folder.
    var splits: [String]?
    /// The scenes of a world.
    var world: WorldDescription?

    enum StageKind: String, Codable { case imagefolder, maskfolder, webdataset, manifest, world }

    static let file = "source.json"

    /// Opens the source, with every problem of its layout reported at once.
    func open() throws -> any ImageSource {
        switch kind {
        case .imagefolder: try ImageFolderSource(root: URL(filePath: paths[0]), splits: splits)
        case .maskfolder: try MaskFolderSource(root: URL(filePath: paths[0]), splits: splits)
        case .webdataset: try WebDatasetSource(shards: paths)
        case .manifest: try ManifestSource(URL(filePath: paths[0]))
        case .world:
            if let world {
                world.source
            } else {
                throw Diagnostic("a world without a description", exitCode: .badData)
            }
        }
    }
}

extension SourceDescription {
    /// Notes in an existing scan where its images lie now, also where the note cannot be read any more.
    func refresh(_ artifact: ArtifactLocation) throws {
        let file = artifact.directory.appending(path: Self.file)
        guard (try? JSONFiles.read(Self.self, from: file)) != self else { return }
        try JSONFiles.write(self, to: file)
    }
}
