public import Foundation
internal import Vision

/// Shows images that artifacts refer to, as small JPEGs: for reports and inspectors.
///
/// Opened from the scans in the store, so it works long after the run and wherever the data have moved since.
public final class StoredImages: Sendable {
    private let provider: ImageProvider

    /// Opens the data sets that an artifact names in its `datasets.json`; one that is a scan opens itself.
    public convenience init(of artifact: URL, store: URL) throws {
        let file = artifact.appending(path: Datasets.file)
        let scans =
            FileManager.default.fileExists(atPath: file.path)
            ? try JSONFiles.read([String: String].self, from: file) : [:]
        self.init(scans: scans, store: store)
    }

    /// Opens data sets by name and the key of their scan in the store; those that are gone are left out.
    public init(scans: [String: String], store: URL) {
        var sources: [String: any ImageSource] = [:]
        for (name, key) in scans {
            let file = store.appending(path: "\(key)/\(SourceDescription.file)")
            // A picture that cannot be shown is no reason to show no report.
            sources[name] = try? JSONFiles.read(SourceDescription.self, from: file).open()
        }
        provider = ImageProvider(sources, cacheBytes: 0)
    }

    /// A JPEG whose longer side is at most `side` pixels, never enlarged; nil when the image cannot be read.
    public func jpeg(dataset: String, member: String, side: Int) -> Data? {
        guard let image = try? provider.source(dataset).image(member, atLeast: side) else { return nil }
        let scale = min(1, Double(side) / Double(max(image.width, image.height)))
        let width = max(1, Int(Double(image.width) * scale))
        let height = max(1, Int(Double(image.height) * scale))
        return try? ImageCodec.encodeJPEG(image.resized(width: width, height: height), quality: 82)
    }
}
