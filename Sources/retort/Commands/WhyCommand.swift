import ArgumentParser
import Diagnostics
import Engine
import Foundation

/// Explains what the next run would do with one stage: every difference, or everything its artifact was made from.
struct WhyCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Explain why a stage will, or will not, be executed.")

    /// The explanation for programs.
    private struct Answer: Encodable {
        var plan: PlannedStage
        var record: ArtifactRecord?
    }

    @Argument(help: "The stage.") var stage: String
    @OptionGroup var pipeline: PipelineOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        let graph = try pipeline.graph()
        let store = store.open()
        var options = PlanOptions()
        options.until = [stage]
        let names = Set(graph.indices(named: stage).map { graph.nodes[$0].name })
        let stages = try Planner(graph, store).plan(options).stages.filter { names.contains($0.node) }
        if global.json { return try console.print(json: stages.map { Answer(plan: $0, record: $0.record) }) }
        for stage in stages { explain(stage, store, console) }
    }

    private func explain(_ stage: PlannedStage, _ store: Store, _ console: Console) {
        let style = console.style
        switch stage.state {
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
        console.print("  \(store.folder(of: record.key).path)")
        var table = TextTable()
        for (name, value) in record.components.sorted(by: { $0.key < $1.key }) {
            let isDigest = value.count == 64 && value.allSatisfy(\.isHexDigit)
            table.add(TextTable.Cell(name, style.dim), "\(isDigest ? String(value.prefix(12)) : value)")
        }
        for line in table.lines(indentation: 4) { console.print(line) }
    }
}
