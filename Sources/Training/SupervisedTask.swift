internal import Layers
internal import Models
internal import Tensors
internal import Vision

/// What training on labels and training on masks do differently.
protocol SupervisedTask {
    /// What the head reads, of normalised images.
    func features(_ images: Tensor, mode: Mode) throws -> Tensor
    /// The loss of a part of a batch, averaged over what is named.
    func loss(_ features: Tensor, _ part: Trainer.Part, labelSmoothing: Double) throws -> Tensor
    /// The figures that are watched, the one that early stopping looks at first.
    func figures(on records: [ImageRecord]) throws -> [(String, Double)]
}

/// One class for each image.
struct LabelTask: SupervisedTask {
    let model: LoadedModel
    let inference: Inference
    let sampler: EpochSampler
    /// The class of each training image.
    let labels: [Int]

    func features(_ images: Tensor, mode: Mode) throws -> Tensor {
        try model.network.features(images, mode: mode)
    }

    func loss(_ features: Tensor, _ part: Trainer.Part, labelSmoothing: Double) throws -> Tensor {
        let items = sampler.batch(part.step)[part.places]
        let targets = try Tensor(items.map { labels[$0.index] }).to(model.device)
        return try Loss.crossEntropy(model.network.head(features), targets, labelSmoothing: labelSmoothing)
    }

    func figures(on records: [ImageRecord]) throws -> [(String, Double)] {
        [("val_top1", try inference.accuracy(on: records))]
    }
}

/// An answer for each pixel: its class, its depth or its normal.
struct PixelTask: SupervisedTask {
    let model: LoadedModel
    let network: SegmentationModel
    let objective: DenseObjective
    let inference: DenseInference

    func features(_ images: Tensor, mode: Mode) throws -> Tensor {
        try network.featureMap(images, mode: mode)
    }

    func loss(_ features: Tensor, _ part: Trainer.Part, labelSmoothing: Double) throws -> Tensor {
        var objective = objective
        objective.labelSmoothing = labelSmoothing
        let target = try part.batch.target(objective.task).to(model.device)
        return try objective(network.mapLogits(features, mode: .training), target)
    }

    func figures(on records: [ImageRecord]) throws -> [(String, Double)] {
        let figures = try inference.measure(on: records).figures
        // Early stopping looks at the first one, the higher the better.
        let metrics = figures.metrics.sorted { !$0.isLowerBetter && $1.isLowerBetter }
        return metrics.map { ("val_\($0.rawValue)", figures[$0] ?? 0) }
    }
}
