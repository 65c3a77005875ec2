internal import Diagnostics
public import Foundation
internal import Layers
internal import Models
internal import Safetensors
internal import Tensors
public import Training

/// Both towers of a CLIP in one safetensors file with OpenCLIP's names; beside it the configuration from which OpenCLIP
/// builds the model, and the vocabulary.
public enum OpenCLIPExport {
    /// The names of the files beside the weights.
    public static let (configurationFile, vocabularyFile) = ("open_clip_config.json", "vocabulary.txt")

    /// Writes the files.
    ///
    /// - Throws: a `Diagnostic` for an image tower that OpenCLIP does not have: one that is not a ViT with a projection.
    public static func write(_ clip: LoadedCLIP, to url: URL) throws {
        let configuration = try Configuration(clip)
        var tensors: [(String, Tensor)] = []
        for entry in clip.whole.parameters.named {
            guard let theirs = try OpenCLIPNames.translated(entry.name, entry.tensor) else {
                throw refusal(of: clip, "it has no place for '\(entry.name)'")
            }
            tensors.append(theirs)
        }
        try AtomicFile.makeFolder(of: url)
        do {
            try SafetensorsFile.write(tensors, metadata: ["format": "pt"], to: url)
        } catch let error as SafetensorsError {
            throw error.diagnostic
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        let folder = url.deletingLastPathComponent()
        try (encoder.encode(configuration) + Data("\n".utf8))
            .write(to: folder.appending(path: configurationFile), options: .atomic)
        try clip.writeVocabulary(to: folder.appending(path: vocabularyFile))
    }

    fileprivate static func refusal(of clip: LoadedCLIP, _ reason: String) -> Diagnostic {
        Diagnostic(
            "OpenCLIP has no image tower like \(clip.configuration.image.architecture): \(reason)",
            hint: "a ViT with a projection can be exported, such as ViT-B-32 or clip_vit_mini; "
                + "'--to safetensors' writes any image tower alone", exitCode: .unavailable)
    }
}

extension OpenCLIPExport {
    /// `open_clip_config.json`.
    fileprivate struct Configuration: Encodable {
        struct Model: Encodable {
            var embedDim: Int
            var quickGELU: Bool
            var vision: Vision
            var text: Text

            enum CodingKeys: String, CodingKey {
                case embedDim = "embed_dim"
                case quickGELU = "quick_gelu"
                case vision = "vision_cfg"
                case text = "text_cfg"
            }
        }

        struct Vision: Encodable {
            var imageSize, layers, width, headWidth, patchSize: Int
            var ratio: Double

            enum CodingKeys: String, CodingKey {
                case layers, width
                case imageSize = "image_size"
                case headWidth = "head_width"
                case patchSize = "patch_size"
                case ratio = "mlp_ratio"
            }
        }

        struct Text: Encodable {
            var contextLength, vocabularySize, width, heads, layers: Int

            enum CodingKeys: String, CodingKey {
                case width, heads, layers
                case contextLength = "context_length"
                case vocabularySize = "vocab_size"
            }
        }

        struct Images: Encodable {
            var mean, std: [Double]
            var interpolation: String
            var resizing = "shortest"

            enum CodingKeys: String, CodingKey {
                case mean, std, interpolation
                case resizing = "resize_mode"
            }
        }

        var model: Model
        var images: Images

        enum CodingKeys: String, CodingKey {
            case model = "model_cfg"
            case images = "preprocess_cfg"
        }

        init(_ clip: LoadedCLIP) throws {
            let (image, text) = (clip.configuration.image, clip.configuration.text)
            func number(_ option: String) -> Int? {
                if case .int(let value)? = image.options[option] { value } else { nil }
            }
            guard clip.configuration.isProjected, let width = number("width"), let heads = number("heads"),
                let patch = number("patch"), let depth = number("depth")
            else { throw refusal(of: clip, "it is no ViT with a projection") }
            guard image.options["pre_norm"] == .bool(true), (image.options["registers"] ?? 0) == 0 else {
                throw refusal(of: clip, "it has registers, or does not normalise its patches")
            }
            guard image.options["activation"] == .string(text.activation.rawValue) else {
                throw refusal(of: clip, "its nonlinearity is another than the text tower's")
            }
            var ratio = 4.0
            switch image.options["expansion"] {
            case .double(let expansion)?: ratio = expansion
            // A whole number loses its point on the way through JSON.
            case .int(let expansion)?: ratio = Double(expansion)
            default: break
            }
            model = Model(
                embedDim: text.embedding, quickGELU: text.activation == .quickGELU,
                vision: Vision(
                    imageSize: image.imageSize, layers: depth, width: width, headWidth: width / heads,
                    patchSize: patch, ratio: ratio),
                text: Text(
                    contextLength: text.contextLength, vocabularySize: text.vocabularySize, width: text.width,
                    heads: text.heads, layers: text.depth))
            images = Images(
                mean: image.preprocessing.mean, std: image.preprocessing.std,
                interpolation: image.preprocessing.interpolation.rawValue)
        }
    }
}
