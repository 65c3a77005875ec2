/// Philox 4x32-10, a counter-based random number generator: the n-th number is a function of key, counter and n.
///
/// A view's randomness is keyed by (seed, image, view number), so it does not depend on which thread drew what
/// before, and any view can be drawn again on its own. The algorithm is that of Salmon et al., "Parallel random
/// numbers: as easy as 1, 2, 3" (SC 2011).
public struct Philox: RandomNumberGenerator, Sendable {
    private let key: SIMD2<UInt32>
    private var counter: SIMD4<UInt32>
    private var block = SIMD4<UInt32>()
    private var used = 4

    /// Creates the stream of a seed (the key) and two numbers that name the stream (part of the counter).
    public init(seed: UInt64, stream: UInt64, substream: UInt32 = 0) {
        key = SIMD2(truncatingIfNeeded: SIMD2(seed, seed >> 32))
        counter = SIMD4(
            0, substream, UInt32(truncatingIfNeeded: stream), UInt32(truncatingIfNeeded: stream >> 32))
    }

    /// The next 32 random bits.
    public mutating func next32() -> UInt32 {
        if used == 4 {
            block = Self.encrypt(counter, key)
            counter[0] &+= 1
            used = 0
        }
        defer { used += 1 }
        return block[used]
    }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 { UInt64(next32()) << 32 | UInt64(next32()) }

    /// A number in [0, 1) with 24 random bits, which both Float and Double hold exactly.
    public mutating func uniform() -> Double { Double(next32() >> 8) * 0x1p-24 }

    /// A number in a range, its end excluded.
    public mutating func uniform(in range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
    }

    /// A number from 0 to `count - 1`, by the high half of a product, so that no rejection changes the stream.
    public mutating func index(below count: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(count)).high)
    }

    /// Ten rounds on one block.
    static func encrypt(_ counter: SIMD4<UInt32>, _ key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var (c, k) = (counter, key)
        for _ in 0..<10 {
            let a = c[0].multipliedFullWidth(by: 0xD251_1F53)
            let b = c[2].multipliedFullWidth(by: 0xCD9E_8D57)
            c = SIMD4(b.high ^ c[1] ^ k[0], b.low, a.high ^ c[3] ^ k[1], a.low)
            k = k &+ SIMD2(0x9E37_79B9, 0xBB67_AE85)
        }
        return c
    }
}

extension Philox {
    /// A permutation of `0..<count` (Fisher–Yates).
    public static func permutation(of count: Int, seed: UInt64, stream: UInt64) -> [Int] {
        var random = Philox(seed: seed, stream: stream, substream: .max)
        var order = Array(0..<count)
        for last in stride(from: count - 1, to: 0, by: -1) {
            order.swapAt(last, random.index(below: last + 1))
        }
        return order
    }

    /// The stream number of a content id: its first 16 hexadecimal digits.
    ///
    /// Other texts are folded by FNV-1a, so that rendered images and tests may be named freely.
    public static func stream(of id: String) -> UInt64 {
        UInt64(id.prefix(16), radix: 16)
            ?? id.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
