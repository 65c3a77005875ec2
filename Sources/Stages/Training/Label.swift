internal import Diagnostics
internal import Engine
internal import Foundation
internal import Layers
internal import Models
internal import Tensors
internal import Training
internal import Vision

/// Asks a teacher once about every image, in several views, and keeps the answers for any number of students.
///
/// The idea of dataset reinforcement (Faghri et al. 2023): views are drawn from stored parameters, so that a
/// student sees exactly what the teacher saw.
struct Label: Stage {
    static let name: StageName = "label"
    static let revision = 2
    static let sharing = WorkSharing.parts
    static let summary = "Asks a teacher once about every image, in several views, and keeps the answers."

    /// How predictions are kept.
    enum Store: String, CaseIterable, SettingValue {
        case logits
        case topK = "top-k"
    }

    @Input("The teacher.") var teacher: Checkpoint
    @Input("The images; their labels are not read.", role: .training) var images: ImageCollection
    @Input("Labelled images on which the teacher is checked first, and students are compared with it later.")
    var val: ImageSet?
    @Setting(
        "Views of each image: more of them vary more, and cost as many passes of the teacher.", in: 1...1000)
    var views = 4
    let drawing = ViewSettings()
    @Setting("How predictions are kept: all logits, or where there are more classes than top_k the largest.")
    var store: Store = .topK
    @Setting(
        "Classes that are kept of each prediction; the mass of the others is spread evenly.", in: 1...1000)
    var topK = 10
    @Setting("Whether features are kept, too, which task-agnostic students imitate.") var features = true
    let check = TeacherCheckSettings()
    @Setting("Arithmetic of the forward pass.") var precision: Recipe.Precision = .fp32
    @Setting("Decides the views.", in: 0...) var seed = 0

    func validate() throws {
        try drawing.validate()
        try check.validate(hasImages: $val.isGiven)
    }

    func run(in context: StageContext) throws -> LabelSet {
        let device = try context.prepareDevice()
        let model = try LoadedModel.load(teacher.location.directory, device: device)
        let records = try images.unlabelled(in: context)
        let form = try form(of: model)
        var inference = Inference(
            model, provider: try context.provider(for: "images", "val"), workers: context.execution.workers)
        inference.precision = precision
        if let val, context.checksFirst {
            let answers = try TeacherAnswers.read(from: context.output) ?? .ask(inference, model, about: val)
            try answers.check(check, of: teacher.location.node, in: context)
            try answers.write(to: context.output)
        } else if val == nil {
            context.log("the teacher was not checked: `val` is not given")
        }
        let known = KnownLabels(
            store: context.store, teacher: try ArtifactRecord.read(at: teacher.location.directory).digest,
            precision: precision, revision: Self.revision, form: form, of: records)
        let (policy, seed, views) = (drawing.policy, UInt64(seed), views)
        let writer = LabelWriter(
            context, asking: inference, knowing: known, form: form, about: records, views: views
        ) { ImageView($0, policy, number: $1, seed: seed) }
        try writer.write()
        let sums = try context.gather(
            inference.throughput().rates + [writer.asked, writer.reused, writer.askedImages].map(Double.init))
        let (asked, reused, askedImages) = (Int(sums[2]), Int(sums[3]), Int(sums[4]))
        try JSONFiles.writeLines(
            records.lazy.map { record in
                LabelledImages.Row(
                    record: record,
                    views: (0..<views).map {
                        ImageView(record, policy, number: $0, seed: seed).parameters
                    })
            }, to: context.output.appending(path: LabelSet.viewsFile))
        try writeClasses(model.card.classes, to: context.output)
        try Datasets(of: context.locations(of: "images") + context.locations(of: "val"))
            .write(to: context.output)
        context.count("images", records.count)
        context.count("labelled_views", records.count * views)
        // Of a resumed stage, since it was resumed.
        context.count("asked_views", asked)
        context.count("reused_views", reused)
        context.count("asked_images", askedImages)
        if reused > 0 {
            context.log(
                "the teacher was asked about \(askedImages) of \(records.count) images; the others were known"
            )
        }
        try context.note(sums, of: model)
        let labels = try LabelSet(
            ArtifactLocation(directory: context.output, node: context.node, store: context.store))
        try describe(labels, form, in: context)
        return labels
    }

    private func form(of model: LoadedModel) throws -> LabelForm {
        if let task = model.denseTask {
            throw Diagnostic(
                "'\(teacher.location.node)' answers for every pixel, and such answers are not stored as labels",
                hint: task == .segmentation
                    ? "set answers: online where a student is distilled, or use `pseudo-label` for its classes"
                    : "use `pseudo-label`, which stores what an expert says of pixels", exitCode: .badData)
        }
        let classCount = model.hasHead ? model.card.configuration.classCount : 0
        if classCount == 0, !features {
            throw Diagnostic(
                "'\(teacher.location.node)' has no classifier, so without features there is nothing to keep",
                hint: "leave `features: false` out, or fine-tune the teacher first")
        }
        return LabelForm(
            predictions: store == .logits ? .logits : PredictionForm(keeping: topK, of: classCount),
            hasFeatures: features, classCount: classCount)
    }

    /// Notes what the answers take on the disk, and what their form leaves out.
    private func describe(_ labels: LabelSet, _ form: LabelForm, in context: StageContext) throws {
        let answers = try labels.answers()
        let bytes = try LabelSet.bytes(in: context.output) / answers.count
        var parts = ["\(answers.count) images × \(views) views", "\(bytes) bytes an image"]
        context.fact("bytes_per_image", bytes)
        switch form.predictions {
        case .logits:
            context.fact("predictions", form.classCount > 0 ? "all \(form.classCount) logits" : "none")
        case .topK(let k):
            parts.append("top \(k) of \(form.classCount) classes")
            context.fact("predictions", "top \(k) of \(form.classCount) classes")
            let mass = try RestMass(answers.shards, count: LabelSet.shardCount(of: answers.count))
            context.fact("rest_mass", ["mean": mass.mean, "max": mass.largest])
        }
        if let width = answers.shards.featureWidth { context.fact("features", width) }
        context.fact("headline", parts.joined(separator: ", "))
        context.log(parts.joined(separator: ", "))
    }
}

/// The probability mass that a sparse form spreads evenly: the most by which a target is off, at temperature 1.
private struct RestMass {
    private(set) var mean = 0.0
    private(set) var largest = 0.0

    init(_ shards: LabelShards, count: Int) throws {
        var (sum, rows) = (0.0, 0)
        try shards.forEachShard(of: count) { tensors in
            guard let mass = try PredictionForm.restMass(of: tensors) else { return }
            sum += try mass.sum().item()
            rows += mass.count
            largest = max(largest, try mass.max().item())
        }
        mean = sum / Double(max(1, rows))
    }
}
