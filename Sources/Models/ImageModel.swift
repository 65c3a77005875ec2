import Diagnostics
public import Layers
public import Tensors

/// A network that sees images and says which class they show.
public protocol ImageModel {
    /// The length of a feature vector.
    var featureWidth: Int { get }
    /// The channels of its feature map.
    var mapWidth: Int { get }
    /// Its batch normalisations, if it has any.
    var normalizations: [BatchNorm2d] { get }
    /// Maps normalised images, `[B, 3, H, W]`, to feature vectors, `[B, D]`.
    func features(_ images: Tensor, mode: Mode) throws -> Tensor
    /// Maps feature vectors, `[B, D]`, to logits, `[B, C]`; does nothing in a model without classes.
    func head(_ features: Tensor) throws -> Tensor
    /// Maps normalised images, `[B, 3, H, W]`, to the last map before it is pooled, `[B, mapWidth, h, w]`.
    ///
    /// In a transformer these are the normalised patches. timm calls this `forward_features`.
    /// - Throws: a `Diagnostic` in a model that gives one vector for an image, and no map.
    func featureMap(_ images: Tensor, mode: Mode) throws -> Tensor
    /// The feature vectors and the feature map of normalised images, `[B, D]` and `[B, C, h, w]`, from one pass where
    /// the architecture allows it.
    func featuresAndMap(_ images: Tensor, mode: Mode) throws -> (features: Tensor, map: Tensor)
    /// Maps normalised images, `[B, 3, H, W]`, to logits: `[B, C]`, or those of every pixel, `[B, C, H, W]`.
    func callAsFunction(_ images: Tensor, mode: Mode) throws -> Tensor
}

extension ImageModel {
    /// None, unless the model says otherwise.
    public var normalizations: [BatchNorm2d] { [] }

    /// As many as numbers in a feature vector, where that is the map's mean.
    public var mapWidth: Int { featureWidth }

    /// Throws, unless the model has a map.
    public func featureMap(_ images: Tensor, mode: Mode) throws -> Tensor {
        throw Diagnostic(
            "the model gives one vector for an image, and no map of features",
            hint: "segmentation needs a network whose architecture Retort knows")
    }

    /// Maps normalised images, `[B, 3, H, W]`, to logits, `[B, C]`.
    public func callAsFunction(_ images: Tensor, mode: Mode) throws -> Tensor {
        try head(features(images, mode: mode))
    }

    /// Gives batch normalisations the statistics of these batches of normalised images.
    ///
    /// The model in evaluation mode stays the same function; only then can a network whose statistics were lost or
    /// folded away be trained with them. A few hundred images suffice.
    public func reestimateBatchNorm(on batches: some Sequence<Tensor>) throws {
        try BatchNorm2d.reestimate(normalizations) {
            for images in batches { _ = try features(images, mode: .evaluation) }
        }
    }
}
