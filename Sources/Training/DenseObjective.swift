public import Layers
public import Tensors
public import Vision

/// The loss of a dense task: outputs of a head against maps, with the pixels left out about which nothing is known.
public struct DenseObjective: Hashable, Sendable {
    /// The question.
    public var task: DenseTask
    /// How normals are compared.
    public var normalDistance: Loss.NormalDistance
    /// The probability mass spread over the wrong classes.
    public var labelSmoothing: Double

    /// Creates the loss of a task.
    public init(
        _ task: DenseTask, normalDistance: Loss.NormalDistance = .cosine, labelSmoothing: Double = 0
    ) {
        self.task = task
        self.normalDistance = normalDistance
        self.labelSmoothing = labelSmoothing
    }

    /// The number of outputs that a head needs: a logit for each class, a depth, or a vector.
    public func outputCount(classCount: Int) -> Int { task == .segmentation ? classCount : task.channelCount }

    /// The loss of a head's outputs, `[B, C, h, w]`, against `Batch.target`, `[B, c, H, W]`.
    ///
    /// Outputs of another size are interpolated to that of the target. Averaged over the pixels that count; zero
    /// where there is none, so that images without a map cost nothing.
    public func callAsFunction(_ output: Tensor, _ target: Tensor) throws -> Tensor {
        let (height, width) = (target.shape[2], target.shape[3])
        let output =
            Array(output.shape[2...]) == [height, width]
            ? output : try output.upsampleBilinear(height: height, width: width)
        return switch task {
        case .segmentation: try Loss.classes(output, target, labelSmoothing: labelSmoothing)
        case .depth: try Loss.depth(output, target)
        case .normals: try Loss.normals(output, target, distance: normalDistance)
        }
    }
}
