public import Diagnostics
public import Foundation

/// Executes stages as jobs of a Slurm cluster whose machines share the store's file system and this program.
///
/// Each job's comment names the store, the run and the key, so that a later run finds the jobs of one whose process
/// died. A job that is told that its time is nearly over (SIGUSR1) saves its work and asks to be queued again.
public struct SlurmExecutor: Executor {
    private let program: String
    private let queue: SlurmQueue
    private let tools: SlurmTools
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
        try self.init(
            program: program, threads: threads, workers: workers, interval: interval, tools: SlurmTools())
    }

    init(program: URL, threads: Int? = nil, workers: Int? = nil, interval: Double, tools: SlurmTools)
        throws(Diagnostic)
    {
        self.program = program.path
        self.threads = threads
        self.workers = workers
        self.tools = tools
        queue = SlurmQueue(tools, interval: interval)
        guard (try? tools.run(["sbatch", "--version"]))?.code == 0 else {
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
            return SlurmJob(
                id: try submit(job, Self.options(job), script(job)), of: job, queue: queue, tools: tools)
        }
        let array = try submit(job, Self.arrayOptions(job), script(job, isPart: true))
        do {
            return try finish(array, job)
        } catch {
            _ = try? tools.run(["scancel", array])
            throw error
        }
    }

    /// Submits the job that puts together what an array makes.
    private func finish(_ array: String, _ job: Job) throws -> SlurmJob {
        let last = try submit(job, Self.options(job) + ["--dependency=afterany:\(array)"], script(job))
        return SlurmJob(id: last, array: array, parts: job.parts, of: job, queue: queue, tools: tools)
    }

    /// A time so short that nobody can count on what is saved when it is up.
    public func warning(about job: Job) -> StageEvent? { JobTime(job.resources).warning }

    private func submit(_ job: Job, _ options: [String], _ script: String) throws -> String {
        let answer = try tools.run(["sbatch"] + options, input: script)
        guard answer.code == 0,
            let id = answer.output.split(separator: ";").first.map({ String($0).trimmed }), !id.isEmpty
        else {
            throw Diagnostic(
                "sbatch refused the stage '\(job.node)': \(answer.errors.trimmed)",
                hint: "see its 'resources', and what 'sinfo' says of the cluster", exitCode: .unavailable)
        }
        queue.note(submitted: id)
        return id
    }

    /// The job of an earlier run, if it waits or runs; one for its array where its submitter died before it had any.
    public func adopt(_ job: Job) throws -> (job: Job, running: any RunningJob)? {
        let mark = Self.mark(job)
        let entries = try queue.entries().filter(\.isAlive)
        func adopted(_ comment: some StringProtocol) -> Job? {
            guard comment.hasPrefix(mark.prefix), comment.hasSuffix(mark.suffix) else { return nil }
            var adopted = job
            adopted.run = String(comment.dropFirst(mark.prefix.count).dropLast(mark.suffix.count))
            return adopted
        }
        func array(of entry: SlurmQueue.Entry) -> String { String(entry.id.prefix { $0 != "_" }) }
        for entry in entries {
            guard let adopted = adopted(entry.comment) else { continue }
            let part = entries.first { $0.comment == Self.partMark + entry.comment }
            let array = part.map(array)
            return (adopted, SlurmJob(id: entry.id, array: array, of: adopted, queue: queue, tools: tools))
        }
        for entry in entries where entry.comment.hasPrefix(Self.partMark) {
            guard let adopted = adopted(entry.comment.dropFirst(Self.partMark.count)) else { continue }
            let complete = Self.adapted(adopted, threads: threads, workers: workers)
            return (complete, try finish(array(of: entry), complete))
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
        let time = JobTime(needs)
        // What stands behind a percent sign means something to Slurm.
        let log = job.log.path.replacing("%", with: "%%")
        var options = [
            "--parsable", "--requeue", "--open-mode=append", "--job-name=retort-\(job.node)",
            "--comment=\(prefix)\(job.run)\(suffix)", "--output=\(log)",
            "--nodes=1", "--ntasks=1",
            "--cpus-per-task=\(needs.cpus ?? needs.threads ?? 1)",
            // Time to finish a step and save.
            "--signal=B:USR1@\(time.notice)",
        ]
        if let gpus = needs.gpus, gpus > 0 { options.append("--gpus=\(gpus)") }
        if let memory = needs.memory { options.append("--mem=\((memory + (1 << 20) - 1) >> 20)M") }
        if let minutes = time.minutes { options.append("--time=\(minutes)") }
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

    /// The batch script, which passes signals on; only the one that says that time is up leads back to the queue, and only
    /// when nobody has stopped the job.
    func script(_ job: Job, isPart: Bool = false) -> String {
        let command =
            ([program] + job.arguments).map(Self.quoted).joined(separator: " ")
            + (isPart ? " --part \"$SLURM_ARRAY_TASK_ID/\(job.parts)\"" : "")
        return """
            #!/bin/sh
            again= stopped= stage= early=
            tell() { if [ -n "$stage" ]; then kill -$1 $stage 2>/dev/null; else early=$1; fi; }
            trap 'again=1; tell USR1' USR1
            trap 'stopped=1; tell TERM' TERM INT
            # A signal waits until the stage listens, where this machine's env can hold it back.
            hold=
            env --block-signal=TERM true 2>/dev/null && hold='env --block-signal=TERM --block-signal=USR1'
            $hold \(command) &
            stage=$!
            if [ -n "$early" ]; then kill -$early $stage; fi
            while :; do
                wait $stage
                code=$?
                kill -0 $stage 2>/dev/null || break
            done
            if [ -n "$again" ] && [ -z "$stopped" ] && [ $code = 75 ]; then
                scontrol requeue "$SLURM_JOB_ID"; sleep 60
            fi
            exit $code

            """
    }

    private static func quoted(_ word: String) -> String {
        "'" + word.replacing("'", with: "'\\''") + "'"
    }
}
