public import Tensors

/// An affine map of the last dimension, `x · weightᵀ + bias`.
public struct Linear {
    /// The matrix, `[outputs, inputs]`.
    public let weight: Tensor
    /// The shift, `[outputs]`.
    public let bias: Tensor?

    /// Claims `weight` and `bias`; without `initial` both start as PyTorch's do, with it the bias starts at zero.
    public init(
        _ scope: Scope, _ inputs: Int, _ outputs: Int, bias: Bool = true, initial: Initializer? = nil
    ) throws {
        weight = try scope.parameter("weight", outputs, inputs, initial: initial ?? .fanIn(inputs))
        self.bias =
            bias
            ? try scope.parameter("bias", outputs, initial: initial == nil ? .fanIn(inputs) : .zeros) : nil
    }

    /// Maps `[…, inputs]` to `[…, outputs]`.
    public func callAsFunction(_ x: Tensor) throws -> Tensor { try x.linear(weight: weight, bias: bias) }
}

/// The linear map from a student's features to its teacher's, thrown away after distillation.
public struct FeatureProjection {
    let linear: Linear

    /// Claims `linear.weight` and `linear.bias`.
    public init(_ scope: Scope, from inputs: Int, to outputs: Int) throws {
        linear = try Linear(scope / "linear", inputs, outputs, initial: .truncNormal(0.02))
    }

    /// Maps `[B, inputs]` to `[B, outputs]`; the loss normalises.
    public func callAsFunction(_ features: Tensor) throws -> Tensor { try linear(features) }
}
