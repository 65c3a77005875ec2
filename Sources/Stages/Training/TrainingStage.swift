internal import Diagnostics
internal import Engine
internal import Foundation
internal import Layers
internal import Models
internal import Tensors
internal import Training
internal import Vision

/// What the training stages share: the device, the session, and labelled images that fit their classes.
extension StageContext {
    /// The device to compute on, made ready: threads set, deterministic algorithms on.
    func prepareDevice() throws -> Device {
        guard let device = Device(execution.device) else {
            throw Diagnostic(
                "unknown device '\(execution.device)'", hint: "devices are cpu, cuda and cuda:0",
                exitCode: .usage)
        }
        if device != .cpu, !Torch.cudaAvailable {
            throw Diagnostic(
                "device '\(execution.device)' is not available: \(Torch.cudaUnavailableReason ?? "no GPU")",
                hint: "run with --device cpu, or see `retort doctor`", exitCode: .unavailable)
        }
        try Torch.setThreads(execution.threads)
        try Torch.setDeterministic(true)
        return device
    }

    /// The session of a training loop whose checkpoints live in this stage's state.
    func trainingSession(_ generator: Generator) -> TrainingSession {
        TrainingSession(
            folder: state, generator: generator,
            hooks: TrainingHooks(
                advance: { step, total, metrics, save in
                    // `saving` takes an escaping closure; this one is called before `advance` returns.
                    try withoutActuallyEscaping(save) {
                        try self.advance(to: step, of: total, metrics, saving: $0)
                    }
                },
                metric: { self.metric(step: $0, name: $1, value: $2) },
                rewind: { self.rewindMetrics(to: $0) },
                log: { self.log($0) }))
    }

    /// The session of one of several trainings of this stage, one after the other, each of so many steps.
    func trainingSession(
        _ generator: Generator, part: Int, of parts: Int, steps: Int
    ) throws -> TrainingSession {
        let folder = state.appending(path: "training-\(part)", directoryHint: .isDirectory)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let start = part * steps
        return TrainingSession(
            folder: folder, generator: generator,
            hooks: TrainingHooks(
                advance: { step, _, metrics, save in
                    try withoutActuallyEscaping(save) {
                        try self.advance(to: start + step, of: parts * steps, metrics, saving: $0)
                    }
                },
                metric: { self.metric(step: start + $0, name: $1, value: $2) },
                rewind: { self.rewindMetrics(to: start + $0) },
                log: { self.log($0) }))
    }

    /// Opens the data sets behind some inputs.
    func provider(for inputs: String...) throws -> ImageProvider {
        try Datasets(of: inputs.flatMap { locations(of: $0) }).provider(store: store)
    }

    /// Reports the images that a model has looked at, and how fast it does.
    func advance(to step: Int, of total: Int, images: Int, throughput: Throughput) throws {
        try advance(
            to: step, of: total,
            [
                "images": Double(images), "images_per_second": throughput.imagesPerSecond,
                "data_wait": throughput.dataWait, "tflops": throughput.teraflops,
            ])
    }

    /// Notes what looking at an image costs, and how fast it went since the stage began or was resumed.
    func note(_ throughput: Throughput, of model: LoadedModel) throws {
        count("flops_per_image", try Int(ForwardCost(of: model).operations))
        fact("images_per_second", throughput.imagesPerSecond)
        fact("tflops", throughput.teraflops)
    }

    /// Notes what a training has cost, for the report: images seen and parameters moved.
    func note(_ recipe: Recipe, _ outcome: TrainingOutcome, model: LoadedModel) throws {
        count("steps", outcome.steps)
        count("images_seen", outcome.steps * recipe.batchSize)
        if outcome.end != .steps {
            fact("stopped_by", outcome.end.rawValue)
            warn(
                "training stopped after \(outcome.steps) of \(recipe.steps) steps: \(outcome.end.explanation)"
            )
        }
        count("parameters", model.parameters.count)
        count("flops_per_image", try Int(ForwardCost(of: model).operations))
    }
}

extension ImageSet {
    /// The selected images, every one of which must have a label.
    func labelledRecords(for purpose: String) throws -> [ImageRecord] {
        let records = try records()
        let name = location.node + (location.selector.map { ".\($0)" } ?? "")
        guard !records.isEmpty else {
            throw Diagnostic("'\(name)' has no images for \(purpose)", exitCode: .badData)
        }
        guard !records.contains(where: { $0.mask != nil }) else {
            throw Diagnostic(
                "the images of '\(name)' have a class for every pixel, and \(purpose) needs one for the image",
                hint: "fine-tune and evaluate-masks take images with masks", exitCode: .badData)
        }
        let missing = records.filter { $0.label == nil }
        guard missing.isEmpty else {
            throw Diagnostic(
                "\(missing.count) of \(records.count) images of '\(name)' have no label, which \(purpose) needs; "
                    + "the first is \(missing[0].member)",
                hint: "labels come from class folders, .cls files, or the manifest's label column",
                exitCode: .badData)
        }
        return records
    }
}

extension ImageSet {
    /// What is to be learnt of the pixels where nothing else is said: what masks say, else the only task that the images
    /// have maps for, unless they have labels.
    func mainTask() throws -> DenseTask? {
        let records = try records()
        if records.contains(where: { $0.mask != nil }) { return .segmentation }
        guard !records.contains(where: { $0.label != nil }) else { return nil }
        let tasks = Set(records.flatMap(\.knownTasks))
        return tasks.count == 1 ? tasks.first : nil
    }

    /// The selected images, every one of which must have a map of the task.
    func records(with task: DenseTask, for purpose: String) throws -> [ImageRecord] {
        let records = try records()
        let name = location.node + (location.selector.map { ".\($0)" } ?? "")
        let what = task == .segmentation ? "masks" : "maps of \(task.rawValue)"
        guard !records.isEmpty, records.allSatisfy({ $0.knownTasks.contains(task) }) else {
            throw Diagnostic(
                records.isEmpty
                    ? "'\(name)' has no images for \(purpose)"
                    : "the images of '\(name)' have no \(what), which \(purpose) needs",
                hint: task == .segmentation
                    ? "images with masks are data of kind: maskfolder"
                    : "a world has them with truth: [\(task.rawValue)]", exitCode: .badData)
        }
        return records
    }
}

extension ModelConfiguration {
    /// The option of a head that answers for whole images, or for pixels.
    ///
    /// - Parameter asked: the head that was asked for, which must fit; else the model's own where it does.
    func headOption(_ asked: ModelHead?, isDense: Bool) throws -> [String: ModelOption] {
        func fits(_ head: ModelHead) -> Bool {
            if case .segmentation = head { isDense } else { !isDense }
        }
        if let asked {
            guard fits(asked) else {
                throw Diagnostic(
                    isDense
                        ? "head: \(asked.rawValue) answers for whole images, and these have masks or other maps"
                        : "head: \(asked.rawValue) answers for every pixel, and the images have no masks",
                    hint: "leave head out, or take one of "
                        + ModelHead.allCases.filter(fits).map(\.rawValue).joined(separator: ", "))
            }
            return ["head": .string(asked.rawValue)]
        }
        guard try !fits(ModelRegistry.head(of: self)) else { return [:] }
        return isDense ? SegmentationHead.linearDense.option : ClassificationHead.linear.option
    }
}

/// Checks that two labelled sets, or a model and a set, speak of the same classes.
func requireSameClasses(_ a: [String], _ b: [String], _ what: String) throws {
    guard a != b else { return }
    let difference = Set(a).symmetricDifference(b).sorted().prefix(5).joined(separator: ", ")
    throw Diagnostic(
        "\(what) do not have the same classes (\(a.count) and \(b.count)): \(difference)",
        hint: "both need the same class names in the same order", exitCode: .badData)
}
