public import Tensors

/// A convolution without a shift, and the batch normalisation after it.
public struct ConvNorm {
    let conv: Conv2d
    /// The normalisation.
    public let norm: BatchNorm2d

    /// Claims the tensors of both below the names `conv` and `bn`, unless others are given.
    ///
    /// `initial` is the start of the convolution's weight, `scale` that of the normalisation's.
    public init(
        _ scope: Scope, conv: String = "conv", norm: String = "bn", _ inputs: Int, _ outputs: Int,
        kernel: Int, stride: Int = 1, dilation: Int = 1, groups: Int = 1, padding: Padding = .symmetric,
        batchNorm: BatchNormPolicy = .train, initial: Initializer? = nil, scale: Initializer = .ones
    ) throws {
        self.conv = try Conv2d(
            scope / conv, inputs, outputs, kernel: kernel, stride: stride, dilation: dilation, groups: groups,
            padding: padding, initial: initial)
        self.norm = try BatchNorm2d(scope / norm, outputs, policy: batchNorm, initial: scale)
    }

    /// Maps `[B, inputs, H, W]` to `[B, outputs, H', W']`, and applies an activation.
    public func callAsFunction(
        _ x: Tensor, mode: Mode, then activation: Activation = .none
    ) throws -> Tensor {
        try norm(conv(x), mode: mode, then: activation)
    }

    /// The weight and the shift, in fp64, of the convolution that alone does the same in evaluation mode.
    public func folded() throws -> (weight: Tensor, bias: Tensor) {
        let (scale, shift) = try norm.affine()
        return (try conv.weight.to(.float64) * scale.reshape(-1, 1, 1, 1), shift)
    }
}
