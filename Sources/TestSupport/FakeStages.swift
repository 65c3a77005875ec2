// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// Stages repeat the five declarations of the protocol, which documents them.

public import Engine
internal import Foundation

/// Every fake stage, for pipelines that need no tensor.
public let fakeStages: [any Stage.Type] = [
    FakeWrite.self, FakeReadFile.self, FakeSplits.self, FakeJoin.self, FakeLength.self, FakeTrain.self,
    FakeMeasure.self, FakeFail.self, FakeTroubled.self, FakeTimed.self,
]

/// A text in a file.
public struct FakeText: Artifact {
    /// The word in messages.
    public static let kind = "text"
    /// The file.
    public static let file = "content.txt"
    /// The text.
    public let text: String

    /// Reads the text.
    public init(_ location: ArtifactLocation) throws {
        text = try String(contentsOf: location.directory.appending(path: Self.file), encoding: .utf8)
    }

    /// Writes a text as the artifact of a stage.
    public static func write(_ text: String, in context: StageContext) throws -> FakeText {
        try Data(text.utf8).write(to: context.output.appending(path: file))
        return try FakeText(
            ArtifactLocation(directory: context.output, node: context.node, store: context.store))
    }
}

/// Some texts, each of which can be selected.
public struct FakeTexts: Artifact {
    /// The word in messages.
    public static let kind = "texts"
    /// What a selector stands for.
    public static func files(for selector: String) -> [String]? { ["splits/\(selector).txt"] }
    /// The selected text, or all.
    public let text: String

    /// Reads the selected text, or all.
    public init(_ location: ArtifactLocation) throws {
        let folder = location.directory.appending(path: "splits")
        let names =
            try location.selector.map { ["\($0).txt"] }
            ?? FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        text = try names.map { try String(contentsOf: folder.appending(path: $0), encoding: .utf8) }.joined()
    }
}

/// Writes a text that the pipeline gives.
public struct FakeWrite: Stage {
    public static let name: StageName = "write"
    public static let revision = 1
    public static let summary = "Writes a text."
    public static let section = PipelineSection.data
    @Setting("The text.") var text: String
    public init() {}
    public func run(in context: StageContext) throws -> FakeText { try FakeText.write(text, in: context) }
}

/// Writes a text, and takes a time that only the same text tells anything about.
public struct FakeTimed: Stage {
    public static let name: StageName = "timed"
    public static let revision = 1
    public static let summary = "Writes a text."
    public static let section = PipelineSection.data
    public static let timedBy = ["text"]
    @Setting("The text.") var text: String
    public init() {}
    public func run(in context: StageContext) throws -> FakeText { try FakeText.write(text, in: context) }
}

/// Copies a file from outside the store, and notes where it lies.
public struct FakeReadFile: Stage {
    public static let name: StageName = "read-file"
    public static let revision = 1
    public static let summary = "Copies a file."
    public static let section = PipelineSection.data
    @Setting("The file.", hashed: false) var path: String
    public init() {}
    public func externalContent(in environment: PlanningEnvironment) throws -> [String: String] {
        ["file": try environment.digests.digest(of: environment.resolve(path))]
    }
    public func refresh(_ artifact: ArtifactLocation, in environment: PlanningEnvironment) throws {
        try Data(environment.resolve(path).path.utf8).write(
            to: artifact.directory.appending(path: "source.json"), options: .atomic)
    }
    public func run(in context: StageContext) throws -> FakeText {
        let file = context.resolve(path)
        try Data(file.path.utf8).write(to: context.output.appending(path: "source.json"))
        return try FakeText.write(try String(contentsOf: file, encoding: .utf8), in: context)
    }
}

/// Writes one text for each split.
public struct FakeSplits: Stage {
    public static let name: StageName = "splits"
    public static let revision = 1
    public static let summary = "Writes the splits train, val and test."
    public static let section = PipelineSection.data
    @Setting("The text of the split 'train'.") var train = "train"
    @Setting("The text of the split 'val'.") var val = "val"
    @Setting("The text of the split 'test'.") var test = "test"
    public init() {}
    public func run(in context: StageContext) throws -> FakeTexts {
        let folder = context.output.appending(path: "splits")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (name, text) in ["train": train, "val": val, "test": test] {
            try Data(text.utf8).write(to: folder.appending(path: "\(name).txt"))
        }
        return try FakeTexts(
            ArtifactLocation(directory: context.output, node: context.node, store: context.store))
    }
}

/// Joins any number of texts.
public struct FakeJoin: Stage {
    public static let name: StageName = "join"
    public static let revision = 1
    public static let summary = "Joins texts."
    @Input("The texts.") var parts: [FakeText]
    @Setting("What stands between them.") var separator = ""
    @Setting("A number, to be varied.") var seed = 0
    public init() {}
    public func run(in context: StageContext) throws -> FakeText {
        try FakeText.write(parts.map(\.text).joined(separator: separator), in: context)
    }
}

/// Writes how long a text is: the same for many texts, so that what follows need not run again.
public struct FakeLength: Stage {
    public static let name: StageName = "length"
    public static let revision = 1
    public static let summary = "Counts the letters of a text."
    @Input("The text.") public var of: FakeText
    public init() {}
    public func run(in context: StageContext) throws -> FakeText {
        context.count("letters", of.text.count)
        return try FakeText.write(String(of.text.count), in: context)
    }
}

/// Does many small steps, of which every fifth is saved, and goes on from the last saved one.
public struct FakeTrain: Stage {
    public static let name: StageName = "train"
    public static let revision = 1
    public static let summary = "Digests its data, step by step."
    /// What the steps are computed in.
    public enum Precision: String, CaseIterable, SettingValue { case fp32, bf16 }
    @Input("The data to learn from.", role: .training) var data: FakeTexts
    @Input("Where to begin.") var start: FakeText?
    @Setting("How many steps.", in: 1...1000) var steps = 12
    @Setting("How large the steps are.", in: 0.0...1) var learningRate = 0.1
    @Setting("Decides everything that is random.", in: 0...) var seed = 0
    @Setting("What is computed in.") var precision: Precision = .fp32
    public init() {}

    public func run(in context: StageContext) throws -> FakeText {
        let checkpoint = context.state.appending(path: "checkpoint.txt")
        var (step, weights) = (
            0, SHA256.digest(of: "\(data.text) \(start?.text ?? "") \(learningRate) \(seed)")
        )
        if let saved = try? String(contentsOf: checkpoint, encoding: .utf8).split(separator: " ") {
            (step, weights) = (Int(saved[0]) ?? 0, String(saved[1]))
        }
        context.rewindMetrics(to: step)
        while step < steps {
            step += 1
            weights = SHA256.digest(of: weights)
            let save = { try Data("\(step) \(weights)".utf8).write(to: checkpoint, options: .atomic) }
            if step.isMultiple(of: 5) { try save() }
            context.metric(step: step, name: "loss", value: 1 / Double(step))
            try context.advance(to: step, of: steps, ["loss": 1 / Double(step)], saving: save)
        }
        context.count("steps", steps)
        context.fact("device", context.execution.device.isEmpty)
        return try FakeText.write(weights, in: context)
    }
}

/// Measures texts on a split that nothing may learn from.
public struct FakeMeasure: Stage {
    public static let name: StageName = "measure"
    public static let revision = 1
    public static let summary = "Measures texts."
    public static let recordsNames = true
    @Input("What to measure.") var models: [FakeText]
    @Input("What to measure on.", role: .evaluation) var images: FakeTexts
    public init() {}
    public func run(in context: StageContext) throws -> FakeText {
        let metrics = ["top1": Double(models.count) / 10]
        try CanonicalJSON.document(metrics).write(to: context.output.appending(path: "metrics.json"))
        context.fact("leakage", ["exact": 0, "near": models.count])
        return try FakeText.write(models.map(\.text).joined(separator: "\n"), in: context)
    }
}

/// Fails.
public struct FakeFail: Stage {
    public static let name: StageName = "fail"
    public static let revision = 1
    public static let summary = "Fails."
    /// What it fails with.
    public struct Failure: Error, CustomStringConvertible {
        public let description = "it is in the nature of this stage"
        public init() {}
    }
    @Input("What it reads.") var of: FakeText
    public init() {}
    public func run(in context: StageContext) throws -> FakeText {
        try Data("half".utf8).write(to: context.output.appending(path: FakeText.file))
        throw Failure()
    }
}

/// Says things of itself that are no good sign.
public struct FakeTroubled: Stage {
    public static let name: StageName = "troubled"
    public static let revision = 1
    public static let summary = "Measures what is no number."
    @Input("The data to learn from.", role: .training) var data: FakeTexts
    public init() {}
    public func run(in context: StageContext) throws -> FakeText {
        for step in 1...3 {
            context.metric(step: step, name: "val_top1", value: step == 1 ? 0.5 : .infinity)
            try context.advance(to: step, of: 3, ["images_per_second": 64, "tflops": 0.5])
        }
        return try FakeText.write(data.text, in: context)
    }
}
