internal import CTorch

/// Parameters that are updated alike.
public struct ParameterGroup {
    /// The parameters and the names under which their state is saved.
    public var parameters: [(name: String, tensor: Tensor)]
    /// The decay of weights towards zero.
    public var weightDecay: Double
    /// What the optimiser's learning rate is multiplied by, as in layer-wise decay.
    public var learningRateScale: Double

    /// Creates a group.
    public init(
        _ parameters: [(name: String, tensor: Tensor)], weightDecay: Double = 0, learningRateScale: Double = 1
    ) {
        self.parameters = parameters
        self.weightDecay = weightDecay
        self.learningRateScale = learningRateScale
    }

    var tensors: [Tensor] { parameters.map(\.tensor) }
}

/// Something that moves parameters along their gradients.
///
/// Its state is a list of named tensors: saved and restored exactly, training goes on as if never stopped.
public protocol Optimizer: AnyObject {
    /// What it updates.
    var groups: [ParameterGroup] { get }
    /// The learning rate of the next step; a schedule sets it before each.
    var learningRate: Double { get set }
    /// Updates every parameter that has a gradient.
    func step() throws(TorchError)
    /// Everything but the parameters that decides the steps to come, in a fixed order.
    var state: [(name: String, tensor: Tensor)] { get }
}

extension Optimizer {
    /// All parameters, group by group.
    public var parameters: [Tensor] { groups.flatMap(\.tensors) }

    /// Forgets all gradients; call it between steps.
    public func zeroGrad() throws(TorchError) { try Tensor.zeroGrad(parameters) }

    /// Continues from a saved state, which must have every name and shape of this optimiser's own.
    public func restore(_ saved: [String: Tensor]) throws(TorchError) {
        let own = state
        let missing = own.filter { saved[$0.name]?.shape != $0.tensor.shape }.map(\.name)
        guard missing.isEmpty, saved.count == own.count else {
            throw TorchError(
                code: .shape, operation: "restore",
                message: missing.isEmpty
                    ? "the saved state has \(saved.count) tensors, this optimiser \(own.count)"
                    : "the saved state lacks, or has in another shape, \(missing.joined(separator: ", "))")
        }
        for (name, tensor) in own {
            if let value = saved[name] { try tensor.copy_(value) }
        }
    }
}

/// Scales all gradients so that their joint norm is at most `maxNorm`; returns the norm they had.
///
/// The norm has no dimensions and stays on the gradients' device: nothing waits for it. An infinite `maxNorm` only
/// measures.
@discardableResult
public func clipGradNorm(_ parameters: [Tensor], maxNorm: Double) throws(TorchError) -> Tensor {
    try Tensor(operation: "clipGradNorm") { out in
        Tensor.withHandles(parameters) { ct_clip_grad_norm($0, Int64(parameters.count), maxNorm, out) }
    }
}

/// Moves averages towards parameters: `average += (1 − decay) · (parameter − average)`; integers are copied.
public func updateAverages(
    _ averages: [Tensor], of parameters: [Tensor], decay: Double
) throws(TorchError) {
    guard averages.count == parameters.count else {
        throw TorchError(
            code: .shape, operation: "updateAverages",
            message: "\(averages.count) averages of \(parameters.count) parameters")
    }
    let status = Tensor.withHandles(averages) { averages in
        Tensor.withHandles(parameters) {
            ct_foreach_lerp(averages, $0, Int64(parameters.count), 1 - decay)
        }
    }
    try check(status, operation: "updateAverages")
}
