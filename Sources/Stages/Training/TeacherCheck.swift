internal import Diagnostics
internal import Engine
internal import Foundation
internal import Layers
internal import Safetensors
internal import Tensors
internal import Training
internal import Vision

/// How good a teacher must be before anything learns from it.
struct TeacherCheckSettings: SettingGroup {
    @Setting(
        "Least accuracy of the teacher on val; by default the majority class's share and a tenth of the rest.",
        in: 0...1)
    var teacherFloor: Double?

    func validate(hasImages: Bool) throws {
        if teacherFloor != nil, !hasImages {
            throw Diagnostic(
                "teacher_floor needs images to check the teacher on", hint: "set val: to a labelled split")
        }
    }
}

/// What a teacher says about labelled images, seen whole: its check, and later the measure of its students.
struct TeacherAnswers {
    /// The images, all labelled.
    let records: [ImageRecord]
    /// Class logits, fp32 `[n, K]`.
    let logits: Tensor

    /// How far beyond always naming the majority class a teacher must get by default, as a share of the rest.
    private static let margin = 0.1
    private static let folder = "validation"
    private static let (imagesFile, logitsFile) = ("\(folder)/images.jsonl", "\(folder)/logits.safetensors")

    /// Asks a teacher.
    static func ask(
        _ inference: Inference, _ model: LoadedModel, about val: ImageSet
    ) throws -> TeacherAnswers {
        guard model.hasHead else {
            throw Diagnostic(
                "the teacher has no classifier that could be checked on val",
                hint: "leave val out, or fine-tune the teacher first")
        }
        let records = try val.labelledRecords(for: "the check of the teacher")
        try requireSameClasses(model.card.classes, val.classes, "the teacher and val")
        var logits: [Tensor] = []
        try inference.run(records.map { ImageView($0, .evaluation) }) { output in
            if let values = output.logits { logits.append(try values.to(Device.cpu)) }
        }
        return TeacherAnswers(records: records, logits: try Tensor.cat(logits))
    }

    /// The share of images that the teacher classifies rightly.
    func accuracy() throws -> Double {
        let answers = try logits.argmax(1).ints()
        return Double(zip(answers, records).count { $0 == $1.label }) / Double(records.count)
    }

    /// The logits for some of the images, in their order; nil unless the teacher was asked about all of them.
    func logits(for wanted: [ImageRecord]) throws -> Tensor? {
        let rows = Dictionary(
            records.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
        let found = wanted.compactMap { rows[$0.id] }
        return found.count == wanted.count ? try logits.indexSelect(dim: 0, Tensor(found)) : nil
    }

    /// Notes the teacher's accuracy, and refuses a teacher that is below its floor.
    func check(_ settings: TeacherCheckSettings, of teacher: String, in context: StageContext) throws {
        let accuracy = try accuracy()
        let majority = AccuracyFloor(labels: records.map { $0.label ?? 0 }, classCount: logits.shape[1])
            .majority
        let floor = settings.teacherFloor ?? majority + Self.margin * (1 - majority)
        context.fact("teacher_top1", accuracy)
        context.fact("teacher_floor", floor)
        context.log("teacher_top1 \(percent(accuracy)) on \(records.count) images, floor \(percent(floor))")
        // A share that is not a number is below every floor.
        guard !(accuracy >= floor) else { return }
        let reason =
            settings.teacherFloor == nil
            ? ", which is the majority class's share, \(percent(majority)), and a tenth of the rest" : ""
        throw Diagnostic(
            "'\(teacher)' classifies \(percent(accuracy)) of \(records.count) validation images rightly; "
                + "a teacher needs \(percent(floor))\(reason)",
            at: context.sourceLocation(of: "teacher"),
            hint: "train it longer, look at its classes and preprocessing, or lower `teacher_floor`",
            exitCode: .gateFailed)
    }

    private func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }

    // MARK: - Files

    func write(to directory: URL) throws {
        try JSONFiles.writeLines(records, to: directory.appending(path: Self.imagesFile))
        try SafetensorsFile.write(
            [(name: "logits", tensor: logits)], to: directory.appending(path: Self.logitsFile))
    }

    /// The answers in a set of labels; nil where the teacher was not checked.
    static func read(from directory: URL) throws -> TeacherAnswers? {
        let file = directory.appending(path: logitsFile)
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        guard let logits = try SafetensorsFile(file).state()["logits"] else { return nil }
        return TeacherAnswers(
            records: try JSONFiles.readLines(
                ImageRecord.self, from: directory.appending(path: imagesFile)),
            logits: logits)
    }
}
