public import Safetensors
public import Tensors

extension Fixtures {
    /// What is wrong with a network's logits, or with the gradients of their cross-entropy; nil where nothing is.
    ///
    /// They are held against `NAME.logits` and against the probes in `NAME.gradients`.
    /// - Parameter parameters: what must have gradients, in the file's order.
    public static func mismatch(
        ofLogits logits: Tensor, labels: Tensor, _ parameters: [(name: String, tensor: Tensor)],
        in file: SafetensorsFile, _ name: String
    ) throws -> String? {
        if let wrong = try Tolerance.float32Features.mismatch(logits, file, "\(name).logits") {
            return "logits: \(wrong)"
        }
        try logits.crossEntropy(labels).backward()
        return try mismatch(ofGradients: parameters, in: file, "\(name).gradients")
    }

    /// What is wrong with the gradients that parameters have; nil where nothing is.
    public static func mismatch(
        ofGradients parameters: [(name: String, tensor: Tensor)], in file: SafetensorsFile, _ name: String
    ) throws -> String? {
        var gradients: [(String, Tensor)] = []
        for (name, tensor) in parameters {
            guard let gradient = try tensor.grad else { return "\(name) has no gradient" }
            gradients.append((name, gradient))
        }
        return try Tolerance.float32Network.mismatch(probes(gradients), file.floats(name))
            .map { "gradients: \($0)" }
    }
}
