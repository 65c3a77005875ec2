import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Stages

/// Explains what the next run would do with one stage, or what curations made of an image.
///
/// Of a stage: every difference, or everything its artifact was made from.
struct WhyCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract:
            "Explain why a stage will, or will not, be executed; or why an image was, or was not, chosen.",
        discussion: """
            An image is named by six or more digits of its content id, or as dataset/member. The answer tells, for \
            every curation of the newest run: the nearest queries, similarity and rank, what ruled it out, its \
            duplicates, what the leakage check found, its mark, and which stages read it.

            With two runs, 'why STAGE RUN RUN', the answer is everything in which the stage's keys differ between them, \
            back to where the difference begins. A pipeline file may stand beside them; it does not matter then.
            """)

    /// The explanation for programs.
    private struct Answer: Encodable {
        var plan: PlannedStage
        var record: ArtifactRecord?
    }

    @Argument(help: "The stage, or the image.") var stage: String
    @OptionGroup var pipeline: PipelineOptions
    @Argument(help: ArgumentHelp("Two runs to compare.", valueName: "run")) var others: [String] = []
    @OptionGroup var processes: ProcessOptions
    @Option(help: "The run whose curations are asked about an image.") var run: String?
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        if let runs = try comparedRuns() { return try compare(runs, console) }
        if try isImage() {
            let explanation = try ImageExplanation(of: stage, run: run, in: store.open())
            if global.json { return try console.print(json: explanation.answers) }
            for line in explanation.lines(console.style) { console.print(line) }
            return
        }
        try refuseOneRun()
        var graph = try pipeline.graph()
        graph.processes = try processes.count()
        let store = store.open()
        guard !graph.indices(named: stage).isEmpty else {
            let known = graph.spec.nodes.map(\.name)
            throw Diagnostic(
                "the pipeline has no stage '\(stage)'",
                hint: stage.didYouMean((known + graph.nodes.map(\.name)).sorted())
                    ?? "the stages are \(known.joined(separator: ", "))",
                exitCode: .usage)
        }
        var options = PlanOptions()
        options.until = [stage]
        let names = Set(graph.indices(named: stage).map { graph.nodes[$0].name })
        let stages = try Planner(graph, store).plan(options).stages.filter { names.contains($0.node) }
        if global.json { return try console.print(json: stages.map { Answer(plan: $0, record: $0.record) }) }
        for stage in stages { explain(stage, store, console) }
    }

    /// The two runs that follow the stage, with or without a pipeline file; nil where one stage is to be explained.
    private func comparedRuns() throws -> [String]? {
        if others.isEmpty { return nil }
        let runs = ([pipeline.file] + others).filter { !$0.hasSuffix(".yaml") && !$0.hasSuffix(".yml") }
        guard runs.count == 2 else {
            throw Diagnostic(
                "two runs are compared, not \(runs.count)", hint: "retort why STAGE RUN RUN", exitCode: .usage
            )
        }
        return runs
    }

    /// Refuses a run in the place of the pipeline file.
    private func refuseOneRun() throws {
        let word = pipeline.file
        guard !FileManager.default.fileExists(atPath: word),
            let run = try? RunHistory(store.open()).identifier(matching: word)
        else { return }
        throw Diagnostic(
            "'\(word)' is a run, and no pipeline file; two runs are compared, not one",
            hint: "retort why \(stage) \(run) RUN", exitCode: .usage)
    }

    /// Explains how the stage differs between two runs.
    private func compare(_ words: [String], _ console: Console) throws {
        let history = RunHistory(store.open())
        let runs = try words.map { try history.identifier(matching: $0) }
        let comparison = try history.compareKeys(of: stage, runs[0], runs[1])
        if global.json { return try console.print(json: comparison) }
        console.note("\(runs[0]) → \(runs[1])")
        show(comparison, console)
    }

    private func show(_ comparison: KeyComparison, _ console: Console) {
        let name = console.style.bold(comparison.stage)
        guard !comparison.differences.isEmpty else {
            return console.print("\(name) has the same key in both: \(comparison.same) components")
        }
        let count = comparison.differences.count
        console.print("\(name) differs in \(count) of \(count + comparison.same) components:")
        for difference in comparison.differences { console.print("  \(difference)") }
        for upstream in comparison.upstream { show(upstream, console) }
    }

    /// Whether the word means an image; a stage of that name goes before.
    private func isImage() throws -> Bool {
        guard ImageTracer.isImage(stage) else { return false }
        let graph = try? pipeline.graph()
        return graph?.indices(named: stage).isEmpty ?? true
    }

    private func explain(_ stage: PlannedStage, _ store: Store, _ console: Console) {
        let style = console.style
        switch stage.state {
        case .cached where stage.isDropped:
            console.print(
                "\(style.bold(stage.node)) is not in the store, and nothing it is made from has changed:")
        case .cached:
            console.print(
                "\(style.bold(stage.node)) is in the store, and nothing it is made from has changed")
        case .run: console.print("\(style.bold(stage.node)) will be executed:")
        case .resume(let done):
            console.print("\(style.bold(stage.node)) will go on from \(Int(done * 100)) %:")
        case .blocked: console.print("\(style.bold(stage.node)) cannot be executed:")
        }
        for reason in stage.reasons { console.print("  \(reason)") }
        guard let record = stage.record else { return }
        console.print("  made \(record.timings.finished) in \(Wording.duration(record.timings.seconds))")
        if !stage.isDropped { console.print("  \(store.folder(of: record.key).path)") }
        var table = TextTable()
        for (name, value) in record.components.sorted(by: { $0.key < $1.key }) {
            let isDigest = value.count == 64 && value.allSatisfy(\.isHexDigit)
            table.add(TextTable.Cell(name, style.dim), "\(isDigest ? String(value.prefix(12)) : value)")
        }
        for line in table.lines(indentation: 4) { console.print(line) }
    }
}
