import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Report
import Tensors

/// Plans a pipeline, prints the plan, and executes it.
struct RunCommand: RetortCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Execute a pipeline; what is there already is not made again.")

    @Flag(name: [.customShort("n"), .long], help: "Only show the plan.") var dryRun = false
    @Option(
        help: ArgumentHelp(
            "Run the pipeline with each of these values and compare; several keys mean every combination.",
            valueName: "key=a,b,…"))
    var sweep: [String] = []
    @OptionGroup var pipeline: PipelineOptions
    @OptionGroup(title: "Selection") var selection: SelectionOptions
    @OptionGroup(title: "Execution") var execution: ExecutionFlags
    @OptionGroup(title: "Execution") var processes: ProcessOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var global: GlobalOptions

    func execute(_ console: Console) throws {
        if try processes.isLaunched() { RuntimeEnvironment.adopt(in: console.startDirectory) }
        if try processes.follow(execution, isDry: dryRun) { return }
        guard sweep.isEmpty else {
            try processes.requireOne(for: "--sweep")
            return try runSweep(console)
        }
        let crew = try dryRun ? nil : processes.launched()
        defer { crew?.dismiss() }
        var graph = try pipeline.graph()
        graph.processes = try processes.count()
        let store = store.open()
        if dryRun {
            return try console.print(try Planner(graph, store).plan(selection.options), asJSON: global.json)
        }
        var session = RunSession(graph: graph, store: store, execution: execution, isJSON: global.json)
        session.processes = (processes, crew)
        session.request = pipeline.request()
        let result = try session.carryOut(selection.options, console, mayRestart: crew == nil)
        try session.finish(result, console)
    }

    func failure(_ problems: Problems) -> JSON { RunSession.failure(problems) }

    private func runSweep(_ console: Console) throws {
        RuntimeEnvironment.adopt(in: console.startDirectory)
        let store = store.open()
        // Every problem is told before the first run begins.
        let arms = try Sweep(sweep).points.map { point in
            (point, try pipeline.graph(adding: point.overrides))
        }
        var table = SweepTable()
        var plans: [Sweep.PlannedPoint] = []
        for (point, graph) in arms {
            console.note("sweep: \(point.overrides.joined(separator: " "))")
            if dryRun {
                let plan = try Planner(graph, store).plan(selection.options)
                if global.json {
                    plans.append(Sweep.PlannedPoint(point, plan))
                } else {
                    try console.print(plan, asJSON: false)
                }
                continue
            }
            var session = RunSession(graph: graph, store: store, execution: execution, isJSON: global.json)
            session.request = pipeline.request(
                adding: point.overrides, command: point.command(PipelineOptions.invocation))
            let result = try session.carryOut(selection.options, console)
            table.add(point, result, graph)
            let isStopped = [.interrupted, .stopped].contains(result.exitCode)
            if isStopped || !result.ok && !execution.keepGoing { break }
        }
        if dryRun {
            if global.json { try console.print(json: ["sweep": plans]) }
            return
        }
        if global.json {
            try console.print(json: table)
        } else {
            for line in table.lines(console.style) { console.print(line) }
        }
        if table.exitCode != .ok { throw EarlyExit(table.exitCode) }
    }
}

/// What `run` and `resume` have in common: plan, execute, tell.
struct RunSession {
    let graph: Graph
    let store: Store
    let execution: ExecutionFlags
    let isJSON: Bool
    /// How many processes share the run, and those that a launcher has started.
    var processes: (options: ProcessOptions, launched: ProcessCrew?)?
    /// What is asked of the run, apart from the selection.
    var request: RunRequest?

    /// Executes what the options select and prints the result; a run that is not ok ends the process with its code.
    func run(_ selection: PlanOptions, _ console: Console) throws {
        try finish(try carryOut(selection, console), console)
    }

    /// Prints a result; one that is not ok ends the process with its code.
    func finish(_ result: RunResult, _ console: Console) throws {
        try report(result, console)
        if result.exitCode != .ok { throw EarlyExit(result.exitCode) }
    }

    /// Executes what the options select, telling how it is getting on.
    ///
    /// - Parameter mayRestart: whether nothing was said yet, so that the program may start anew for stages that compute
    ///   in this process. Where nothing is to be done, that would take more time than everything else.
    func carryOut(_ selection: PlanOptions, _ console: Console, mayRestart: Bool = false) throws -> RunResult
    {
        var options = try execution.options()
        try processes?.options.share(&options, execution)
        let plan = try Planner(graph, store).plan(selection)
        options.request = request
        options.request?.selection = selection
        if mayRestart, options.executor == nil, !plan.pending.isEmpty {
            // What was digested for the plan need not be digested again.
            try store.digests.save()
            RuntimeEnvironment.adopt(in: console.startDirectory)
        }
        if options.executor == nil { try ExecutionFlags.prepare(for: plan) }
        let table = PlanTable(plan: plan, style: console.noteStyle)
        for line in table.lines(isBrief: true) { console.note(line) }
        console.note(table.summary)
        if let note = store.fileSystem?.note { console.note("note: \(note)") }
        // A reader of stdout that goes away must not take the run with it.
        signal(SIGPIPE, SIG_IGN)
        let sink = try execution.tracking.sink(execution.progress.display(console), for: graph.spec)
        if options.executor != nil { try processes?.options.requireOne(for: "-j or --executor") }
        let started = try processes?.options.started(for: plan, of: graph, options)
        defer { started?.dismiss() }
        options.crew = (started ?? processes?.launched)?.crew
        let result = try Runner(graph, store, options: options, sink: sink).run(plan)
        if result.stages.values.contains(where: { $0.state == .ran || $0.state == .failed }) {
            writeReport(result.run, console)
        }
        return result
    }

    /// A report that cannot be written is a pity, and no reason to call the run failed.
    private func writeReport(_ run: String, _ console: Console) {
        do {
            console.note("report: \(try RunReporter(store).write(run).path)")
        } catch {
            console.show(
                Diagnostic(
                    "the report could not be written: \(StoreError(error)?.description ?? "\(error)")",
                    severity: .warning))
        }
    }

    private func report(_ result: RunResult, _ console: Console) throws {
        let isStopped = [.interrupted, .stopped].contains(result.exitCode)
        let processes = processes?.options.nproc.map { $0 > 1 ? " --nproc \($0)" : "" } ?? ""
        let states = Set(result.stages.values.map(\.state))
        let wait = states.contains(.busy) ? " --wait 10min" : ""
        if isStopped { console.note("stopped; go on with: retort resume \(result.run)\(processes)\(wait)") }
        // Where something has failed, that was told, and what reads it is only named.
        if states.isDisjoint(with: [.failed, .busy, .interrupted]) {
            for (node, stage) in result.stages.sorted(by: { $0.key < $1.key }) where stage.state == .blocked {
                let reason = stage.message.map { ": \($0)" } ?? ""
                console.show(Diagnostic("'\(node)' cannot be executed\(reason)"))
            }
        }
        for gate in result.gates where !gate.holds {
            let reason =
                gate.value.map { "it is \(Wording.number($0))" }
                ?? gate.trouble.map { "\($0) (\(gate.node))" } ?? "it is not a number that \(gate.node) has"
            console.show(
                Diagnostic("\(gate.location): the gate '\(gate.text)' does not hold: \(reason)"))
        }
        if isJSON { return try console.print(json: result) }
        for line in try ArmsTable.lines(of: result, style: console.style) { console.print(line) }
        var counts: [String] = []
        for state: StageResult.State in [
            .ran, .cached, .failed, .busy, .blocked, .interrupted, .skipped,
        ] {
            let count = result.stages.values.count { $0.state == state }
            let word = state == .busy ? "busy elsewhere" : state.rawValue
            if count > 0 { counts.append("\(count) \(word)") }
        }
        let word =
            result.ok
            ? console.style.green("ok")
            : isStopped ? console.style.yellow("stopped") : console.style.red("failed")
        console.print(
            "\(word) \(result.run): \(counts.joined(separator: ", ")) in \(Wording.duration(result.seconds))")
    }

    /// What a `--json` reader gets when there was no run: the shape of one in which nothing happened.
    static func failure(_ problems: Problems) -> JSON {
        .object([
            "run": .null, "ok": .bool(false), "stages": .object([:]),
            "exit": .int(Int(problems.exitCode.rawValue)),
            "problems": .array(problems.all.map(\.json)),
        ])
    }
}
