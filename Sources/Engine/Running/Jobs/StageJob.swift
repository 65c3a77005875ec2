public import Diagnostics
public import Foundation

/// The execution of one node of a run's frozen pipeline, in a process of its own.
///
/// What the node reads is found through the run's links, which the run makes as its stages end.
public final class StageJob {
    /// How many seconds to wait at least for a process that makes the same artifact: where a run was killed, its
    /// stages may still be about to come to rest.
    private static let leastPatience = 15.0

    let graph: Graph
    let store: Store
    let options: RunOptions
    let tasks: CrewTasks? = nil
    private let node: Graph.Node
    private let isForced: Bool
    private let part: JobPart?
    private let folder: String
    /// Keeps what is in the store there: the job may outlive its run.
    private let use: StoreUse?
    let history: NodeHistory
    private let lines: AppendOnlyFile
    private let sink: any EventSink
    /// How often the cluster has begun the job again; nil where there is none.
    private let restarts: Int?

    /// Opens a run's frozen pipeline, to execute a node, or to make one part of what it makes.
    ///
    /// - Parameter environment: the variables by which a cluster tells what it has done with the job.
    /// - Throws: a `Diagnostic` when the pipeline has no such node, and what `RunHistory` and `Graph` throw.
    public init(
        run: String, node name: String, _ store: Store, catalog: [any Stage.Type], options: RunOptions,
        sink: any EventSink = SilentSink(), isForced: Bool = false, part: JobPart? = nil,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws {
        restarts = environment["SLURM_RESTART_COUNT"].flatMap { Int($0) }
        self.store = store
        self.part = part
        var options = options
        options.patience = max(options.patience, Self.leastPatience)
        self.options = options
        self.isForced = isForced
        self.sink = sink
        use = try store.use { if options.stop.isRequested { throw StageInterrupted() } }
        graph = try Graph(try RunHistory(store).pipeline(of: run), catalog: catalog)
        guard let node = graph.nodes.first(where: { $0.name == name }) else {
            throw Diagnostic("the run \(run) has no stage '\(name)'", exitCode: .usage)
        }
        self.node = node
        folder = store.path("runs/\(run)")
        history = NodeHistory(store, pipeline: graph.spec.name)
        try store.disk.createFolder("\(folder)/jobs")
        // The run reads what the job says that puts the parts together.
        let suffix = part.map { ".part-\($0.index)" } ?? ""
        lines = try AppendOnlyFile("\(folder)/jobs/\(node.fileName)\(suffix).jsonl")
    }

    /// Executes the node and tells how that ended, in the file and by the exit code.
    public func run() throws -> ExitCode {
        let handlers = options.handlesSignals ? SignalHandlers() : nil
        defer { handlers?.restore() }
        let start = monotonicSeconds()
        let isAgain = (restarts ?? 0) > 0
        let execution = StageExecution(self, node, isForced: isForced, goesOn: isAgain)
        var outcome = JobLine.Outcome(state: .ran, seconds: 0, exit: 0)
        func fail(_ error: any Error) {
            let failure = StageFailure(
                stage: node, step: execution.lastStep, error, workFolder: store.path("work"))
            outcome.state = error is LockBusy ? .busy : .failed
            outcome.message = failure.description
            outcome.exit = failure.exitCode.rawValue
        }
        // What was begun again is to get further than this.
        let key = isAgain ? try? execution.prepare().key : nil
        let before = key.map(mark)
        do {
            if let part {
                try execution.make(part)
            } else {
                let (record, wasThere) = try execution.run()
                outcome.key = record.key
                if wasThere { outcome.state = .cached }
            }
        } catch is StageInterrupted {
            outcome.state = .interrupted
            outcome.exit = stopExitCode(options.stop.signal).rawValue
            let isTimeUp =
                options.stop.isTimeUp
                && JobTime(node.resources).isUp(after: monotonicSeconds() - start)
            if isTimeUp, let key, let before, !mark(key).isBeyond(before) { fail(standstill(of: key)) }
        } catch {
            fail(error)
        }
        outcome.restarts = restarts
        outcome.seconds = rounded(monotonicSeconds() - start)
        try lines.append(line: try CanonicalJSON.data(JobLine(outcome)))
        return ExitCode(rawValue: outcome.exit) ?? .stageFailed
    }

    private func mark(_ key: String) -> WorkMark { WorkMark(store, key, countsOutput: part != nil) }

    /// What ends a job whose time is too short to get anywhere: it would be queued again for ever.
    private func standstill(of key: String) -> Diagnostic {
        let error = Diagnostic(
            "\(node.name): its time was up again, and it is no further than when it was begun",
            at: node.spec.nameLocation,
            hint:
                "give it more, with 'resources: {time: …}', or let it keep what it can go on from: a command does "
                + "that in $STATE", exitCode: .stageFailed)
        store.noteFailure(error, of: key)
        return error
    }
}

extension StageJob: StageHost {
    func record(of node: Int) -> ArtifactRecord? {
        let link = "\(folder)/links/\(graph.nodes[node].fileName)"
        guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: link) else {
            return nil
        }
        let key = (target as NSString).lastPathComponent
        return try? ArtifactRecord.read(at: store.folder(of: key))
    }

    func show(_ event: RunEvent) { sink.receive(event) }

    func emitThrowing(_ event: RunEvent) throws {
        show(event)
        try lines.append(line: try CanonicalJSON.data(JobLine(event)))
    }

    /// A note that cannot be written down is no reason to stop.
    func emit(_ event: RunEvent) { try? emitThrowing(event) }

    func remember(
        _ node: Graph.Node, key: String, components: [String: String], made record: ArtifactRecord?,
        speed: Speed?
    ) throws {
        try history.remember(
            NodeHistory.Entry(node, key: key, components: components, record, speed: speed), of: node)
    }
}
