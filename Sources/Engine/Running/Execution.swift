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
    private var results: [String: StageResult] = [:]
    private var exitCode = ExitCode.ok
    private var journalTrouble: (any Error)?

    var graph: Graph { runner.graph }
    var store: Store { runner.store }

    init(_ runner: Runner, _ plan: Plan) throws {
        self.runner = runner
        self.plan = plan
        folder = try RunFolder(runner.store, spec: runner.graph.spec, plan: plan)
        tasks = runner.options.crew.map(CrewTasks.init)
        history = NodeHistory(runner.store, pipeline: runner.graph.spec.name)
    }

    func run() throws -> RunResult {
        let start = monotonicSeconds()
        emit(.runStarted(id: folder.id, plan: plan))
        for stage in plan.stages {
            let node = graph.nodes[stage.index]
            let result = outcome(of: stage, node)
            results[node.name] = result
            emit(.stageEnded(node: node.name, result))
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

    /// Brings one stage to its end, whatever that is.
    private func outcome(of stage: PlannedStage, _ node: Graph.Node) -> StageResult {
        if stage.state == .cached, let record = stage.record {
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
                message: unmade.isEmpty
                    ? reasons.joined(separator: "; ") : "no \(unmade.joined(separator: ", "))")
        }
        if exitCode != .ok && !runner.options.keepsGoing { return StageResult(.skipped) }
        let start = monotonicSeconds()
        let execution = StageExecution(self, node, isForced: stage.isForced)
        do {
            let (record, wasThere) = try execution.run()
            if wasThere { return cached(node, stage.index, record) }
            records[stage.index] = record
            try folder.link(node, to: record.key)
            return StageResult(
                .ran, artifact: store.folder(of: record.key).path,
                seconds: rounded(monotonicSeconds() - start))
        } catch is StageInterrupted {
            let signal = runner.options.stop.signal
            exitCode = stopExitCode(signal)
            return StageResult(.interrupted, seconds: rounded(monotonicSeconds() - start))
        } catch {
            let failure = StageFailure(
                stage: node, step: execution.lastStep, error, workFolder: store.path("work"))
            if exitCode == .ok { exitCode = failure.exitCode }
            return StageResult(
                .failed, seconds: rounded(monotonicSeconds() - start), message: failure.description)
        }
    }

    private func cached(_ node: Graph.Node, _ index: Int, _ record: ArtifactRecord) -> StageResult {
        records[index] = record
        let location = ArtifactLocation(
            directory: store.folder(of: record.key), node: node.name, store: store.artifacts)
        do {
            try folder.link(node, to: record.key)
            try remember(
                node, key: record.key, components: record.components, seconds: record.timings.seconds)
            try node.stage.refresh(location, in: graph.environment(of: node, digests: store.digests))
        } catch {
            // The artifact is whole; only what is noted about it could not be brought up to date.
            emit(.stage(node: node.name, .warning(message: "\(error)", hint: nil)))
        }
        return StageResult(.cached, artifact: location.directory.path)
    }

    func remember(_ node: Graph.Node, key: String, components: [String: String], seconds: Double?) throws {
        let entry = NodeHistory.Entry(
            node: node.name, stage: node.schema.name, key: key, components: components, seconds: seconds)
        try history.remember(entry, of: node)
    }

    private func checkGates() -> [GateResult] {
        graph.gates.flatMap { gate in
            gate.nodes.compactMap { index -> GateResult? in
                guard let record = records[index] else { return nil }
                let value = gate.value(in: store.folder(of: record.key), record: record)
                return GateResult(
                    text: gate.text, location: "\(gate.location)", node: graph.nodes[index].name,
                    value: value,
                    holds: value.map { gate.comparator.holds($0, gate.bound) } ?? false)
            }
        }
    }

    // MARK: Events

    /// Tells the journal and the sink; a journal that cannot be written fails the run in the end.
    func emit(_ event: RunEvent) {
        do { try emitThrowing(event) } catch { journalTrouble = journalTrouble ?? error }
    }

    func emitThrowing(_ event: RunEvent) throws {
        runner.sink.receive(event)
        try folder.append(JournalEntry(event))
    }
}

/// Seconds to the millisecond: more would be noise.
func rounded(_ seconds: Double) -> Double { (seconds * 1000).rounded() / 1000 }
