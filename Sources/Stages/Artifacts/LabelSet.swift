internal import Diagnostics
public import Engine
internal import Foundation
internal import Layers
internal import Safetensors
internal import Tensors
internal import Training
internal import Vision

/// A teacher's answers for stored views of a list of images: targets that many students share.
///
/// `labels/labels-NNNN.safetensors` holds `logits [n, V, K]` (fp32) and `features [n, V, D]` (fp16) of one shard;
/// `views.jsonl` lists the images in order, each with the parameters of its views.
public struct LabelSet: Artifact {
    /// The word for this kind of artifact.
    public static let kind = "labels"
    static let viewsFile = "views.jsonl"
    /// The images of a shard.
    static let imagesPerShard = 256

    /// One image with its views, as a row of `views.jsonl`.
    struct Row: Codable, Sendable {
        var record: ImageRecord
        var views: [ViewParameters]
    }

    /// Where the artifact lies.
    public let location: ArtifactLocation

    /// Opens a set of labels.
    public init(_ location: ArtifactLocation) throws { self.location = location }

    func rows() throws -> [Row] {
        try JSONFiles.readLines(Row.self, from: location.directory.appending(path: Self.viewsFile))
    }

    static func shard(_ number: Int, in directory: URL) -> URL {
        let digits = String(number)
        let padded = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        return directory.appending(path: "labels/labels-\(padded).safetensors")
    }

    /// The size of all shards in a folder.
    static func bytes(in directory: URL) throws -> Int {
        try FileManager.default.contentsOfDirectory(
            at: directory.appending(path: "labels"), includingPropertiesForKeys: [.fileSizeKey]
        ).reduce(0) { try $0 + ($1.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0) }
    }

    /// The class names of the logits.
    func classes() throws -> [String] { try readClasses(location.directory) }

    /// Reads everything into memory.
    func read() throws -> (images: [ImageRecord], labels: TeacherLabels) {
        let rows = try rows()
        var logits: [Tensor] = []
        var features: [Tensor] = []
        var count = 0
        while count < rows.count {
            let shard = try SafetensorsFile(Self.shard(logits.count, in: location.directory)).state()
            guard let logit = shard["logits"], let feature = shard["features"], logit.shape[0] > 0 else {
                throw Diagnostic(
                    "\(location.directory.path): labels shard \(logits.count) lacks its tensors",
                    hint: "`retort verify` names damaged artifacts; `retort run` makes them anew",
                    exitCode: .badData)
            }
            count += logit.shape[0]
            logits.append(try logit.flatten(from: 0, to: 1))
            features.append(try feature.flatten(from: 0, to: 1))
        }
        return (
            rows.map(\.record),
            TeacherLabels(
                views: rows.map(\.views), logits: try Tensor.cat(logits), features: try Tensor.cat(features))
        )
    }
}
