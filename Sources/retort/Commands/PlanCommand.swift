import ArgumentParser
import Diagnostics
import Engine

/// Shows what a run would do, and why.
struct PlanCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what a run would do with each stage, why, and how long it may take.")

    @Flag(help: "Exit with 2 when there is work to do.") var detailedExitcode = false
    @OptionGroup var pipeline: PipelineOptions
    @OptionGroup var processes: ProcessOptions
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        var graph = try pipeline.graph()
        graph.processes = try processes.count()
        let plan = try Planner(graph, store.open()).plan(selection.options)
        try console.print(plan, asJSON: global.json)
        if detailedExitcode, plan.detailedExitCode != .ok { throw EarlyExit(plan.detailedExitCode) }
    }
}

extension Console {
    /// Prints a plan as the result of a verb.
    func print(_ plan: Plan, asJSON: Bool) throws {
        if asJSON { return try print(json: plan) }
        let table = PlanTable(plan: plan, style: style)
        for line in table.lines() { print(line) }
        note(table.summary)
    }
}
