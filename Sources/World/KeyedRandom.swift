import Vision

/// Random numbers for one scene: a pure function of (seed, stream, index), drawn from `Philox`.
///
/// Seed is the cipher's key; stream and index are part of its counter. For one seed the cipher is a bijection,
/// so two different (stream, index) pairs never share a block: splits cannot overlap.
struct KeyedRandom {
    private var random: Philox

    init(seed: UInt64, stream: UInt64, index: UInt32) {
        random = Philox(seed: seed, stream: stream, substream: index)
    }

    /// Thirty-two random bits.
    mutating func next() -> UInt32 { random.next32() }

    /// A number in [0, 1), a multiple of 2⁻²⁴.
    mutating func uniform() -> Float { Float(random.next32() >> 8) * 0x1p-24 }

    /// A number in `range`.
    mutating func uniform(_ range: ClosedRange<Float>) -> Float {
        range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
    }

    /// An integer in 0..<`count`.
    mutating func integer(below count: Int) -> Int { Int((UInt64(random.next32()) * UInt64(count)) >> 32) }

    /// Whether something with this probability happens.
    mutating func chance(_ probability: Float) -> Bool { uniform() < probability }

    /// One of the items, which must not be empty.
    mutating func pick<Items: RandomAccessCollection>(_ items: Items) -> Items.Element {
        items[items.index(items.startIndex, offsetBy: integer(below: items.count))]
    }

    /// An index drawn in proportion to its weight.
    mutating func index(weights: [Float]) -> Int {
        var rest = uniform() * weights.reduce(0, +)
        for (index, weight) in weights.enumerated() {
            rest -= weight
            if rest < 0 { return index }
        }
        return weights.count - 1
    }

    /// A random direction in the plane, as cosine and sine; by rejection, so without trigonometry.
    mutating func direction() -> (x: Float, y: Float) {
        while true {
            let x = uniform(-1...1), y = uniform(-1...1)
            let square = x * x + y * y
            if square > 0.01, square <= 1 {
                let length = square.squareRoot()
                return (x / length, y / length)
            }
        }
    }
}
