internal import Diagnostics
internal import Tensors
internal import Training
internal import Vision

/// What is kept of a teacher's answers.
struct LabelForm: Equatable {
    /// How the predictions are kept.
    var predictions: PredictionForm
    /// Whether features are kept.
    var hasFeatures: Bool
    /// The number of classes; zero for a teacher without a classifier, which has features and no predictions.
    var classCount: Int

    /// Whether answers that are stored already hold all that this form keeps.
    func canBeMade(from shards: LabelShards) -> Bool {
        (shards.form == predictions || shards.form == .logits) && shards.classCount == classCount
            && (!hasFeatures || shards.featureWidth != nil)
    }

    /// Answers that are stored already, in this form.
    func take(_ rows: [Int], from shards: LabelShards) throws -> LabelAnswers {
        guard shards.form != predictions else {
            let names = shards.names.filter { $0 != LabelShards.features || hasFeatures }
            return LabelAnswers(
                tensors: Dictionary(
                    uniqueKeysWithValues: try names.map { ($0, try shards.tensor($0, rows: rows)) }))
        }
        var tensors = try predictions.encode(shards.logits(rows: rows).tensor(0..<rows.count))
        if hasFeatures {
            tensors[LabelShards.features] = try shards.tensor(LabelShards.features, rows: rows)
        }
        return LabelAnswers(tensors: tensors)
    }

    /// The answers of a batch in this form, on the CPU.
    ///
    /// - Throws: a `Diagnostic` that names the images for which the teacher gives no finite numbers.
    func encode(_ output: Inference.Output, of views: [ImageView]) throws -> LabelAnswers {
        let logits = try output.logits?.to(Device.cpu)
        var tensors = try predictions.encode(logits ?? .zeros([output.range.count, 0]))
        if hasFeatures {
            tensors[LabelShards.features] = try output.features.to(.float16).to(Device.cpu)
        }
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) where tensor.dtype.isFloatingPoint {
            try check(name, tensor, views)
        }
        return LabelAnswers(tensors: tensors)
    }

    private func check(_ name: String, _ tensor: Tensor, _ views: [ImageView]) throws {
        let finite = try tensor.isFinite().flatten(from: 0, to: -1)
        guard tensor.count > 0, try finite.all().item() == 0 else { return }
        let width = tensor.count / views.count
        let bad = zip(views, stride(from: 0, to: tensor.count, by: width)).filter { _, start in
            (try? finite.slice(dim: 0, from: start, to: start + width).all().item()) == 0
        }
        let names = bad.prefix(4).map { "\($0.0.record.dataset)/\($0.0.record.member)" }
        throw Diagnostic(
            "the teacher's \(name) are not finite numbers for \(bad.count) of \(views.count) views, first for "
                + names.joined(separator: ", "),
            hint: name == LabelShards.features
                ? "features are kept in fp16; `features: false` keeps the predictions alone"
                : "look at the teacher: its training, its precision, its preprocessing",
            exitCode: .badData)
    }
}

/// Answers about some views: tensors by name, one row for each view.
struct LabelAnswers {
    var tensors: [String: Tensor]

    /// The number of views.
    var count: Int { tensors.values.first?.shape[0] ?? 0 }

    /// Several sets of answers, one after the other.
    static func joined(_ parts: [LabelAnswers]) throws -> LabelAnswers {
        guard parts.count > 1, let first = parts.first else {
            return parts.first ?? LabelAnswers(tensors: [:])
        }
        return LabelAnswers(
            tensors: try first.tensors.reduce(into: [:]) { tensors, entry in
                tensors[entry.key] = try Tensor.cat(parts.compactMap { $0.tensors[entry.key] })
            })
    }

    /// The answers in another order.
    func ordered(_ rows: [Int]) throws -> LabelAnswers {
        let order = try Tensor(rows)
        return LabelAnswers(tensors: try tensors.mapValues { try $0.indexSelect(dim: 0, order) })
    }
}
