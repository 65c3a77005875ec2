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
/// `labels/labels-NNNN.safetensors` holds the predictions of one shard, all of them as `logits [n, V, K]` (fp32), or
/// the largest as `top_logits [n, V, k]` (fp32) and `top_classes [n, V, k]` with `rest [n, V]`, the log-sum-exp of
/// the others (fp32); and `features [n, V, D]` (fp16), unless the stage was told not to keep them. `views.jsonl` lists
/// the images in order, each with the parameters of its views.
public struct LabelSet: Artifact {
    /// The word for this kind of artifact.
    public static let kind = "labels"
    static let viewsFile = "views.jsonl"
    /// The images of a shard.
    static let imagesPerShard = 256

    /// Where the artifact lies.
    public let location: ArtifactLocation

    /// Opens a set of labels.
    public init(_ location: ArtifactLocation) throws { self.location = location }

    static func shard(_ number: Int, in directory: URL) -> URL {
        let digits = String(number)
        let padded = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        return directory.appending(path: "labels/labels-\(padded).safetensors")
    }

    /// The number of shards that hold so many images.
    static func shardCount(of images: Int) -> Int { (images + imagesPerShard - 1) / imagesPerShard }

    /// The size of all shards in a folder.
    static func bytes(in directory: URL) throws -> Int {
        try FileManager.default.contentsOfDirectory(
            at: directory.appending(path: "labels"), includingPropertiesForKeys: [.fileSizeKey]
        ).reduce(0) { try $0 + ($1.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0) }
    }

    /// The class names of the logits.
    func classes() throws -> [String] { try readClasses(location.directory) }

    /// Opens the images and the answers; both are read when they are needed.
    func answers() throws -> TeacherLabels {
        let directory = location.directory
        let images = try LabelledImages(directory.appending(path: Self.viewsFile))
        guard images.count > 0 else {
            throw Diagnostic(
                "'\(location.node)' has no images", hint: "label a set that has some", exitCode: .badData)
        }
        let shards = try LabelShards(imagesPerShard: Self.imagesPerShard) { Self.shard($0, in: directory) }
        return TeacherLabels(images: images, shards: shards)
    }
}
