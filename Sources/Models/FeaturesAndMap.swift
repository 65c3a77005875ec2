public import Layers
public import Tensors

// Features and map of one pass, for training that needs both; families whose features are no mean of the map, and that
// are not here, make two passes.

extension ImageModel {
    /// The feature vectors and the feature map of normalised images, `[B, D]` and `[B, C, h, w]`, from two passes.
    public func featuresAndMap(
        _ images: Tensor, mode: Mode
    ) throws -> (features: Tensor, map: Tensor) {
        (try features(images, mode: mode), try featureMap(images, mode: mode))
    }

    /// Both of a network whose features are the mean of its map, from one pass.
    fileprivate func meanAndMap(
        _ images: Tensor, _ mode: Mode
    ) throws -> (features: Tensor, map: Tensor) {
        let map = try featureMap(images, mode: mode)
        return (try map.mean(2, 3), map)
    }
}

extension ResNet {
    /// Features and map of one pass.
    public func featuresAndMap(
        _ images: Tensor, mode: Mode
    ) throws -> (features: Tensor, map: Tensor) { try meanAndMap(images, mode) }
}

extension MobileNetV2 {
    /// Features and map of one pass.
    public func featuresAndMap(
        _ images: Tensor, mode: Mode
    ) throws -> (features: Tensor, map: Tensor) { try meanAndMap(images, mode) }
}

extension MobileViTV2 {
    /// Features and map of one pass.
    public func featuresAndMap(
        _ images: Tensor, mode: Mode
    ) throws -> (features: Tensor, map: Tensor) { try meanAndMap(images, mode) }
}

extension FastViT {
    /// Features and map of one pass.
    public func featuresAndMap(
        _ images: Tensor, mode: Mode
    ) throws -> (features: Tensor, map: Tensor) { try meanAndMap(images, mode) }
}

extension DepthwiseCNN {
    /// Features and map of one pass.
    public func featuresAndMap(
        _ images: Tensor, mode: Mode
    ) throws -> (features: Tensor, map: Tensor) { try meanAndMap(images, mode) }
}
