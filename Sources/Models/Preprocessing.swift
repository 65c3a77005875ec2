public import Tensors

/// What a model expects of the numbers in an image.
public struct Preprocessing: Codable, Hashable, Sendable {
    /// How images are resized.
    public typealias Interpolation = ImageResize.Interpolation

    /// The mean of each channel, for values between 0 and 1.
    public var mean: [Double]
    /// The standard deviation of each channel.
    public var std: [Double]
    /// How images are resized.
    public var interpolation: Interpolation

    /// The share of the resized image's short side that is cut out of its centre, when whole images are shown.
    ///
    /// What timm calls `crop_pct`; at one the largest central square is resized.
    public var cropShare: Double

    enum CodingKeys: String, CodingKey {
        case mean, std, interpolation
        case cropShare = "crop_pct"
    }

    /// Creates a preprocessing.
    public init(
        mean: [Double], std: [Double], interpolation: Interpolation = .bilinear, cropShare: Double = 1
    ) {
        self.mean = mean
        self.std = std
        self.interpolation = interpolation
        self.cropShare = cropShare
    }

    /// Reads a preprocessing; one that was written before there were crops has none.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        mean = try container.decode([Double].self, forKey: .mean)
        std = try container.decode([Double].self, forKey: .std)
        interpolation = try container.decode(Interpolation.self, forKey: .interpolation)
        cropShare = try container.decodeIfPresent(Double.self, forKey: .cropShare) ?? 1
    }

    /// Writes a preprocessing; without a crop it is written as before there were crops.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(mean, forKey: .mean)
        try container.encode(std, forKey: .std)
        try container.encode(interpolation, forKey: .interpolation)
        if cropShare != 1 { try container.encode(cropShare, forKey: .cropShare) }
    }

    /// Values between −1 and 1.
    public static let symmetric = Preprocessing(mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5])
    /// Values between −1 and 1, of images resized as timm resizes them for vision transformers.
    public static let symmetricBicubic = Preprocessing(
        mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], interpolation: .bicubic)
    /// The statistics of ImageNet, of images resized as DINOv2 and DeiT expect them.
    public static let imageNetBicubic = Preprocessing(
        mean: imageNet.mean, std: imageNet.std, interpolation: .bicubic)
    /// The statistics of the images that CLIP was trained with.
    public static let clip = Preprocessing(
        mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711],
        interpolation: .bicubic)
    /// The statistics of ImageNet, torchvision's habit.
    public static let imageNet = Preprocessing(mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])

    /// Maps bytes, `[B, H, W, 3]`, to what the model takes, `[B, 3, H, W]`, in channels-last memory order.
    public func callAsFunction(_ images: Tensor) throws -> Tensor {
        let scale = try Tensor(doubles: std.map { 1 / (255 * $0) }).to(.float32).to(images.device)
        let shift = try Tensor(doubles: zip(mean, std).map { -$0 / $1 }).to(.float32).to(images.device)
        return try (images.to(.float32) * scale + shift).permute(0, 3, 1, 2)
    }
}
