public import Foundation
internal import Models
internal import Search
internal import Tensors
internal import Training
internal import Vision

/// Embeds a plain folder of images with a weights file, outside any pipeline.
public struct FolderEmbedder {
    /// What was embedded.
    public struct Summary: Codable, Sendable {
        /// The number of rows.
        public var images: Int
        /// The number of columns.
        public var dimension: Int
        /// Files that could not be read as images, with the reasons.
        public var skipped: [String: String]
    }

    private let model: LoadedModel
    /// The whole of a CLIP, where the weights are one of ours.
    private let clip: LoadedCLIP?
    private let workers: Int

    /// What the user should know about the weights.
    public let notes: [String]

    /// Opens a safetensors file of any dialect as an architecture.
    ///
    /// A `model.json` beside it gives size, options and normalisation. Without a name, one architecture must be the
    /// only one that fits.
    /// - Throws: a `Diagnostic` for an unknown architecture, for names that do not fit, and for an unreadable
    ///   `model.json`.
    public init(checkpoint: URL, architecture: String?, imageSize: Int?, threads: Int, workers: Int) throws {
        try Torch.setThreads(threads)
        self.workers = workers
        if architecture == nil, LoadedCLIP.isCLIP(LoadedCLIP.folder(of: checkpoint)) {
            let clip = try LoadedCLIP.load(
                LoadedCLIP.folder(of: checkpoint), device: .cpu, imageSize: imageSize)
            self.clip = clip
            model = clip.whole
            notes = []
            return
        }
        clip = nil
        if let folder = try ScriptFile.checkpoint(at: checkpoint) {
            model = try LoadedModel.load(folder, device: .cpu, imageSize: imageSize)
            notes = []
            return
        }
        let file = try WeightsFile(checkpoint)
        let identified = try file.identify(as: architecture, imageSize: imageSize)
        model = try file.load(identified)
        notes = identified.notes
    }

    /// Writes one unit vector (fp32) for each readable image below a folder, in the order of the file names.
    public func embed(_ folder: URL, to output: URL) throws -> Summary {
        let images = try FolderImages(folder)
        var inference = Inference(model, provider: images.provider, workers: workers)
        // A batch is always filled up, so a few large images should not cost as much as 64.
        let side = model.card.configuration.imageSize
        inference.batchSize = max(2, min(64, 16 * 224 * 224 / (side * side)))
        var values: [Float] = []
        try inference.run(images.records.map { ImageView($0, model.evaluationViews) }) { output in
            let vectors =
                try clip?.embeddings(ofFeatures: output.features) ?? output.features.normalize(1)
            values += try vectors.floats()
        }
        let width = clip?.configuration.text.embedding ?? model.network.featureWidth
        try NpyFile.write(values, shape: [images.records.count, width], as: .float32, to: output)
        return Summary(images: images.records.count, dimension: width, skipped: images.skipped)
    }
}
