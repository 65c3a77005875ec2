public import Tensors

/// A factor for each channel of `[B, C, H, W]`, small at first, on what a residual branch adds.
///
/// Touvron et al., "Going deeper with Image Transformers", section 2.1.
public struct LayerScale2d {
    let gamma: Tensor

    /// Claims `gamma`, `[C, 1, 1]`, which does not decay.
    public init(_ scope: Scope, _ channels: Int, initial: Initializer = .constant(1e-5)) throws {
        gamma = try scope.parameter("gamma", channels, 1, 1, initial: initial, decays: false)
    }

    /// Scales `[B, C, H, W]`.
    public func callAsFunction(_ x: Tensor) throws -> Tensor { try x * gamma }

    /// The factors, `[C]`, in fp64.
    public func factors() throws -> Tensor { try gamma.to(.float64).flatten() }
}
