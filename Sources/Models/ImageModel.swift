public import Layers
public import Tensors

/// A network that sees images and says which class they show.
public protocol ImageModel {
    /// The length of a feature vector.
    var featureWidth: Int { get }
    /// Its batch normalisations, if it has any.
    var normalizations: [BatchNorm2d] { get }
    /// Maps normalised images, `[B, 3, H, W]`, to feature vectors, `[B, D]`.
    func features(_ images: Tensor, mode: Mode) throws -> Tensor
    /// Maps feature vectors, `[B, D]`, to logits, `[B, C]`; does nothing in a model without classes.
    func head(_ features: Tensor) throws -> Tensor
}

extension ImageModel {
    /// None, unless the model says otherwise.
    public var normalizations: [BatchNorm2d] { [] }

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
