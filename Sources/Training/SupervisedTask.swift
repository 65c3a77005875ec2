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

/// One class for each pixel.
struct PixelTask: SupervisedTask {
    let model: LoadedModel
    let inference: SegmentationInference

    func features(_ images: Tensor, mode: Mode) throws -> Tensor {
        try inference.network.featureMap(images, mode: mode)
    }

    func loss(_ features: Tensor, _ part: Trainer.Part, labelSmoothing: Double) throws -> Tensor {
        let side = model.viewSize.side
        let logits = try inference.network.logits(features, height: side, width: side, mode: .training)
        return try Loss.pixelCrossEntropy(
            logits, part.batch.masks().to(model.device), labelSmoothing: labelSmoothing)
    }

    func figures(on records: [ImageRecord]) throws -> [(String, Double)] {
        let metrics = try inference.metrics(on: records)
        return [("val_miou", metrics.miou), ("val_pixel_accuracy", metrics.pixelAccuracy)]
    }
}
