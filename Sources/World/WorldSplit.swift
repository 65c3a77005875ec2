import Vision

/// A named range of keys, and what is drawn from it.
public struct WorldSplit: Hashable, Codable, Sendable {
    /// The split's name.
    public var name: String
    /// The number of images.
    public var count: Int
    /// The share of images that belong to the domain; the others are of the generic mixture and unlabelled.
    public var onDomain: Double
    /// How unevenly classes occur: 0 as the domain has them; at 1 the first class is ten times as frequent as
    /// the last.
    public var skew: Double
    /// Whether every class occurs equally often even where the domain's classes do not.
    public var isBalanced: Bool

    /// Creates a split.
    public init(_ name: String, count: Int, onDomain: Double = 1, skew: Double = 0, isBalanced: Bool = false)
    {
        self.name = name
        self.count = count
        self.onDomain = onDomain
        self.skew = skew
        self.isBalanced = isBalanced
    }

    /// The name of the image at `index`.
    public func member(_ index: Int) -> String {
        let digits = String(index)
        return "\(name)/\(String(repeating: "0", count: max(0, 6 - digits.count)))\(digits)"
    }

    /// Whether image `index` has class `index % classes`, which balances classes exactly.
    func cycles(through domain: Domain) -> Bool {
        onDomain >= 1 && skew == 0 && (isBalanced || domain.isUniform)
    }

    /// How often each class occurs.
    func weights(in domain: Domain) -> [Float] {
        let base = isBalanced ? domain.frequencies.map { _ in 1 } : domain.frequencies
        guard skew > 0 else { return base }
        let last = Float(max(1, base.count - 1))
        return base.enumerated().map { $1 / (1 + 9 * Float(skew) * Float($0) / last) }
    }

    /// The key stream of this split.
    ///
    /// Pools and labelled splits have streams of their own even where they share
    /// a name, so a pool never repeats a scene of a test set.
    func stream(in domain: Domain) -> UInt64 {
        let kind = onDomain < 1 ? "pool" : "labelled"
        return Philox.stream(of: "\(domain.rawValue)/\(kind)/\(name)")
    }
}
