public import Tensors

// B images, C channels, H × W pixels

extension Loss {
    /// How normals are compared.
    public enum NormalDistance: String, CaseIterable, Codable, Hashable, Sendable {
        /// The sum of the absolute differences of the three numbers.
        case l1
        /// One minus the cosine of the angle.
        case cosine
    }

    /// The cross-entropy of the pixels' logits, `[B, C, H, W]`, with class numbers in fp32, `[B, 1, H, W]`.
    ///
    /// The mean over pixels whose class is a number; without any the loss is zero.
    public static func classes(
        _ logits: Tensor, _ target: Tensor, labelSmoothing: Double = 0
    ) throws -> Tensor {
        let unknown = try target.isFinite().logicalNot()
        return try pixelCrossEntropy(
            logits, target.maskedFill(unknown, -100).to(.int64).squeeze(1), labelSmoothing: labelSmoothing)
    }

    /// The mean absolute difference of depths, both `[B, 1, H, W]`, after those of each image were brought to mean
    /// zero and mean absolute deviation one; pixels whose target is not a number do not count.
    ///
    /// Ranftl et al. 2020, "Towards Robust Monocular Depth Estimation", section 5, with the mean in the place of the
    /// median: depths that differ by a scale and a shift are the same.
    public static func depth(_ output: Tensor, _ target: Tensor) throws -> Tensor {
        let isKnown = try target.isFinite()
        let known = try isKnown.to(.float32)
        let target = try target.maskedFill(isKnown.logicalNot(), 0)
        let difference = try normalized(output.to(.float32), known) - normalized(target, known)
        return try (difference.abs() * known).sum() / known.sum().clamp(min: 1)
    }

    /// Each image's values with mean zero and mean absolute deviation one, over the known pixels.
    private static func normalized(_ values: Tensor, _ known: Tensor) throws -> Tensor {
        func mean(_ values: Tensor) throws -> Tensor {
            let counts = try known.sum(dims: [1, 2, 3], keepingDim: true).clamp(min: 1)
            return try (values * known).sum(dims: [1, 2, 3], keepingDim: true) / counts
        }
        let shift = try mean(values)
        let deviation = try mean((values - shift).abs())
        // A wall seen from the front has one depth: its noise is not to be blown up to the size of the others.
        let least = try shift.detach().abs() * 1e-3 + 1e-6
        return try (values - shift) / deviation.maximum(least)
    }

    /// How far normals are apart, both `[B, 3, H, W]`; outputs are brought to length one.
    ///
    /// The mean over pixels whose target is a number; without any the loss is zero.
    public static func normals(
        _ output: Tensor, _ target: Tensor, distance: NormalDistance = .cosine
    ) throws -> Tensor {
        let isKnown = try target.isFinite()
        let known = try isKnown.slice(dim: 1, from: 0, to: 1).squeeze(1).to(.float32)
        let target = try target.maskedFill(isKnown.logicalNot(), 0)
        let unit = try output.to(.float32).normalize(1)
        let apart =
            switch distance {
            case .l1: try (unit - target).abs().sum(1)
            case .cosine: try 1 - (unit * target).sum(1)
            }
        return try (apart * known).sum() / known.sum().clamp(min: 1)
    }
}
