internal import Diagnostics
internal import Foundation

/// One run in progress, on the stages' thread.
final class Execution {
    let runner: Runner
    let plan: Plan
    let folder: RunFolder
    let history: NodeHistory
    /// What is in the store, or was found there, by the node's index.
    var records: [Int: ArtifactRecord] = [:]
    /// What the other processes are told; nil where there are none.
    let tasks: CrewTasks?
    private(set) var results: [String: StageResult] = [:]
    var exitCode = ExitCode.ok
    private var journalTrouble: (any Error)?
    /// Keeps what is in the store there.
    private let use: StoreUse?

    var graph: Graph { runner.graph }
    var store: Store { runner.store }
    var options: RunOptions { runner.options }

    init(_ runner: Runner, _ plan: Plan) throws {
        self.runner = runner
        self.plan = plan
        use = try Self.use(runner)
        folder = try RunFolder(
            runner.store, spec: runner.graph.spec, plan: plan, request: runner.options.request)
        tasks = runner.options.crew.map(CrewTasks.init)
        history = NodeHistory(runner.store, pipeline: runner.graph.spec.name)
    }

    /// Takes the right to use what lies in the store, once nothing is being deleted there.
    private static func use(_ runner: Runner) throws -> StoreUse? {
        let stop = runner.options.stop
        var isTold = false
        try runner.store.disk.createFolder(runner.store.root.path)
        return try runner.store.use {
            if stop.isRequested {
                throw Diagnostic(
                    "the run was stopped before it began: 'gc' is deleting in its store",
                    exitCode: stopExitCode(stop.signal))
            }
            if !isTold { runner.sink.receive(.note("'gc' is deleting in the store: waiting")) }
            isTold = true
        }
    }

    func run() throws -> RunResult {
        let start = monotonicSeconds()
        emit(.runStarted(id: folder.id, plan: plan))
        store.removeRemains()
        if let executor = runner.options.executor {
            JobScheduler(self, executor).run()
        } else {
            for stage in plan.stages {
                let node = graph.nodes[stage.index]
                end(node, settled(stage, node) ?? executed(stage, node))
            }
        }
        let gates = checkGates()
        for gate in gates { emit(.gate(gate)) }
        if exitCode == .ok && gates.contains(where: { !$0.holds }) { exitCode = .gateFailed }
        let result = RunResult(
            run: folder.id, ok: exitCode == .ok, stages: results, gates: gates, exit: exitCode.rawValue,
            seconds: rounded(monotonicSeconds() - start))
        emit(.runEnded(result))
        do {
            if let journalTrouble { throw journalTrouble }
            try folder.finish(result)
            try store.digests.save()
        } catch  where !result.ok {
            // A run that cannot be written down is an error, but must not hide what failed before.
        }
        return result
    }

    /// Notes how a stage ended, and tells.
    func end(_ node: Graph.Node, _ result: StageResult) {
        results[node.name] = result
        emit(.stageEnded(node: node.name, result))
        if [.ran, .cached].contains(result.state) { dropInputs(of: node) }
    }

    /// Whether what the plan found in the store is there still: `gc` may have come between the plan and the run.
    func isThere(_ stage: PlannedStage) -> Bool {
        guard stage.state == .cached, let record = stage.record else { return false }
        if stage.isDropped { return true }
        if case .present = store.status(of: record.key) { return true }
        return false
    }

    /// How a stage whose inputs have ended ends without being executed; nil when it is to be executed.
    func settled(_ stage: PlannedStage, _ node: Graph.Node) -> StageResult? {
        if isThere(stage), let record = stage.record {
            guard !stage.isDropped else {
                records[stage.index] = record
                return StageResult(.cached)
            }
            return cached(node, stage.index, record)
        }
        if runner.options.stop.isRequested {
            if exitCode == .ok { exitCode = stopExitCode(runner.options.stop.signal) }
            return StageResult(.skipped)
        }
        let unmade = node.inputs.map(\.producer).filter { records[$0] == nil }.map { graph.nodes[$0].name }
        if !unmade.isEmpty || stage.state == .blocked {
            let reasons = stage.reasons.map(\.description)
            if exitCode == .ok { exitCode = .stageFailed }
            return StageResult(
                .blocked,
                message: stage.state == .blocked && !reasons.isEmpty
                    ? reasons.joined(separator: "; ") : "no \(unmade.joined(separator: ", "))")
        }
        return exitCode != .ok && !runner.options.keepsGoing ? StageResult(.skipped) : nil
    }

    /// Executes one stage in this process.
    private func executed(_ stage: PlannedStage, _ node: Graph.Node) -> StageResult {
        let start = monotonicSeconds()
        let execution = StageExecution(self, node, isForced: stage.isForced)
        do {
            let (record, wasThere) = try execution.run()
            if wasThere { return cached(node, stage.index, record) }
            return try made(node, stage.index, record, seconds: rounded(monotonicSeconds() - start))
        } catch is StageInterrupted {
            exitCode = stopExitCode(runner.options.stop.signal)
            return StageResult(.interrupted, seconds: rounded(monotonicSeconds() - start))
        } catch {
            return failed(node, error, step: execution.lastStep, seconds: monotonicSeconds() - start)
        }
    }

    /// A stage whose artifact was made.
    func made(_ node: Graph.Node, _ index: Int, _ record: ArtifactRecord, seconds: Double) throws
        -> StageResult
    {
        records[index] = record
        try folder.link(node, to: record.key)
        return StageResult(.ran, artifact: store.folder(of: record.key).path, seconds: seconds)
    }

    /// A stage that could not do its work.
    func failed(_ node: Graph.Node, _ error: any Error, step: Int? = nil, seconds: Double = 0) -> StageResult
    {
        let failure = StageFailure(stage: node, step: step, error, workFolder: store.path("work"))
        if exitCode == .ok { exitCode = failure.exitCode }
        let state: StageResult.State = failure.underlying is LockBusy ? .busy : .failed
        return StageResult(state, seconds: rounded(seconds), message: failure.description)
    }

    func cached(_ node: Graph.Node, _ index: Int, _ record: ArtifactRecord) -> StageResult {
        records[index] = record
        let location = ArtifactLocation(
            directory: store.folder(of: record.key), node: node.name, store: store.artifacts)
        do {
            try folder.link(node, to: record.key)
            try remember(node, key: record.key, components: record.components, made: record, speed: nil)
            try note(node, record.key, record.components)
            try node.stage.refresh(location, in: graph.environment(of: node, digests: store.digests))
        } catch {
            // The artifact is whole; only what is noted about it could not be brought up to date.
            emit(.stage(node: node.name, .warning(message: "\(error)", hint: nil)))
        }
        return StageResult(.cached, artifact: location.directory.path)
    }

    private func checkGates() -> [GateResult] {
        graph.gates.flatMap { gate in
            gate.nodes.compactMap { index -> GateResult? in
                guard let record = records[index] else { return nil }
                if gate.misses(index, record), case .absent = store.status(of: record.key) {
                    // Where it can be made again, it was.
                    let message = "the gate '\(gate.text)' was not checked: its artifact was dropped"
                    emit(
                        .stage(
                            node: graph.nodes[index].name,
                            .warning(message: message, hint: "select the stage, too, and it is made again")))
                    return nil
                }
                let (value, trouble) = gate.value(in: store.folder(of: record.key), record: record)
                return GateResult(
                    text: gate.text, location: "\(gate.location)", node: graph.nodes[index].name,
                    value: value,
                    holds: value.map { gate.comparator.holds($0, gate.bound) } ?? false, trouble: trouble)
            }
        }
    }

    private func keep(_ trouble: any Error) { journalTrouble = journalTrouble ?? trouble }
}

extension Execution: StageHost {
    func record(of node: Int) -> ArtifactRecord? { records[node] }

    func remember(
        _ node: Graph.Node, key: String, components: [String: String], made record: ArtifactRecord?,
        speed: Speed?
    ) throws {
        try history.remember(
            NodeHistory.Entry(node, key: key, components: components, record, speed: speed), of: node)
        if record == nil { try note(node, key, components) }
    }

    /// Writes down the key that a node has in this run.
    func note(_ node: Graph.Node, _ key: String, _ components: [String: String]) throws {
        try folder.append(NodeKey(node, in: graph, key: key, components: components))
    }

    /// Tells the journal and the sink; a journal that cannot be written fails the run in the end.
    func emit(_ event: RunEvent) {
        do { try emitThrowing(event) } catch { keep(error) }
    }

    func show(_ event: RunEvent) { runner.sink.receive(event) }

    func emitThrowing(_ event: RunEvent) throws {
        show(event)
        try folder.append(JournalEntry(event))
    }
}

/// Seconds to the millisecond: more would be noise.
func rounded(_ seconds: Double) -> Double { (seconds * 1000).rounded() / 1000 }
