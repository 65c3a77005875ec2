internal import Diagnostics
internal import Engine
internal import Foundation
internal import Vision

/// Which data sets an artifact's images come from: names of data nodes, and the keys of their scans in the store.
///
/// `datasets.json` in embeddings, transfer sets and labels. With it an artifact's images can be opened long after
/// the run, and after the data have moved.
struct Datasets {
    static let file = "datasets.json"

    private(set) var scans: [String: String] = [:]

    /// Collects the data sets of the inputs of a stage.
    init(of locations: [ArtifactLocation]) throws {
        for location in locations {
            let file = location.directory.appending(path: Self.file)
            if FileManager.default.fileExists(atPath: file.path) {
                scans.merge(try JSONFiles.read([String: String].self, from: file)) { first, _ in first }
            } else {
                scans[location.node] = location.directory.lastPathComponent
            }
        }
    }

    /// A scan, which is its own data set.
    init(scanned name: String?, _ location: ArtifactLocation) {
        if let name { scans[name] = location.directory.lastPathComponent }
    }

    func write(to directory: URL) throws {
        try JSONFiles.write(scans, to: directory.appending(path: Self.file))
    }

    /// Opens every data set.
    func provider(store: URL, cacheBytes: Int = 1 << 30) throws -> ImageProvider {
        var sources: [String: any ImageSource] = [:]
        for (name, key) in scans {
            let file = store.appending(path: "\(key)/\(SourceDescription.file)")
            sources[name] = try JSONFiles.read(SourceDescription.self, from: file).open()
        }
        return ImageProvider(sources, cacheBytes: cacheBytes)
    }
}
