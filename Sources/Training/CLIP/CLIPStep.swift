internal import Layers
internal import Models
internal import Tensors
internal import Vision

/// The heads of experts' tasks, trained beside a CLIP.
struct ExpertHeads {
    let terms: [DenseTerm]
    let layers: [any DenseHead]
    /// Their weights; nil without experts.
    let parameters: Parameters?

    init(
        _ terms: [DenseTerm], _ kind: SegmentationHead, of clip: LoadedCLIP, generator: Generator
    ) throws {
        self.terms = terms
        guard !terms.isEmpty else {
            (layers, parameters) = ([], nil)
            return
        }
        let width = clip.model.image.mapWidth
        let made = try Parameters.initialize(generator: generator, device: clip.device) { scope in
            try terms.map { try kind.layers(scope / $0.name, width: width, outputs: $0.outputs) }
        }
        (layers, parameters) = (made.model, made.parameters)
    }
}

/// The loss of one update of a CLIP, and what is recorded of it.
final class CLIPStep {
    private let clip: LoadedCLIP
    private let recipe: Recipe
    private let weight: Double
    private let schedule: DenseTerm.Schedule
    private let heads: ExpertHeads
    private let session: TrainingSession
    private let cache: GradientCache
    private let buffers: [Tensor]
    /// The updates between two looks at the gradients of the losses, each by itself.
    private let interval: Int

    init(_ training: CLIPTraining, heads: ExpertHeads, session: TrainingSession) {
        clip = training.clip
        recipe = training.recipe
        weight = training.weight
        schedule = training.expertSchedule
        self.heads = heads
        self.session = session
        buffers =
            (clip.whole.parameters.named + (heads.parameters?.named ?? [])).filter { $0.kind == .buffer }
            .map(\.tensor)
        cache = GradientCache(
            chunk: training.recipe.microBatch, generator: session.generator, buffers: buffers)
        interval = max(1, training.recipe.steps / 16)
    }

    /// The loss of a batch; its backward pass completes the gradient.
    func loss(_ part: Trainer.Part, captions: [[Int]]) throws -> Tensor {
        let count = part.batch.count
        let factor = schedule.factor(at: part.step, of: recipe.steps)
        if !heads.terms.isEmpty, part.step % interval == 0 {
            try recordGradients(part, captions: captions, factor: factor)
        }
        var parts = [Tensor?](repeating: nil, count: heads.terms.count)
        let known = try recipe.microBatch.map { $0 < count } == true ? known(part.batch) : nil
        let loss = try cache.loss(
            of: count, weight: weight, scale: { try clip.model.logitScale.exp() },
            mask: sameImages(part.batch, 0..<count)
        ) { places, pass in
            var (embeddings, losses) =
                try pass == .first
                ? (embed(places, part.batch, captions, losses: false).0, [])
                : embed(places, part.batch, captions, losses: true)
            let share = Double(places.count) / Double(count)
            // A chunk's loss is a mean over the pixels that are known, of which each chunk may have more or fewer.
            if let known {
                for index in losses.indices {
                    let own = known[index][places].reduce(0, +) / max(1, known[index].reduce(0, +))
                    losses[index] = try losses[index] * (own / share)
                }
            }
            for (index, loss) in losses.enumerated() {
                let value = try loss.detach() * share
                parts[index] = try parts[index].map { try $0 + value } ?? value
            }
            return GradientCache.Embeddings(
                images: embeddings.images, texts: embeddings.texts, others: try sum(losses, factor))
        }
        // As often as the loop records the sum.
        if (part.step + 1) % 10 == 0, !heads.terms.isEmpty {
            let values = try parts.map { try $0?.item() ?? 0 }
            let others = zip(heads.terms, values).reduce(0) { $0 + factor * $1.0.weight * $1.1 }
            // Without a weight it is no part of the sum.
            if weight > 0 { record(part.step, "loss_clip", (try loss.detach().item() - others) / weight) }
            for (term, value) in zip(heads.terms, values) { record(part.step, "loss_\(term.name)", value) }
            record(part.step, "expert_factor", factor)
        }
        return loss
    }

    /// How many pixels of each image each expert's map knows, by term and place.
    private func known(_ batch: Batch) throws -> [[Double]] {
        try heads.terms.map { term in
            try batch.target(term.objective.task).slice(dim: 1, from: 0, to: 1).isFinite().to(.float32)
                .reshape([batch.count, -1]).sum(1).floats().map(Double.init)
        }
    }

    /// What keeps an image that a batch has more than once from being taken for a wrong one of its own captions; nil where
    /// each is there once.
    private func sameImages(_ batch: Batch, _ places: Range<Int>) throws -> Tensor? {
        let ids = batch.views[places].map(\.record.id)
        guard Set(ids).count < ids.count else { return nil }
        let mask = ids.enumerated().flatMap { row, id in
            ids.enumerated().map { $0 != row && $1 == id ? -Float.infinity : 0 }
        }
        return try Tensor(mask, shape: [ids.count, ids.count]).to(clip.device)
    }

    private func record(_ step: Int, _ name: String, _ value: Double) {
        session.hooks.metric(step + 1, name, value)
    }

    /// The weighted sum of the experts' losses; nil without any.
    private func sum(_ losses: [Tensor], _ factor: Double) throws -> Tensor? {
        guard let first = losses.first else { return nil }
        return try zip(heads.terms, losses).dropFirst().reduce(first * (factor * heads.terms[0].weight)) {
            try $0 + $1.1 * (factor * $1.0.weight)
        }
    }

    /// The embeddings of some pairs, and each expert's loss of their images in units of knowing nothing.
    private func embed(
        _ places: Range<Int>, _ batch: Batch, _ captions: [[Int]], losses wantsLosses: Bool
    ) throws -> (GradientCache.Embeddings, [Tensor]) {
        let batch = batch.part(places)
        let images = try clip.whole.images(batch, size: clip.whole.viewSize)
        let wantsMap = wantsLosses && !heads.terms.isEmpty
        let (features, outputs, texts) = try recipe.precision.run(on: clip.device) {
            let texts = try clip.model.text(Array(captions[places]), device: clip.device)
            guard wantsMap else {
                return (try clip.model.embedding(ofImages: images, mode: .training), [Tensor](), texts)
            }
            let (features, map) = try clip.model.image.featuresAndMap(images, mode: .training)
            return (
                try clip.model.embedding(of: features),
                try heads.layers.map { try $0(map, mode: .training) }, texts
            )
        }
        let losses = try zip(heads.terms, outputs).map { term, output in
            let target = try batch.target(term.objective.task).to(clip.device)
            return try term.objective(output.to(.float32), target) / term.unit
        }
        return (
            GradientCache.Embeddings(
                images: try features.to(.float32).normalize(-1), texts: try texts.to(.float32).normalize(-1)),
            losses
        )
    }

    // MARK: Gradients

    /// Records how large the gradient of each loss is in the image tower, and how far it points the captions' way.
    ///
    /// Of the first chunk of the batch, one backward pass for each loss; what training goes on from is left as it was.
    private func recordGradients(_ part: Trainer.Part, captions: [[Int]], factor: Double) throws {
        let draws = try session.generator.state()
        let kept = try buffers.map { try $0.detach().clone() }
        let places = 0..<min(part.batch.count, recipe.microBatch ?? part.batch.count)
        let (embeddings, losses) = try embed(places, part.batch, captions, losses: true)
        let contrastive = try Loss.contrastive(
            images: embeddings.images, texts: embeddings.texts, scale: clip.model.logitScale.exp(),
            mask: sameImages(part.batch, places))
        let all = clip.whole.parameters.named + (heads.parameters?.named ?? [])
        let tower = clip.whole.parameters.named.filter {
            $0.kind == .parameter && !$0.name.hasPrefix(CLIPModel.prefix)
        }
        let gradients = try ([contrastive] + losses).map { loss in
            try Tensor.zeroGrad(all.map(\.tensor))
            try loss.backward(retainingGraph: true)
            return try tower.map { try $0.tensor.grad?.clone() }
        }
        try Tensor.zeroGrad(all.map(\.tensor))
        for (buffer, value) in zip(buffers, kept) { try buffer.copy_(value) }
        try session.generator.restore(draws)

        func product(_ a: Int, _ b: Int) throws -> Double {
            try zip(gradients[a], gradients[b]).reduce(0) { sum, pair in
                guard let first = pair.0, let second = pair.1 else { return sum }
                return try sum + (first * second).sum().item()
            }
        }
        let names = ["clip"] + heads.terms.map(\.name)
        let norms = try names.indices.map { try product($0, $0).squareRoot() }
        let weights = [weight] + heads.terms.map { $0.weight * factor }
        for index in names.indices {
            record(part.step, "gradient_norm_\(names[index])", weights[index] * norms[index])
            for other in names.indices where other > index {
                let cosine = try product(index, other) / max(norms[index] * norms[other], 1e-30)
                let pair = index == 0 ? names[other] : "\(names[index])_\(names[other])"
                record(part.step, "gradient_cosine_\(pair)", cosine)
            }
        }
    }
}
