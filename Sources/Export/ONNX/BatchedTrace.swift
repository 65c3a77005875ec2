internal import Diagnostics
internal import Tensors

/// A length of a dimension, as a function of the number of images.
enum Extent: Hashable {
    /// The same whatever the number of images.
    case fixed(Int)
    /// So many times the number of images.
    case perImage(Int)
    /// Some other function of the number of images.
    case unknown

    /// The function that gives these lengths for batches of these sizes.
    init(_ first: Int, _ second: Int, batches: (Int, Int)) {
        if first == second {
            self = .fixed(first)
        } else if first % batches.0 == 0, second % batches.1 == 0, first / batches.0 == second / batches.1 {
            self = .perImage(first / batches.0)
        } else {
            self = .unknown
        }
    }
}

/// What a model does with a batch of any size: what it did with two, compared.
///
/// A trace holds numbers where the model read its input's shape. The numbers that differ between the traces are those
/// that come of the number of images.
struct BatchedTrace {
    /// The sizes that are traced; neither is one, which would broadcast where others do not.
    static let batches = (2, 3)

    /// The trace of the first batch.
    let trace: Trace
    /// The shape of every value.
    let shapes: [[Extent]]
    /// The names of the arguments, by operation's position, that depend on the number of images.
    let varying: [Set<String>]
}

extension BatchedTrace {
    /// Traces a function of images, `[B, 3, H, W]`, and of its weights.
    ///
    /// - Parameters:
    ///   - weights: tensors of the function that are to be inputs after the images.
    ///   - images: gives images for a batch of a size.
    /// - Throws: a `Diagnostic` where what the function does depends on the number of images.
    init(
        weights: [Tensor], outputs: Int, images: (_ batch: Int) throws -> Tensor,
        _ body: (Tensor) throws -> [Tensor]
    ) throws {
        let traces = try [Self.batches.0, Self.batches.1].map { batch in
            let images = try images(batch)
            do {
                return try Trace(of: [images] + weights, outputs: outputs) { try body(images) }
            } catch let error as TorchError where error.operation == "trace" {
                throw Self.unexportable("no recorded operation made its output")
            }
        }
        let (first, second) = (traces[0], traces[1])
        guard first.nodes.map(\.operation) == second.nodes.map(\.operation),
            first.values.count == second.values.count, first.outputs == second.outputs
        else {
            throw Self.unexportable(
                "it does other things with \(Self.batches.1) images than with \(Self.batches.0)")
        }
        let shapes = try zip(first.values, second.values).map { first, second in
            guard first.shape.count == second.shape.count else {
                throw Self.unexportable("ranks depend on the number of images")
            }
            return zip(first.shape, second.shape).map { Extent($0, $1, batches: Self.batches) }
        }
        let varying = zip(first.nodes, second.nodes).map { first, second in
            Set(zip(first.arguments, second.arguments).filter { $0.value != $1.value }.map { $0.0.name })
        }
        for (first, second) in zip(first.values, second.values) {
            guard let constant = first.constant, let other = second.constant else { continue }
            // Such a tensor would be the same for all images: wrong, and no error would tell.
            guard try constant.shape == other.shape && constant.bytes() == other.bytes() else {
                throw Self.unexportable(
                    "a tensor of shape \(constant.shape) depends on the images, but no recorded operation made it"
                )
            }
        }
        self.init(trace: first, shapes: shapes, varying: varying)
    }

    private static func unexportable(_ reason: String) -> Diagnostic {
        Diagnostic(
            "the model cannot be written as ONNX: \(reason)", hint: "'--to safetensors' exports every model",
            exitCode: .unavailable)
    }
}
