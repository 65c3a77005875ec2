import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Report
import Stages

/// Compares what a pipeline's choices are worth, everything else equal.
struct AblateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ablate",
        abstract: "Compare what a pipeline's choices are worth, everything else equal.",
        subcommands: [AblateCurateCommand.self])
}

/// Runs a pipeline with several strategies and sizes of one curation, and compares the students.
struct AblateCurateCommand: RetortCommand {
    static let computes = true
    static let configuration = CommandConfiguration(
        commandName: "curate", abstract: "Compare strategies and sizes of a transfer set.",
        discussion: """
            Everything before the curation is shared, and labels of images that several transfer sets have in common \
            are asked for once. What is printed for each transfer set: the accuracy of its students, mean over seeds \
            with its 95 % interval, and the share of its images that the teacher is sure of, which stands in for the \
            share on the domain.
            """)

    @OptionGroup var pipeline: PipelineOptions
    @Option(help: "The curation, where there are several.") var stage: String?
    @Option(
        help: ArgumentHelp("The strategies, with commas between.", valueName: "a,b,…"),
        transform: { $0.split(separator: ",").map(String.init) })
    var strategies = ["query-balanced", "best-match", "random"]
    @Option(
        help: ArgumentHelp("The sizes, with commas between; else the pipeline's own.", valueName: "n,m,…"),
        transform: { text in
            try text.split(separator: ",").map { word in
                guard let size = Int(word), size > 0 else { throw ValidationError("'\(word)' is no size") }
                return size
            }
        })
    var sizes: [Int] = []
    @Option(help: ArgumentHelp("The number of seeds; else the pipeline's own.", valueName: "n")) var seeds:
        Int?
    @Option(
        help: ArgumentHelp(
            "The students to compare, with commas between; else all that are made from the curation.",
            valueName: "a,b,…"),
        transform: { $0.split(separator: ",").map(String.init) })
    var models: [String] = []
    @Option(help: "The confidence from which the teacher counts as sure.") var confident = 0.5
    @Flag(name: [.customShort("n"), .long], help: "Only show the plan.") var dryRun = false
    @OptionGroup(title: "Execution") var execution: ExecutionFlags
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if strategies.isEmpty { throw ValidationError("--strategies needs at least one") }
        if let seeds, seeds < 1 { throw ValidationError("--seeds must be at least 1") }
    }

    func execute(_ console: Console) throws {
        let ablation = try CurationAblation(
            try pipeline.specification(), stage: stage,
            .init(strategies: strategies, sizes: sizes, seeds: seeds, models: models))
        let graph = try Graph(ablation.specification, catalog: stageCatalog)
        let store = store.open()
        var selection = PlanOptions()
        selection.until = ablation.evaluations
        if dryRun {
            return try console.print(try Planner(graph, store).plan(selection), asJSON: global.json)
        }
        var session = RunSession(graph: graph, store: store, execution: execution, isJSON: global.json)
        session.request = pipeline.request()
        let result = try session.carryOut(selection, console)
        guard result.ok else { return try session.finish(result, console) }
        let table = try AblationTable(result, graph, curation: ablation.stage, confident: confident)
        if global.json { return try console.print(json: table) }
        for line in table.lines(console.style) { console.print(line) }
    }
}
