internal import Diagnostics
internal import Foundation

/// Brings the stages of a run to their ends side by side, each executed elsewhere.
///
/// Everything is decided on the run's own thread: it reads what the jobs tell, passes it on, starts what can be
/// started, and waits.
final class JobScheduler {
    /// A stage that an executor has in hand.
    private struct Running {
        var stage: PlannedStage
        var job: Job
        var process: any RunningJob
        var tail: JobTail
        var share: Slots.Share
        var start = monotonicSeconds()
        var step: Int?
        var outcome: JobLine.Outcome?
        /// Whether it was asked to stop.
        var isAsked = false
        /// When it can be asked again, and how long that was put off.
        var nextAttempt = 0.0
        var pause = 0.0
    }

    private let execution: Execution
    private let executor: any Executor
    private var waiting: [PlannedStage]
    private var running: [Running] = []
    /// The nodes that have not ended.
    private var open: Set<Int>
    /// The troubles that were told.
    private var told: Set<String> = []

    private var graph: Graph { execution.graph }
    private var options: RunOptions { execution.options }

    init(_ execution: Execution, _ executor: any Executor) {
        self.execution = execution
        self.executor = executor
        waiting = execution.plan.stages
        open = Set(waiting.map(\.index))
    }

    /// Returns when every stage has ended.
    func run() {
        var pause: UInt32 = 1000
        // Jobs look digests up that this process has computed.
        try? execution.store.digests.save()
        while !waiting.isEmpty || !running.isEmpty {
            passSignalOn()
            let hasNews = listen() || settle()
            if waiting.isEmpty && running.isEmpty { return }
            pause = hasNews ? 1000 : min(pause * 2, 50_000)
            usleep(pause)
        }
    }

    /// Asks every job to stop that was not asked yet; one that could not be asked is asked again after a while.
    private func passSignalOn() {
        let signal = options.stop.signal
        guard signal != 0 else { return }
        for index in running.indices.reversed() where !running[index].isAsked {
            let now = monotonicSeconds()
            guard now >= running[index].nextAttempt else { continue }
            if isOfOthers(running[index].job) {
                leaveAlone(running.remove(at: index))
                continue
            }
            do {
                try running[index].process.signal(signal)
                running[index].isAsked = true
            } catch {
                let reason = (error as? Diagnostic)?.message ?? "\(error)"
                tell(
                    "\(running[index].process.name) could not be asked to stop, and is asked again: \(reason)"
                )
                running[index].pause = min(max(0.1, running[index].pause * 2), 5)
                running[index].nextAttempt = now + running[index].pause
            }
        }
    }

    /// Whether a job is that of another run which may be at work still, and will go on with it.
    private func isOfOthers(_ job: Job) -> Bool {
        job.run != execution.folder.id && execution.store.isAlive(run: job.run) != false
    }

    /// Ends a stage here without stopping its job.
    private func leaveAlone(_ job: Running) {
        let node = graph.nodes[job.stage.index]
        execution.emit(
            .note("\(node.name): \(job.process.name) goes on for the run \(job.job.run), which began it"))
        execution.exitCode = stopExitCode(options.stop.signal)
        end(job.stage.index, StageResult(.interrupted, seconds: rounded(monotonicSeconds() - job.start)))
    }

    // MARK: Beginnings

    /// Ends what needs no execution and starts what can be started; whether there was anything.
    private func settle() -> Bool {
        var kept: [PlannedStage] = []
        for stage in waiting {
            let node = graph.nodes[stage.index]
            let isReady = !node.inputs.contains { open.contains($0.producer) }
            let isKnown = execution.isThere(stage) || options.stop.isRequested
            guard isReady || isKnown else {
                kept.append(stage)
                continue
            }
            if let result = execution.settled(stage, node) {
                end(stage.index, result)
            } else if !begin(stage, node) {
                kept.append(stage)
            }
        }
        defer { waiting = kept }
        return kept.count < waiting.count
    }

    /// Starts a stage, or finds that it need not be; false when there is no room for it yet.
    private func begin(_ stage: PlannedStage, _ node: Graph.Node) -> Bool {
        let share = Slots.Share(node.resources, device: options.execution.device)
        guard options.slots.fit(share, beside: running.map(\.share)) else { return false }
        let search = StageExecution(execution, node, isForced: stage.isForced)
        do {
            let preparation = try search.prepare()
            if let record = try search.present(preparation.key) {
                end(stage.index, execution.cached(node, stage.index, record))
                return true
            }
            // The same work is done once; who comes second finds it.
            if running.contains(where: { $0.job.key == preparation.key }) { return false }
            try execution.note(node, preparation.key, preparation.components.values)
            var job = Job(
                run: execution.folder.id, node: node.name, key: preparation.key, store: execution.store.root,
                directory: graph.spec.directory, execution: options.execution.adapted(to: node.resources),
                resources: node.resources, isForced: stage.isForced, patience: options.patience)
            let process: any RunningJob
            if let adopted = try executor.adopt(job) {
                (job, process) = (adopted.job, adopted.running)
                execution.emit(
                    .note("\(node.name): goes on in \(process.name), which the run \(job.run) began"))
            } else {
                try execution.store.disk.createFolder(job.events.deletingLastPathComponent().path)
                if let warning = executor.warning(about: job) {
                    execution.emit(.stage(node: node.name, warning))
                }
                process = try executor.start(job)
                if let text = process.announcement { execution.emit(.note("\(node.name): \(text)")) }
            }
            running.append(
                Running(
                    stage: stage, job: job, process: process,
                    tail: JobTail(job.events, interval: process.patience > 0 ? 0.2 : 0), share: share))
        } catch {
            end(stage.index, execution.failed(node, error))
        }
        return true
    }

    // MARK: Ends

    /// Passes on what the jobs tell, and takes leave of those that ended; whether there was anything.
    private func listen() -> Bool {
        var hasNews = false
        for index in running.indices.reversed() {
            // Asked before reading: what a job writes last must not be missed.
            let end = Result { try running[index].process.poll() }
            let isOver = if case .success(nil) = end { false } else { true }
            let lines = running[index].tail.read(isLast: isOver)
            hasNews = hasNews || !lines.isEmpty
            for line in lines { pass(line, at: index) }
            tell(running[index].process.trouble)
            switch end {
            case .success(nil):
                guard let code = lastWord(of: running[index]) else { continue }
                leave(running[index], .exited(code: code))
            case .success(let end?):
                waitForLastWords(of: index)
                leave(running[index], end)
            case .failure(let error):
                let job = running[index]
                self.end(
                    job.stage.index,
                    execution.failed(graph.nodes[job.stage.index], error, step: job.step))
            }
            running.remove(at: index)
            hasNews = true
        }
        return hasNews
    }

    /// What a job said of its end, where nobody else will: its queue does not answer, or has forgotten it.
    private func lastWord(of job: Running) -> Int32? {
        guard let outcome = job.outcome, job.process.isUnheardOf else { return nil }
        // What was interrupted may be queued again, unless it was asked to stop.
        return outcome.state == .interrupted && !options.stop.isRequested ? nil : outcome.exit
    }

    /// Says once what stands in the way.
    private func tell(_ trouble: String?) {
        if let trouble, told.insert(trouble).inserted { execution.emit(.note(trouble)) }
    }

    /// Reads on for a while where the end of a job may be known before what it wrote.
    private func waitForLastWords(of index: Int) {
        let start = monotonicSeconds()
        while running[index].outcome == nil, monotonicSeconds() - start < running[index].process.patience {
            usleep(200_000)
            for line in running[index].tail.read(isLast: true) { pass(line, at: index) }
        }
    }

    private func pass(_ line: JobLine, at index: Int) {
        if let outcome = line.outcome { running[index].outcome = outcome }
        guard let event = line.event(of: running[index].job.node) else { return }
        if case .stageStarted = event { running[index].outcome = nil }
        if case .stage(_, .progress(let step, _, _)) = event { running[index].step = step }
        execution.emit(event)
    }

    private func leave(_ job: Running, _ jobEnd: JobEnd) {
        let node = graph.nodes[job.stage.index]
        var (outcome, jobEnd) = (job.outcome, jobEnd)
        // The cluster took the job away, and the stage had the time to come to rest: nobody asked this run to.
        if case .lost = jobEnd, outcome?.state == .interrupted, !options.stop.isRequested { outcome = nil }
        // The last word is that of an earlier execution: the job was queued again, and could not begin.
        if outcome?.state == .interrupted, outcome?.restarts ?? 0 < job.process.restarts {
            (outcome, jobEnd) = (nil, .lost("it was queued again, and the cluster could not begin it"))
        }
        let seconds = monotonicSeconds() - job.start
        // What it wrote last may not be seen from here; what it made is. Forced work has made it before, perhaps.
        if outcome == nil, jobEnd == .exited(code: 0) || !job.job.isForced,
            case .present = execution.store.status(of: job.job.key)
        {
            outcome = JobLine.Outcome(state: .ran, key: job.job.key, seconds: rounded(seconds), exit: 0)
        }
        guard let outcome else {
            if options.stop.isRequested, jobEnd.isByRequest {
                // It was asked to stop before it could listen, or before it began.
                execution.exitCode = stopExitCode(options.stop.signal)
                return end(job.stage.index, StageResult(.interrupted, seconds: rounded(seconds)))
            }
            let death = JobDeath(job.process.name, jobEnd, log: job.job.log, run: execution.folder.id)
            let error = death.diagnostic(of: node, step: job.step)
            return end(job.stage.index, execution.failed(node, error, seconds: seconds))
        }
        do {
            end(job.stage.index, try result(of: outcome, node, job.stage.index))
        } catch {
            end(job.stage.index, execution.failed(node, error, seconds: outcome.seconds))
        }
    }

    private func result(of outcome: JobLine.Outcome, _ node: Graph.Node, _ index: Int) throws -> StageResult {
        switch outcome.state {
        case .ran, .cached:
            guard let key = outcome.key else {
                throw StoreError("it does not say what was made", path: "jobs/\(node.fileName).jsonl")
            }
            let record = try ArtifactRecord.read(at: execution.store.folder(of: key))
            if outcome.state == .cached { return execution.cached(node, index, record) }
            return try execution.made(node, index, record, seconds: outcome.seconds)
        case .interrupted:
            let signal = options.stop.signal
            // Someone may have stopped this stage alone.
            execution.exitCode = signal == 0 ? .stopped : stopExitCode(signal)
        case .failed, .busy, .blocked, .skipped:
            if execution.exitCode == .ok {
                execution.exitCode = ExitCode(rawValue: outcome.exit) ?? .stageFailed
            }
        }
        return StageResult(outcome.state, seconds: outcome.seconds, message: outcome.message)
    }

    private func end(_ index: Int, _ result: StageResult) {
        open.remove(index)
        execution.end(graph.nodes[index], result)
    }
}

/// The end of a process that did not say how it left its stage.
struct JobDeath {
    private let name: String
    private let end: JobEnd
    private let log: URL
    private let run: String

    init(_ name: String, _ end: JobEnd, log: URL, run: String) {
        self.name = name
        self.end = end
        self.log = log
        self.run = run
    }

    func diagnostic(of node: Graph.Node, step: Int?) -> Diagnostic {
        let place = step.map { " after step \($0)" } ?? ""
        var advice = "its work is kept: 'retort resume \(run)' goes on where it stopped"
        let how: String
        switch end {
        case .exited(let code): how = "ended with exit code \(code) and without a word"
        case .signalled(SIGKILL):
            how = "was ended by SIGKILL"
            advice += "; that is how the kernel ends what takes too much memory: let fewer stages run at once"
        case .signalled(let number): how = "was ended by \(Self.name(of: number))"
        case .lost(let word): how = "was lost: \(word)"
        }
        let last = Self.lastLines(of: log, 5)
        return Diagnostic(
            "\(node.name): \(name) \(how)\(place)" + (last.isEmpty ? "" : "\n" + last),
            at: node.spec.nameLocation, hint: advice, exitCode: .stageFailed)
    }

    private static func name(of signal: Int32) -> String {
        let names: [Int32: String] = [
            SIGINT: "SIGINT", SIGTERM: "SIGTERM", SIGABRT: "SIGABRT", SIGSEGV: "SIGSEGV", SIGILL: "SIGILL",
            SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGTRAP: "SIGTRAP", SIGUSR1: "SIGUSR1", SIGHUP: "SIGHUP",
        ]
        return names[signal] ?? "signal \(signal)"
    }

    /// The last lines of a text file, indented; nothing when there is no such file.
    private static func lastLines(of file: URL, _ count: Int) -> String {
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").suffix(count).map { "    \($0)" }.joined(separator: "\n")
    }
}
