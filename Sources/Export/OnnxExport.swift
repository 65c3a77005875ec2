internal import Diagnostics
public import Foundation
internal import Layers
internal import Models
internal import Tensors
public import Training

/// A model as an ONNX file: one input, `images`, and the outputs `logits` and `features`.
///
/// The graph is not written by hand for each architecture but traced: the model runs twice in evaluation mode, and
/// what it did to its input is said in ONNX's operators. The number of images is left open.
///
/// Format: https://onnx.ai, operators of version 17.
public struct OnnxExport {
    /// The name of the input, fp32 `[batch, 3, S, S]`.
    public static let input = "images"

    /// The model.
    public let model: LoadedModel
    /// Whether the graph normalises, and so takes values from 0 to 1; otherwise it takes normalised ones.
    public var normalizes: Bool
    /// Whether the feature vectors, `[batch, D]`, are an output, too; of a model without classes they always are.
    ///
    /// Where the logits are those of every pixel, `[batch, K, S, S]`, this is the feature map, `[batch, C, h, w]`.
    public var hasFeatures: Bool

    /// Prepares the export of a model.
    public init(_ model: LoadedModel, normalizes: Bool = false, features: Bool = false) {
        self.model = model
        self.normalizes = normalizes
        hasFeatures = features || model.card.configuration.classCount == 0
    }

    /// The names of the outputs, in order.
    public var outputs: [String] {
        (model.card.configuration.classCount > 0 ? ["logits"] : []) + (hasFeatures ? ["features"] : [])
    }

    /// The outputs of this program for normalised images, `[B, 3, S, S]`, in order.
    func reference(_ images: Tensor) throws -> [Tensor] {
        try withoutGradients {
            if let segmenter = model.segmenter {
                let map = try segmenter.featureMap(images, mode: .evaluation)
                let (height, width) = (images.shape[2], images.shape[3])
                let logits = try segmenter.logits(map, height: height, width: width, mode: .evaluation)
                return [logits] + (hasFeatures ? [map] : [])
            }
            let features = try model.network.features(images, mode: .evaluation)
            return (model.hasHead ? [try model.network.head(features)] : []) + (hasFeatures ? [features] : [])
        }
    }

    /// Writes the file, all or nothing, and has `check` look at it before it gets its name.
    ///
    /// - Throws: a `Diagnostic` where the model does something that ONNX, or this program, has no words for.
    public func write(to url: URL, check: (URL) throws -> Void = { _ in }) throws {
        let message = try graph().message()
        guard message.byteCount < Int(Int32.max) else {
            throw Diagnostic(
                "the model takes \(message.byteCount >> 20) MB, and an ONNX file holds at most 2047",
                hint: "'--to safetensors' exports every model", exitCode: .unavailable)
        }
        try AtomicFile.write(to: url) { temporary in
            try Data().write(to: temporary)
            let handle = try FileHandle(forWritingTo: temporary)
            try message.write { try handle.write(contentsOf: $0) }
            try handle.close()
            try check(temporary)
        }
    }

    /// The model in ONNX's terms.
    func graph() throws -> OnnxGraph {
        let configuration = model.card.configuration
        let weights = model.parameters.named.map { ($0.name, $0.tensor) }
        let traced = try BatchedTrace(
            weights: weights.map(\.1), outputs: outputs.count,
            images: { try Tensor.zeros([$0, 3, configuration.imageSize, configuration.imageSize]) },
            reference)
        let translator = OnnxTranslator(
            traced, name: configuration.architecture, input: Self.input, weights: weights)
        if normalizes {
            try translator.normalize(
                mean: configuration.preprocessing.mean, std: configuration.preprocessing.std)
        }
        var graph = try translator.translate(outputs: outputs)
        graph.metadata = [
            ("architecture", configuration.architecture),
            ("input", normalizes ? "RGB, 0 to 1" : "RGB, normalised"),
            (SafetensorsExport.cardKey, try model.card.text()),
        ]
        return graph
    }
}
