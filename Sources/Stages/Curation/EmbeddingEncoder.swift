internal import Diagnostics
internal import Engine
internal import Foundation
internal import Models
internal import Search
internal import Tensors
internal import Text
internal import Training
internal import Vision

/// What turns images into unit vectors, and texts, where the checkpoint has a text tower.
///
/// Both towers of a CLIP lead to the space in which images and texts are compared, and its images are embedded there.
/// Any other network gives its pooled features.
struct EmbeddingEncoder {
    /// The network that sees images.
    let model: LoadedModel
    /// Both towers, where the vectors are those that images and texts share.
    let clip: LoadedCLIP?

    /// Opens a checkpoint for what it is.
    init(_ checkpoint: URL, device: Device) throws {
        let clip = LoadedCLIP.isCLIP(checkpoint) ? try LoadedCLIP.load(checkpoint, device: device) : nil
        self.clip = clip
        model = try clip?.whole ?? LoadedModel.load(checkpoint, device: device)
    }

    /// Opens the checkpoint behind stored embeddings, for vectors like theirs.
    init(_ stored: StoredEncoder) throws {
        let folder = try stored.checkpoint()
        clip = stored.space == .imageText ? try LoadedCLIP.load(folder, device: .cpu) : nil
        model = try clip?.whole ?? LoadedModel.load(folder, device: .cpu)
    }

    /// The number of values in a vector.
    var dimension: Int { clip?.configuration.text.embedding ?? model.network.featureWidth }

    /// What the vectors can be compared with.
    var space: EmbeddingDescription.Space? { clip == nil ? nil : .imageText }

    /// The unit vectors of what an inference calls features, row by row.
    func vectors(ofFeatures features: Tensor) throws -> [Float] {
        try (clip?.embeddings(ofFeatures: features) ?? features.normalize(1)).floats()
    }

    /// The unit vector of one image, seen as the network sees images.
    func vector(of image: Image) throws -> VectorTable {
        let inference = Inference(
            model, provider: ImageProvider([GivenImage.dataset: GivenImage(image: image)]), workers: 1)
        let view = ImageView(
            ImageRecord(
                id: "", dataset: GivenImage.dataset, member: "", width: image.width, height: image.height),
            model.evaluationViews)
        var values: [Float] = []
        try inference.run([view]) { output in values += try vectors(ofFeatures: output.features) }
        return VectorTable(values, dimension: dimension)
    }
}

extension LoadedCLIP {
    /// Whether a text has more tokens than the text tower reads.
    func cutsOff(_ text: String) -> Bool {
        // The tower also reads where a text begins and ends.
        tokenizer.encode(text).count + 2 > configuration.text.contextLength
    }
}

/// The checkpoint behind stored embeddings, as far as the store still has it.
struct StoredEncoder {
    /// The node that made the embeddings.
    let node: String
    /// The architecture's name.
    let architecture: String
    /// What the embeddings can be compared with.
    let space: EmbeddingDescription.Space?
    /// The digest of the checkpoint; equal digests mean equal weights.
    let digest: String?
    private let folder: URL?

    init(of embeddings: EmbeddingSet, store: URL) throws {
        let record = try ArtifactRecord.read(at: embeddings.location.directory)
        let input = record.inputs.first { $0.name == "model" }
        node = record.node
        architecture = embeddings.description.model
        space = embeddings.description.space
        digest = input?.digest
        folder = input.map { store.appending(path: $0.key) }
    }

    private var isStored: Bool { folder.map { FileManager.default.fileExists(atPath: $0.path) } ?? false }

    /// The folder of the checkpoint.
    ///
    /// - Throws: a `Diagnostic` when it is not in the store any more.
    func checkpoint() throws(Diagnostic) -> URL {
        guard let folder, isStored else {
            throw Diagnostic(
                "the model that embedded '\(node)' is no longer in the store",
                hint: "`retort run` makes it again", exitCode: .inputMissing)
        }
        return folder
    }

    /// Why no text can be compared with the embeddings; nil where one can.
    var refusalOfTexts: Diagnostic? {
        guard space == .imageText else {
            let isCLIP = folder.map(LoadedCLIP.isCLIP) ?? false
            return Diagnostic(
                "'\(node)' was embedded by \(architecture), "
                    + (isCLIP ? "by its image tower alone" : "which has no text tower")
                    + ": no text can be compared with it",
                hint: isCLIP
                    ? "`retort run` embeds the images anew, where texts can be compared with them"
                    : "embed the images with a CLIP: one of train-clip, or of import-model with its vocabulary",
                exitCode: .usage)
        }
        do { _ = try checkpoint() } catch { return error }
        return nil
    }
}

/// One image that is in memory already.
private struct GivenImage: ImageSource {
    static let dataset = "query"
    let image: Image
    var classes: [String] { [] }
    func members() throws -> [SourceMember] { [] }
    func contentFiles() throws -> [URL] { [] }
    func bytes(of member: String) throws -> Data? { nil }
    func image(_ member: String, atLeast shortSide: Int?) throws -> Image { image }
}
