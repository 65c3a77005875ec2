internal import Diagnostics
internal import Foundation
internal import Layers
internal import Models
internal import Tensors

/// What the configuration files of other libraries say about the weights beside them.
///
/// Weights do not show which nonlinearity they were trained with, nor how images were normalised.
struct CheckpointFacts {
    /// timm's name of the architecture.
    var architecture: String?
    /// The nonlinearity of the blocks.
    var activation: TransformerStyle.Activation?
    /// What keeps layer norms from dividing by zero.
    var epsilon: Double?
    /// The mean and the standard deviation of each channel.
    var mean, std: [Double]?
    /// How images are resized.
    var interpolation: Preprocessing.Interpolation?
    /// The share of the resized image's short side that the square in its centre takes.
    var cropShare: Double?
    /// The file that names the nonlinearity.
    private(set) var activationFile = ""

    /// The files that are read.
    static let files = ["config.json", "preprocessor_config.json", "open_clip_config.json"]

    /// Reads what lies in a folder.
    init(in folder: URL) throws {
        if let config = try Self.read(Config.self, "config.json", in: folder) { try take(config) }
        if let images = try Self.read(Preprocessor.self, "preprocessor_config.json", in: folder) {
            mean = images.mean ?? mean
            std = images.std ?? std
            interpolation = images.resample.flatMap { [2: .bilinear, 3: .bicubic][$0] } ?? interpolation
            cropShare = images.cropShare ?? cropShare
        }
        if let config = try Self.read(OpenCLIPConfig.self, "open_clip_config.json", in: folder) {
            activation = config.model.quickGELU == true ? .quickGELU : .gelu
            activationFile = "open_clip_config.json"
            mean = config.images?.mean ?? mean
            std = config.images?.std ?? std
            interpolation =
                config.images?.interpolation.flatMap(Preprocessing.Interpolation.init) ?? interpolation
        }
    }

    private mutating func take(_ config: Config) throws {
        // timm writes the architecture's name, sometimes with that of the weights after a dot.
        architecture = config.architecture.map { String($0.prefix { $0 != "." }) }
        mean = config.images?.mean
        std = config.images?.std
        interpolation = config.images?.interpolation.flatMap(Preprocessing.Interpolation.init)
        // With another mode than `center` the whole image is squeezed, or padded, which no view of ours does.
        cropShare = config.images?.cropMode ?? "center" == "center" ? config.images?.cropShare : nil
        let vision = config.vision ?? Config.Vision(activation: config.activation, epsilon: config.epsilon)
        // Hugging Face leaves out what equals its own defaults.
        guard let family = Self.defaults[config.family ?? ""] else { return }
        let word = vision.activation ?? family.activation
        guard let activation = TransformerStyle.Activation(rawValue: word) else {
            throw Diagnostic(
                "config.json beside the weights says the nonlinearity is '\(word)'",
                hint: "blocks can have gelu or quick_gelu", exitCode: .badData)
        }
        self.activation = activation
        activationFile = "config.json"
        epsilon = vision.epsilon ?? family.epsilon
    }

    /// What Hugging Face's families use where their configuration is silent.
    private static let defaults: [String: (activation: String, epsilon: Double)] = [
        "clip": ("quick_gelu", 1e-5), "clip_vision_model": ("quick_gelu", 1e-5), "dinov2": ("gelu", 1e-6),
        "dinov2_with_registers": ("gelu", 1e-6), "vit": ("gelu", 1e-12), "deit": ("gelu", 1e-12),
    ]

    private static func read<Value: Decodable>(
        _ type: Value.Type, _ name: String, in folder: URL
    ) throws -> Value? {
        let url = folder.appending(path: name)
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        do {
            return try JSONDecoder().decode(type, from: Data(contentsOf: url))
        } catch {
            throw Diagnostic(
                "cannot read \(url.path), which describes the weights beside it: \(error)",
                hint: "mend the file, or move the weights to a folder of their own", exitCode: .badData)
        }
    }
}

// MARK: - Applying

extension CheckpointFacts {
    /// Whether a configuration can be that of these weights.
    func agree(with configuration: ModelConfiguration) -> Bool {
        guard let activation, let own = configuration.options["activation"] else { return true }
        return own == .string(activation.rawValue)
    }

    /// Throws where the files contradict an architecture that was named.
    func check(_ configuration: ModelConfiguration) throws {
        guard !agree(with: configuration), let activation else { return }
        throw Diagnostic(
            "\(activationFile) beside the weights says \(activation.rawValue), "
                + "but \(configuration.architecture) has \(configuration.options["activation"] ?? "gelu")",
            hint: activation == .quickGELU
                ? "name the architecture's quickgelu variant" : "name the architecture without quickgelu",
            exitCode: .badData)
    }

    /// A configuration with what the files say about normalisation.
    func applied(to configuration: ModelConfiguration) -> ModelConfiguration {
        var configuration = configuration
        if let epsilon, configuration.options["norm_eps"] != nil {
            configuration.options["norm_eps"] = .double(epsilon)
        }
        if let mean, mean.count == 3 { configuration.preprocessing.mean = mean }
        if let std, std.count == 3, !std.contains(0) { configuration.preprocessing.std = std }
        if let interpolation { configuration.preprocessing.interpolation = interpolation }
        if let cropShare, cropShare > 0, cropShare < 1 { configuration.preprocessing.cropShare = cropShare }
        return configuration
    }
}

// MARK: - The files

/// Hugging Face's or timm's `config.json`, as far as it matters.
private struct Config: Decodable {
    struct Vision: Decodable {
        var activation: String?
        var epsilon: Double?

        enum CodingKeys: String, CodingKey {
            case activation = "hidden_act"
            case epsilon = "layer_norm_eps"
        }
    }

    var family, architecture, activation: String?
    var epsilon: Double?
    var vision: Vision?
    var images: ImageConfig?

    enum CodingKeys: String, CodingKey {
        case architecture
        case family = "model_type"
        case activation = "hidden_act"
        case epsilon = "layer_norm_eps"
        case vision = "vision_config"
        case images = "pretrained_cfg"
    }
}

/// What timm and OpenCLIP say about images.
private struct ImageConfig: Decodable {
    var mean, std: [Double]?
    var interpolation: String?
    var cropShare: Double?
    var cropMode: String?

    enum CodingKeys: String, CodingKey {
        case mean, std, interpolation
        case cropShare = "crop_pct"
        case cropMode = "crop_mode"
    }
}

/// Hugging Face's `preprocessor_config.json`.
private struct Preprocessor: Decodable {
    var mean, std: [Double]?
    /// PIL's number of a filter.
    var resample: Int?
    var crops: Bool?
    var resized, cropped: Side?

    /// The share of the resized image that is cut out, where both sides are known.
    var cropShare: Double? {
        guard crops ?? true, let cropped = cropped?.length, let resized = resized?.length, resized > 0 else {
            return nil
        }
        return Double(cropped) / Double(resized)
    }

    /// A side as versions of the library write it: a number, or an object.
    struct Side: Decodable {
        var length: Int?

        enum CodingKeys: String, CodingKey {
            case height
            case shortest = "shortest_edge"
        }

        init(from decoder: any Decoder) throws {
            if let number = try? decoder.singleValueContainer().decode(Int.self) {
                length = number
                return
            }
            let container = try decoder.container(keyedBy: CodingKeys.self)
            length =
                try container.decodeIfPresent(Int.self, forKey: .shortest)
                ?? container.decodeIfPresent(Int.self, forKey: .height)
        }
    }

    enum CodingKeys: String, CodingKey {
        case resample
        case crops = "do_center_crop"
        case resized = "size"
        case cropped = "crop_size"
        case mean = "image_mean"
        case std = "image_std"
    }
}

/// OpenCLIP's `open_clip_config.json`.
private struct OpenCLIPConfig: Decodable {
    struct Model: Decodable {
        var quickGELU: Bool?

        enum CodingKeys: String, CodingKey { case quickGELU = "quick_gelu" }
    }

    var model: Model
    var images: ImageConfig?

    enum CodingKeys: String, CodingKey {
        case model = "model_cfg"
        case images = "preprocess_cfg"
    }
}
