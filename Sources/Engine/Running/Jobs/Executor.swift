public import Foundation

/// Executes stages in other processes, here or on other machines.
///
/// Every such process executes one node of a run's frozen pipeline (``StageJob``), takes the locks and publishes as the
/// run itself would, and tells what happens in the file `events`.
public protocol Executor: Sendable {
    /// Starts a job and returns at once.
    func start(_ job: Job) throws -> any RunningJob

    /// What may go wrong with a job that is to be started; nil for nothing.
    func warning(about job: Job) -> StageEvent?

    /// A job that an earlier run started for the same key, and that still goes on, with the run it belongs to; nil
    /// when there is none.
    func adopt(_ job: Job) throws -> (job: Job, running: any RunningJob)?
}

extension Executor {
    /// Nothing is known to go wrong.
    public func warning(about job: Job) -> StageEvent? { nil }

    /// Jobs end with the run that started them.
    public func adopt(_ job: Job) throws -> (job: Job, running: any RunningJob)? { nil }
}

/// The execution of one stage, as an executor is asked for it.
public struct Job: Codable, Hashable, Sendable {
    /// The run's identifier.
    public var run: String
    /// The node's name, with its matrix point.
    public var node: String
    /// The key of what will be made.
    public var key: String
    /// The store's root.
    public var store: URL
    /// The folder against which relative paths are resolved.
    public var directory: URL
    /// Device, threads and workers.
    public var execution: ExecutionOptions
    /// What the stage needs of a machine.
    public var resources: StageResources
    /// Whether it is executed although its artifact is there.
    public var isForced: Bool
    /// How many seconds to wait for another process that makes the same artifact.
    public var patience: Double

    /// How many jobs make its parts before one puts them together; a stage that is executed although its artifact is
    /// there is one job, because its earlier work does not count.
    public var parts: Int { isForced ? 1 : resources.jobs ?? 1 }

    /// The file in which the process tells what happens, line by line.
    public var events: URL { file("jsonl") }
    /// The file for what the process prints.
    public var log: URL { file("log") }

    private func file(_ suffix: String) -> URL {
        store.appending(path: "runs/\(run)/jobs/\(Graph.Node.fileName(of: node)).\(suffix)")
    }

    /// The arguments with which this program executes the job.
    public var arguments: [String] {
        var arguments = [
            "execute", "--run", run, "--node", node, "--store", store.path, "--device", execution.device,
            "--workers", "\(execution.workers)", "--threads", "\(execution.threads)", "--wait", "\(patience)",
        ]
        if isForced { arguments.append("--force") }
        return arguments
    }
}

/// A job that an executor has in hand.
public protocol RunningJob {
    /// What it is called in messages: `process 4711`.
    var name: String { get }
    /// How many seconds what it writes may take to be seen here after its end.
    var patience: Double { get }
    /// How often it was to begin again after it had been put back into a queue, as far as is known.
    var restarts: Int { get }
    /// What there is to tell about its beginning; nil for nothing.
    var announcement: String? { get }
    /// Why nothing is known of the process; nil while all is well.
    var trouble: String? { get }
    /// Whether nobody tells how the process is or was: what it says itself is all there is.
    var isUnheardOf: Bool { get }
    /// How the process ended; nil while it lasts.
    func poll() throws -> JobEnd?
    /// Passes a signal on.
    func signal(_ number: Int32) throws
}

extension RunningJob {
    /// None: it is a process of this machine.
    public var patience: Double { 0 }
    /// Never: it begins once.
    public var restarts: Int { 0 }
    /// Nothing: the stage tells of its beginning.
    public var announcement: String? { nil }
    /// All is well.
    public var trouble: String? { nil }
    /// The system tells.
    public var isUnheardOf: Bool { false }
}

/// How the process of a job ended.
public enum JobEnd: Hashable, Sendable {
    /// By itself.
    case exited(code: Int32)
    /// By a signal.
    case signalled(Int32)
    /// In a way that only the cluster knows a word for: `NODE_FAIL`.
    case lost(String)

    /// Whether it may have ended like this because it was asked to.
    var isByRequest: Bool {
        switch self {
        case .exited: false
        case .signalled: true
        case .lost(let word): word == "CANCELLED"
        }
    }
}

/// What stages that are executed side by side share.
public struct Slots: Hashable, Sendable {
    /// How many there may be at once.
    public var count: Int
    /// The bytes of memory that those with `resources: {memory: …}` may take together; nil for no limit.
    public var memory: Int?
    /// Whether a graphics processor takes one stage at a time.
    public var guardsDevices: Bool

    /// Creates slots.
    public init(count: Int = 1, memory: Int? = nil, guardsDevices: Bool = true) {
        self.count = count
        self.memory = memory
        self.guardsDevices = guardsDevices
    }

    /// The bytes of memory that this process may have: the machine's, or fewer where a control group says so.
    public static var machineMemory: Int? {
        let limit = (try? String(contentsOfFile: "/sys/fs/cgroup/memory.max", encoding: .utf8))?.trimmed
        return [Int(ProcessInfo.processInfo.physicalMemory), limit.flatMap(Int.init)].compactMap(\.self).min()
    }

    /// Whether another stage may begin beside those that run.
    func fit(_ wanted: Share, beside running: [Share]) -> Bool {
        guard running.count < count else { return false }
        if guardsDevices, let device = wanted.device, running.contains(where: { $0.device == device }) {
            return false
        }
        guard let memory else { return true }
        // No sum is larger than the largest number.
        let together = running.reduce(wanted.memory) { sum, share in
            let (next, isTooLarge) = sum.addingReportingOverflow(share.memory)
            return isTooLarge ? .max : next
        }
        return together <= memory || running.isEmpty
    }

    /// What one stage takes of them.
    struct Share: Hashable, Sendable {
        var memory: Int
        /// The graphics processor.
        var device: String?

        init(_ resources: StageResources, device: String) {
            memory = resources.memory ?? 0
            let device = resources.device ?? device
            self.device = device == "cpu" ? nil : device
        }
    }
}
