import ArgumentParser
import Diagnostics
import Engine
import Tensors

/// Shows what a run would do, and why.
struct PlanCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what a run would do with each stage, why, and how long it may take.")

    @Flag(help: "Exit with 2 when there is work to do.") var detailedExitcode = false
    @Option(
        help: ArgumentHelp(
            "Execute stages that were never executed here for so long, in a scratch folder, to estimate their time.",
            valueName: "seconds"))
    var probe: Double?
    @OptionGroup var pipeline: PipelineOptions
    @OptionGroup var processes: ProcessOptions
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if let probe, !(probe > 0) { throw ValidationError("--probe must be more than 0 seconds") }
    }

    func execute(_ console: Console) throws {
        if probe != nil {
            try processes.requireOne(for: "--probe")
            RuntimeEnvironment.adopt()
        }
        var graph = try pipeline.graph()
        graph.processes = try processes.count()
        let store = store.open()
        var plan = try Planner(graph, store).plan(selection.options)
        if let probe { plan = try tried(plan, graph, store, seconds: probe, console) }
        try console.print(plan, asJSON: global.json)
        if detailedExitcode, plan.detailedExitCode != .ok { throw EarlyExit(plan.detailedExitCode) }
    }

    /// The plan with estimates by trial.
    ///
    /// Commands are not tried: they may do more than make their artifact.
    private func tried(
        _ plan: Plan, _ graph: Graph, _ store: Store, seconds: Double, _ console: Console
    ) throws -> Plan {
        let options = try ExecutionFlags.parse([]).options().execution
        let trial = Trial(graph, store, options: options, seconds: seconds)
        let (tried, failures) = trial.estimates(for: plan, excluding: ["shell"]) {
            console.note("trying \($0)")
        }
        for failure in failures {
            let cause = Diagnostic.first(of: failure.error) ?? Diagnostic("\(failure.error)")
            console.show(
                Diagnostic(
                    "'\(failure.node)' could not be tried: \(cause.message)", at: cause.location,
                    hint: cause.hint ?? "a run would end there, too", severity: .warning))
        }
        return tried
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
