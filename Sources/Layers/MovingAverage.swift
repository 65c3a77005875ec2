public import Tensors

/// An exponential moving average of a model's tensors, which often generalises better than the last ones.
///
/// Running statistics are averaged like parameters; counters are copied.
public final class MovingAverage {
    /// The share of the average that each update keeps, once it has seen enough of them.
    public let decay: Double
    /// The updates so far.
    public private(set) var updates = 0

    private let parameters: Parameters
    private let averages: [Tensor]

    /// Starts with the model's tensors as they are.
    public init(of parameters: Parameters, decay: Double) throws {
        self.parameters = parameters
        self.decay = decay
        averages = try parameters.named.map { try $0.tensor.detach().clone() }
    }

    /// Takes the model's tensors into the average; call it after each step.
    ///
    /// Early on less is kept, `(1 + updates) / (10 + updates)`, so that the first values do not linger.
    public func update() throws {
        updates += 1
        let kept = min(decay, Double(1 + updates) / Double(10 + updates))
        try updateAverages(averages, of: parameters.named.map(\.tensor), decay: kept)
    }

    /// Calls `body` while the model's tensors hold their averages, and puts the tensors back.
    public func withAverages<Result>(_ body: () throws -> Result) throws -> Result {
        let tensors = parameters.named.map(\.tensor)
        let own = try tensors.map { try $0.detach().clone() }
        for (tensor, average) in zip(tensors, averages) { try tensor.copy_(average) }
        let result = Swift.Result { try body() }
        for (tensor, value) in zip(tensors, own) { try tensor.copy_(value) }
        return try result.get()
    }

    /// The averages under their tensors' names; they are the average's own, not copies.
    public func state() -> [String: Tensor] {
        Dictionary(uniqueKeysWithValues: zip(parameters.named.map(\.name), averages))
    }

    /// Continues from saved averages after that many updates.
    public func restore(_ state: [String: Tensor], updates: Int) throws {
        for (entry, average) in zip(parameters.named, averages) {
            guard let saved = state[entry.name], saved.shape == average.shape else {
                throw CheckpointMismatch(missing: [entry.name])
            }
            try average.copy_(saved)
        }
        self.updates = updates
    }
}
