import Tensors

/// Hands out tensors while a model is made, and notes everything that does not fit.
final class ParameterBuilder {
    let generator: Generator
    private(set) var entries: [Parameters.Entry] = []

    private let device: Device
    private let reinitialized: [String]
    private var source: [String: Tensor]?
    private var missing: [String] = []
    private var reshaped: [CheckpointMismatch.Reshape] = []
    /// Entries below re-initialised prefixes that were found in the source after all, by prefix.
    private var kept: [String: [(entry: Int, initial: Initializer)]] = [:]
    private var renewed: Set<String> = []
    private var names: Set<String> = []
    /// Whether tensors have shapes only: one number each, seen at every place.
    private let isOutline: Bool

    init(
        source: [String: Tensor]?, reinitializing prefixes: [String], generator: Generator, device: Device,
        isOutline: Bool = false
    ) {
        self.source = source
        self.isOutline = isOutline
        reinitialized = prefixes
        self.generator = generator
        self.device = device
    }

    func claim(
        _ name: String, _ shape: [Int], _ dtype: DType, _ kind: Parameters.Kind, decays: Bool,
        _ initial: Initializer
    ) throws -> Tensor {
        precondition(names.insert(name).inserted, "'\(name)' is claimed twice: a bug in Retort")
        if isOutline {
            let number = try Tensor.zeros(shape.isEmpty ? [] : [1], dtype: dtype)
            let tensor = try shape.isEmpty ? number : number.expand(shape)
            entries.append(.init(name: name, tensor: tensor, kind: kind, decays: decays))
            return tensor
        }
        let stored = source?.removeValue(forKey: name)
        let found = stored.flatMap { fits($0, shape, dtype) ? $0 : nil }
        let prefix = reinitialized.first { name.isBelow($0) }
        if let prefix, source != nil {
            if found == nil {
                renewed.insert(prefix)
            } else {
                kept[prefix, default: []].append((entries.count, initial))
            }
        } else if let stored, found == nil {
            reshaped.append(
                .init(
                    name: name, found: stored.shape, foundType: stored.dtype, expected: shape,
                    expectedType: dtype))
        } else if source != nil, stored == nil {
            missing.append(name)
        }
        let tensor: Tensor
        if let found {
            // A copy, so that training does not write into the checkpoint another model may be made from.
            tensor = try found.detach().to(device).to(dtype).clone()
        } else {
            tensor = try initial.make(shape, generator).to(dtype).to(device)
        }
        if kind == .parameter { try tensor.requiresGrad(true) }
        entries.append(.init(name: name, tensor: tensor, kind: kind, decays: decays))
        return tensor
    }

    /// Takes in a tensor that something else holds, with the source's values where there is a source.
    func adopt(_ name: String, _ tensor: Tensor, _ kind: Parameters.Kind) throws {
        precondition(names.insert(name).inserted, "'\(name)' is claimed twice: a bug in Retort")
        if source != nil {
            let stored = source?.removeValue(forKey: name)
            if let stored, fits(stored, tensor.shape, tensor.dtype) {
                try tensor.copy_(stored)
            } else if let stored {
                reshaped.append(
                    .init(
                        name: name, found: stored.shape, foundType: stored.dtype, expected: tensor.shape,
                        expectedType: tensor.dtype))
            } else {
                missing.append(name)
            }
        }
        if kind == .parameter { try tensor.requiresGrad(true) }
        entries.append(.init(name: name, tensor: tensor, kind: kind, decays: tensor.rank > 1))
    }

    /// Ends the construction: nothing may be missing, left over or of another shape.
    func finish() throws -> Parameters {
        let unexpected = (source ?? [:]).keys.filter { name in !reinitialized.contains { name.isBelow($0) } }
        guard missing.isEmpty, unexpected.isEmpty, reshaped.isEmpty else {
            throw CheckpointMismatch(missing: missing, unexpected: unexpected.sorted(), reshaped: reshaped)
        }
        // A head is renewed as a whole: an old bias says nothing beside a new weight.
        for prefix in reinitialized where renewed.contains(prefix) {
            for (entry, initial) in kept[prefix] ?? [] {
                let tensor = entries[entry].tensor
                try tensor.copy_(initial.make(tensor.shape, generator))
            }
        }
        return Parameters(
            entries, generator: generator, reinitialized: reinitialized.filter(renewed.contains))
    }

    /// Floating-point types convert into each other; other types must agree.
    private func fits(_ tensor: Tensor, _ shape: [Int], _ dtype: DType) -> Bool {
        tensor.shape == shape
            && (tensor.dtype == dtype || tensor.dtype.isFloatingPoint && dtype.isFloatingPoint)
    }
}

extension String {
    /// Whether this name is `prefix` itself or lies below it, component by component.
    func isBelow(_ prefix: String) -> Bool {
        prefix.isEmpty || self == prefix || hasPrefix(prefix + ".")
    }
}
