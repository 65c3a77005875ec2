public import Layers
public import Tensors

// Features and map of one pass, for training that needs both.

extension ImageModel {
    /// The feature vectors and the feature map of normalised images, `[B, D]` and `[B, C, h, w]`, from two passes.
    public func featuresAndMap(
        _ images: Tensor, mode: Mode
    ) throws -> (features: Tensor, map: Tensor) {
        (try features(images, mode: mode), try featureMap(images, mode: mode))
    }
}

/// A network whose feature vector is the mean of its map, so that one pass gives both.
public protocol MeanPooledModel: ImageModel {}

extension MeanPooledModel {
    /// The mean of the map over its places, `[B, D]`.
    public func features(_ images: Tensor, mode: Mode) throws -> Tensor {
        try featureMap(images, mode: mode).mean(2, 3)
    }

    /// The feature vectors and the feature map of normalised images, `[B, D]` and `[B, C, h, w]`, from one pass.
    public func featuresAndMap(
        _ images: Tensor, mode: Mode
    ) throws -> (features: Tensor, map: Tensor) {
        let map = try featureMap(images, mode: mode)
        return (try map.mean(2, 3), map)
    }
}
