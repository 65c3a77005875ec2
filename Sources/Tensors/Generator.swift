internal import CTorch

/// A source of random numbers whose whole state can be saved and restored.
///
/// libtorch's global generator is never used: what is random is passed a generator, so that the same seed
/// gives the same bytes whatever else runs.
public final class Generator {
    /// Some images of a batch.
    public struct Part: Hashable, Sendable {
        /// The images of the batch.
        public var whole: Int
        /// Those that are meant.
        public var own: Range<Int>

        /// Creates a part.
        public init(whole: Int, own: Range<Int>) {
            self.whole = whole
            self.own = own
        }
    }

    private let handle: CTGenerator
    /// The part of a batch at hand, where other processes have the rest: ``forEachImage(_:draw:)`` draws for all.
    public var part: Part?
    /// Where the numbers are drawn.
    public let device: Device

    /// Creates a generator; two of the same seed and device draw the same numbers.
    public init(seed: UInt64, device: Device = .cpu) throws(TorchError) {
        var out: CTGenerator?
        let status = ct_generator_new(seed, device.number, &out)
        guard status == CT_OK, let out else { throw TorchError(status: status, operation: "Generator") }
        handle = out
        self.device = device
    }

    deinit { ct_generator_free(handle) }

    @inline(__always)
    func withHandle<Result>(_ body: (CTGenerator) -> Result) -> Result {
        withExtendedLifetime(self) { body(handle) }
    }

    /// Numbers for each of some images, drawn by `draw` for as many as it is told.
    public func forEachImage(_ count: Int, draw: (Int) throws -> Tensor) throws -> Tensor {
        guard let part else { return try draw(count) }
        precondition(
            part.own.count == count,
            "numbers for \(count) images of a part of \(part.own.count): a Retort bug")
        return try draw(part.whole).slice(dim: 0, from: part.own.lowerBound, to: part.own.upperBound)
    }

    /// Everything that decides the numbers to come.
    public func state() throws(TorchError) -> [UInt8] {
        try Tensor(operation: "state") { out in withHandle { ct_generator_state($0, out) } }.bytes()
    }

    /// Continues from a state that a generator on the same kind of device had.
    public func restore(_ state: [UInt8]) throws(TorchError) {
        let tensor = try Tensor(bytes: state)
        let status = tensor.withHandle { state in withHandle { ct_generator_set_state($0, state) } }
        try check(status, operation: "restore")
    }
}

extension Generator {
    /// Numbers spread evenly from `low` up to `high`.
    public func uniform(
        _ shape: [Int], low: Double = 0, high: Double = 1, dtype: DType = .float32
    ) throws(TorchError) -> Tensor {
        try Tensor { out in
            withHandle { g in withInts(shape) { ct_uniform(g, $0, $1, low, high, dtype.rawValue, out) } }
        }
    }

    /// Numbers of a normal distribution.
    public func normal(
        _ shape: [Int], mean: Double = 0, deviation: Double = 1, dtype: DType = .float32
    ) throws(TorchError) -> Tensor {
        try Tensor { out in
            withHandle { g in withInts(shape) { ct_normal(g, $0, $1, mean, deviation, dtype.rawValue, out) } }
        }
    }

    /// Numbers of a normal distribution between `low` and `high`, drawn as `torch.nn.init.trunc_normal_` draws them.
    public func truncNormal(
        _ shape: [Int], mean: Double = 0, deviation: Double = 1, low: Double = -2, high: Double = 2,
        dtype: DType = .float32
    ) throws(TorchError) -> Tensor {
        try Tensor { out in
            withHandle { g in
                withInts(shape) {
                    ct_trunc_normal(g, $0, $1, mean, deviation, low, high, dtype.rawValue, out)
                }
            }
        }
    }

    /// Ones with a probability, zeros otherwise.
    public func bernoulli(
        _ shape: [Int], probability: Double, dtype: DType = .float32
    ) throws(TorchError) -> Tensor {
        try Tensor { out in
            withHandle { g in withInts(shape) { ct_bernoulli(g, $0, $1, probability, dtype.rawValue, out) } }
        }
    }

    /// Integers from `range`.
    public func integers(_ shape: [Int], in range: Range<Int>) throws(TorchError) -> Tensor {
        try Tensor { out in
            withHandle { g in
                withInts(shape) {
                    ct_randint(g, $0, $1, Int64(range.lowerBound), Int64(range.upperBound), out)
                }
            }
        }
    }

    /// The integers from zero to `count`, in random order.
    public func randperm(_ count: Int) throws(TorchError) -> Tensor {
        try Tensor { out in withHandle { ct_randperm($0, Int64(count), out) } }
    }
}
