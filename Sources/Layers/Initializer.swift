public import Tensors

/// How a tensor gets its first values; the distributions are PyTorch's and timm's.
public struct Initializer {
    let make: (_ shape: [Int], _ generator: Generator) throws -> Tensor

    /// Creates an initializer from a function of the shape and of the model's generator.
    public init(_ make: @escaping (_ shape: [Int], _ generator: Generator) throws -> Tensor) {
        self.make = make
    }

    /// All zeros.
    public static var zeros: Initializer { constant(0) }
    /// All ones.
    public static var ones: Initializer { constant(1) }

    /// One value everywhere.
    public static func constant(_ value: Double) -> Initializer {
        Initializer { shape, _ in try .full(shape, value) }
    }

    /// A normal distribution cut off at ±2, the habit of vision transformers.
    public static func truncNormal(_ deviation: Double = 0.02) -> Initializer {
        Initializer { shape, generator in try generator.truncNormal(shape, deviation: deviation) }
    }

    /// A normal distribution.
    public static func normal(_ deviation: Double) -> Initializer {
        Initializer { shape, generator in try generator.normal(shape, deviation: deviation) }
    }

    /// A uniform distribution between `-bound` and `bound`.
    public static func uniform(_ bound: Double) -> Initializer {
        Initializer { shape, generator in try generator.uniform(shape, low: -bound, high: bound) }
    }

    /// PyTorch's own default for weights and biases that see `fanIn` inputs.
    public static func fanIn(_ fanIn: Int) -> Initializer { uniform(1 / Double(max(1, fanIn)).squareRoot()) }

    /// Kaiming's normal distribution by outputs, for a convolution weight of `[out, in / groups, k, k]`.
    public static func kaimingFanOut(groups: Int = 1) -> Initializer {
        Initializer { shape, generator in
            let fanOut = shape[0] * shape[2...].reduce(1, *) / groups
            return try generator.normal(shape, deviation: (2 / Double(max(1, fanOut))).squareRoot())
        }
    }
}
