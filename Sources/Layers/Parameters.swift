public import Tensors

/// Every tensor of one model, under the name PyTorch gives it.
///
/// Layers are immutable structs that hold the same tensors; whatever changes tensors (optimisers, averages, loading)
/// does it here.
public final class Parameters {
    /// What a tensor is to training.
    public enum Kind: Hashable, Sendable {
        /// Trained by gradients.
        case parameter
        /// Part of the model, but not trained.
        case buffer
    }

    /// One tensor of the model.
    public struct Entry {
        /// The name in the state dict.
        public let name: String
        /// The tensor that the layers hold, too.
        public let tensor: Tensor
        /// What the tensor is to training.
        public let kind: Kind
        /// Whether weight decay applies.
        public let decays: Bool
    }

    /// All tensors, in the order in which the model made them.
    public let named: [Entry]
    /// What the model was initialised from, and what its stochastic layers draw from; save its state to resume.
    public let generator: Generator
    /// The prefixes that did not fit the checkpoint and were initialised afresh, as was allowed.
    public let reinitialized: [String]

    private let index: [String: Int]

    init(_ named: [Entry], generator: Generator, reinitialized: [String]) {
        self.named = named
        self.generator = generator
        self.reinitialized = reinitialized
        index = Dictionary(uniqueKeysWithValues: named.enumerated().map { ($1.name, $0) })
    }

    /// Makes a model of fresh tensors, drawn from `generator` in the order in which layers are made.
    public static func initialize<Model>(
        generator: Generator, device: Device = .cpu, _ build: (Scope) throws -> Model
    ) throws -> (model: Model, parameters: Parameters) {
        let builder = ParameterBuilder(
            source: nil, reinitializing: [], generator: generator, device: device)
        let model = try build(Scope(builder: builder, path: ""))
        return (model, try builder.finish())
    }

    /// Makes a model of a checkpoint's tensors, or reports every name that does not fit as `CheckpointMismatch`.
    ///
    /// What lies below a prefix in `reinitializing`, such as a head for another number of classes, is made afresh
    /// where it does not fit. Tensors are copied: the model never shares memory with `state`.
    public static func load<Model>(
        _ state: [String: Tensor], reinitializing prefixes: [String] = [], generator: Generator? = nil,
        device: Device = .cpu, _ build: (Scope) throws -> Model
    ) throws -> (model: Model, parameters: Parameters) {
        let builder = ParameterBuilder(
            source: state, reinitializing: prefixes, generator: try generator ?? Generator(seed: 0),
            device: device)
        let model = try build(Scope(builder: builder, path: ""))
        return (model, try builder.finish())
    }

    /// The names, shapes and types of a model's tensors, without the memory they would take.
    ///
    /// Every tensor is one zero that is seen at every place, so that models of billions of parameters can be compared
    /// with a file in no time. They are not to be computed with.
    public static func outline(_ build: (Scope) throws -> Void) throws -> Parameters {
        let builder = ParameterBuilder(
            source: nil, reinitializing: [], generator: try Generator(seed: 0), device: .cpu,
            isOutline: true)
        try build(Scope(builder: builder, path: ""))
        return try builder.finish()
    }

    /// The tensor of that name.
    public subscript(name: String) -> Tensor? { index[name].map { named[$0].tensor } }

    /// The number of trained numbers.
    public var count: Int { named.reduce(0) { $0 + ($1.kind == .parameter ? $1.tensor.count : 0) } }

    // MARK: Training

    /// Excludes what lies below these prefixes from training; the empty prefix means everything.
    public func freeze(_ prefixes: String...) throws { try setTrainable(false, prefixes) }

    /// Trains what lies below these prefixes again.
    public func unfreeze(_ prefixes: String...) throws { try setTrainable(true, prefixes) }

    private func setTrainable(_ flag: Bool, _ prefixes: [String]) throws {
        for entry in named where entry.kind == .parameter {
            if prefixes.contains(where: entry.name.isBelow) { try entry.tensor.requiresGrad(flag) }
        }
    }

    /// The parameters that are not frozen, below any of these prefixes.
    public func trainable(_ prefixes: String...) -> [Entry] {
        named.filter { entry in
            entry.kind == .parameter && entry.tensor.requiresGrad
                && (prefixes.isEmpty || prefixes.contains(where: entry.name.isBelow))
        }
    }

    /// The trainable parameters for an optimiser, with no decay on biases, norms and other exempt tensors.
    ///
    /// `scale` gives the factor on the learning rate by name, as for a head that learns faster than its trunk.
    public func groups(
        weightDecay: Double, scale: (_ name: String) -> Double = { _ in 1 }
    ) -> [ParameterGroup] {
        struct Key: Hashable {
            let decay, scale: Double
        }
        var order: [Key] = []
        var groups: [Key: [(name: String, tensor: Tensor)]] = [:]
        for entry in trainable() {
            let key = Key(decay: entry.decays ? weightDecay : 0, scale: scale(entry.name))
            if groups[key] == nil { order.append(key) }
            groups[key, default: []].append((entry.name, entry.tensor))
        }
        return order.map {
            ParameterGroup(groups[$0] ?? [], weightDecay: $0.decay, learningRateScale: $0.scale)
        }
    }
}
