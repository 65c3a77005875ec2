internal import Layers
internal import Tensors

/// The weights of the best validation of a run.
final class BestWeights {
    private let parameters: Parameters
    private var copies: [Tensor]

    init(of parameters: Parameters) throws {
        self.parameters = parameters
        copies = try parameters.named.map { try $0.tensor.detach().clone() }
    }

    /// Takes the weights as they are.
    func take() throws {
        for (copy, entry) in zip(copies, parameters.named) { try copy.copy_(entry.tensor) }
    }

    /// The weights under their names.
    var state: [String: Tensor] {
        Dictionary(uniqueKeysWithValues: zip(parameters.named.map(\.name), copies))
    }

    /// Continues from saved weights.
    func restore(_ state: [String: Tensor]) throws {
        for (copy, entry) in zip(copies, parameters.named) {
            if let saved = state[entry.name] { try copy.copy_(saved) }
        }
    }
}
