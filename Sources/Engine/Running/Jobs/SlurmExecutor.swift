public import Diagnostics
public import Foundation
internal import Synchronization

/// Executes stages as jobs of a Slurm cluster whose machines share the store's file system and this program.
///
/// Each job's comment names the store, the run and the key, so that a later run finds the jobs of one whose process
/// died. A job that is told that its time is nearly over (SIGUSR1) saves its work and asks to be queued again.
public struct SlurmExecutor: Executor {
    private let program: String
    private let queue: SlurmQueue
    private let threads: Int?
    private let workers: Int?

    /// Creates an executor that lets jobs start a program with the arguments of a stage.
    ///
    /// - Parameters:
    ///   - threads: the threads of one tensor operation, where the stage's `resources` do not say.
    ///   - workers: the threads that load and decode; else as many as the job has processors.
    ///   - interval: the seconds between two looks at the queue.
    /// - Throws: a `Diagnostic` where there is no Slurm.
    public init(program: URL, threads: Int? = nil, workers: Int? = nil, interval: Double = 2)
        throws(Diagnostic)
    {
        self.program = program.path
        self.threads = threads
        self.workers = workers
        queue = SlurmQueue(interval: interval)
        guard (try? Tool.run(["sbatch", "--version"]))?.code == 0 else {
            throw Diagnostic(
                "there is no Slurm here: 'sbatch' cannot be run",
                hint: "run on a machine that submits jobs, or without --executor slurm",
                exitCode: .unavailable)
        }
    }

    /// Submits a job; for a stage that is divided an array of jobs, and one that puts together what they make.
    ///
    /// The last one begins when all others have ended, however they did: it makes what they left out.
    public func start(_ job: Job) throws -> any RunningJob {
        let job = Self.adapted(job, threads: threads, workers: workers)
        guard job.parts > 1 else {
            return SlurmJob(id: try submit(job, Self.options(job), script(job)), array: nil, queue: queue)
        }
        let array = try submit(job, Self.arrayOptions(job), script(job, isPart: true))
        do {
            let last = try submit(job, Self.options(job) + ["--dependency=afterany:\(array)"], script(job))
            return SlurmJob(id: last, array: array, queue: queue, parts: job.parts)
        } catch {
            _ = try? Tool.run(["scancel", array])
            throw error
        }
    }

    private func submit(_ job: Job, _ options: [String], _ script: String) throws -> String {
        let answer = try Tool.run(["sbatch"] + options, input: script)
        guard answer.code == 0,
            let id = answer.output.split(separator: ";").first.map({ String($0).trimmed }), !id.isEmpty
        else {
            throw Diagnostic(
                "sbatch refused the stage '\(job.node)': \(answer.errors.trimmed)",
                hint: "see its 'resources', and what 'sinfo' says of the cluster", exitCode: .unavailable)
        }
        return id
    }

    /// The job of an earlier run, if it waits or runs.
    public func adopt(_ job: Job) throws -> (job: Job, running: any RunningJob)? {
        let mark = Self.mark(job)
        let entries = try queue.entries()
        for entry in entries where entry.isAlive && entry.comment.hasPrefix(mark.prefix) {
            guard entry.comment.hasSuffix(mark.suffix) else { continue }
            var adopted = job
            adopted.run = String(entry.comment.dropFirst(mark.prefix.count).dropLast(mark.suffix.count))
            let part = entries.first { $0.comment == Self.partMark + entry.comment }
            let array = part.map { String($0.id.prefix { $0 != "_" }) }
            return (adopted, SlurmJob(id: entry.id, array: array, queue: queue))
        }
        return nil
    }

    /// What stands before the comment of a job that makes a part.
    private static let partMark = "part:"

    /// The parts of a job's comment around the run's identifier.
    private static func mark(_ job: Job) -> (prefix: String, suffix: String) {
        ("retort:\(SHA256.digest(of: job.store.path).prefix(12)):", ":\(job.key)")
    }

    /// A job that knows its threads and its device: what the stage says comes before what the run was told.
    static func adapted(_ job: Job, threads: Int? = nil, workers: Int? = nil) -> Job {
        var job = job
        job.resources.threads = job.resources.threads ?? threads
        let processors = job.resources.cpus ?? job.resources.threads ?? 1
        job.execution.threads = job.resources.threads ?? processors
        job.execution.workers = workers ?? processors
        if job.resources.device == nil, (job.resources.gpus ?? 0) > 0 { job.execution.device = "cuda:0" }
        return job
    }

    static func options(_ job: Job) -> [String] {
        let (prefix, suffix) = mark(job)
        let needs = job.resources
        // What stands behind a percent sign means something to Slurm.
        let log = job.log.path.replacing("%", with: "%%")
        var options = [
            "--parsable", "--requeue", "--open-mode=append", "--job-name=retort-\(job.node)",
            "--comment=\(prefix)\(job.run)\(suffix)", "--output=\(log)",
            "--cpus-per-task=\(needs.cpus ?? needs.threads ?? 1)",
            // Two minutes to finish a step and save.
            "--signal=B:USR1@120",
        ]
        if let gpus = needs.gpus { options.append("--gpus=\(gpus)") }
        if let memory = needs.memory { options.append("--mem=\((memory + (1 << 20) - 1) >> 20)M") }
        if let time = needs.time { options.append("--time=\((time + 59) / 60)") }
        if let partition = needs.partition { options.append("--partition=\(partition)") }
        return options
    }

    /// The options of the jobs that make the parts of a stage.
    private static func arrayOptions(_ job: Job) -> [String] {
        let log = job.log.deletingPathExtension().path.replacing("%", with: "%%") + ".part-%a.log"
        return options(job).map { option in
            if option.hasPrefix("--comment=") {
                return "--comment=" + partMark + option.dropFirst("--comment=".count)
            }
            return option.hasPrefix("--output=") ? "--output=\(log)" : option
        } + ["--array=0-\(job.parts - 1)"]
    }

    /// The batch script, which passes signals on; only the one that says that time is up leads back to the queue.
    private func script(_ job: Job, isPart: Bool = false) -> String {
        let command =
            ([program] + job.arguments).map(Self.quoted).joined(separator: " ")
            + (isPart ? " --part \"$SLURM_ARRAY_TASK_ID/\(job.parts)\"" : "")
        return """
            #!/bin/sh
            again=
            trap 'again=1; kill -USR1 $stage' USR1
            trap 'kill -TERM $stage 2>/dev/null' TERM INT
            # A signal waits until the stage listens, where this machine's env can hold it back.
            hold=
            env --block-signal=TERM true 2>/dev/null && hold='env --block-signal=TERM --block-signal=USR1'
            $hold \(command) &
            stage=$!
            while :; do
                wait $stage
                code=$?
                kill -0 $stage 2>/dev/null || break
            done
            if [ -n "$again" ] && [ $code = 75 ]; then scontrol requeue "$SLURM_JOB_ID"; sleep 60; fi
            exit $code

            """
    }

    private static func quoted(_ word: String) -> String {
        "'" + word.replacing("'", with: "'\\''") + "'"
    }
}

/// A job of the cluster.
private struct SlurmJob: RunningJob {
    let id: String
    /// The array of jobs that make the parts which this one puts together.
    let array: String?
    let queue: SlurmQueue
    var parts = 1

    var name: String { "job \(id)" }
    var announcement: String? {
        array.map { "its parts are made by \(parts) jobs, array \($0), and put together by job \(id)" }
    }
    var restarts: Int { queue.restarts(of: id) }
    /// What a job writes last may take a moment to be seen over a network file system.
    var patience: Double { 10 }

    func poll() throws -> JobEnd? {
        if let array, queue.isAlive(array: array) { return nil }
        guard let state = queue.state(of: id) else { return nil }
        switch state {
        case "COMPLETED": return .exited(code: 0)
        case "FAILED": return .exited(code: 1)
        default: return .lost(state)
        }
    }

    /// A job that waits is taken from the queue; one that runs is asked to save its work.
    func signal(_ number: Int32) throws {
        let ids = [id] + (array.map { [$0] } ?? [])
        _ = try Tool.run(["scancel", "--state=PENDING"] + ids)
        _ = try Tool.run(["scancel", "--batch", "--signal=TERM"] + ids)
        queue.forget()
    }
}

/// What the cluster says of this user's jobs, asked for only so often.
private final class SlurmQueue: Sendable {
    struct Entry {
        var id: String
        var state: String
        var comment: String
        var restarts: Int

        var isAlive: Bool { !SlurmQueue.ends.contains(state) }
    }

    private struct State {
        var asked = -Double.infinity
        var entries: [Entry] = []
        /// The jobs that were in the queue once.
        var seen: Set<String> = []
    }

    fileprivate static let ends: Set<String> = [
        "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
        "PREEMPTED", "REVOKED", "TIMEOUT",
    ]

    private let interval: Double
    private let state = Mutex(State())

    init(interval: Double) { self.interval = interval }

    /// Asks again at the next question.
    func forget() { state.withLock { $0.asked = -.infinity } }

    /// This user's jobs; while the controller does not answer, as they were.
    func entries() throws -> [Entry] {
        try state.withLock { state in
            let now = monotonicSeconds()
            guard now - state.asked >= interval else { return state.entries }
            state.asked = now
            let answer = try Tool.run([
                "squeue", "--me", "--array", "--noheader", "--states=all",
                "--Format=JobArrayID:48,State:24,RestartCnt:16,Comment:256",
            ])
            guard answer.code == 0 else { return state.entries }
            state.entries = answer.output.split(separator: "\n").compactMap { line in
                // A comment comes last: other people's may have blanks, or be missing.
                let parts = line.split(separator: " ", maxSplits: 3).map { String($0).trimmed }
                guard parts.count > 2 else { return nil }
                return Entry(
                    id: parts[0], state: parts[1], comment: parts.count > 3 ? parts[3] : "",
                    restarts: Int(parts[2]) ?? 0)
            }
            state.seen.formUnion(state.entries.map(\.id))
            return state.entries
        }
    }

    /// Whether some job of an array waits or runs, as far as the queue says.
    func isAlive(array: String) -> Bool {
        (try? entries())?.contains { $0.isAlive && $0.id.hasPrefix(array + "_") } ?? true
    }

    /// How often a job was to begin again, as far as the queue says.
    func restarts(of id: String) -> Int {
        (try? entries())?.first { $0.id == id }?.restarts ?? 0
    }

    /// How a job ended; nil while it waits or runs.
    func state(of id: String) -> String? {
        guard let entries = try? entries() else { return nil }
        if let entry = entries.first(where: { $0.id == id }) { return entry.isAlive ? nil : entry.state }
        // It was there: the queue forgets what ended some minutes ago. Accounting, where there is any, does not.
        guard state.withLock({ $0.seen.contains(id) }) else { return nil }
        let answer = try? Tool.run(["sacct", "-n", "-X", "-j", id, "-o", "State%20"])
        let word = answer?.output.split(separator: " ").first.map(String.init) ?? ""
        return word.trimmed.isEmpty ? "the queue no longer knows it" : word.trimmed
    }
}

/// Runs a small program to its end.
private enum Tool {
    struct Answer {
        var code: Int32
        var output: String
        var errors: String
    }

    static func run(_ words: [String], input: String? = nil) throws -> Answer {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = words
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        let source = Pipe()
        process.standardInput = input == nil ? FileHandle.nullDevice : source
        try process.run()
        if let input {
            try source.fileHandleForWriting.write(contentsOf: Data(input.utf8))
            try source.fileHandleForWriting.close()
        }
        let said = output.fileHandleForReading.readDataToEndOfFile()
        let complained = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Answer(
            code: process.terminationStatus, output: String(decoding: said, as: UTF8.self),
            errors: String(decoding: complained, as: UTF8.self))
    }
}
