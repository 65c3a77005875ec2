import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Tensors

/// The options that say how stages are executed; none of them changes a result.
struct ExecutionFlags: ParsableArguments {
    @Flag(help: "Let a failed stage stop only what reads it.") var keepGoing = false

    @Option(name: .shortAndLong, help: ArgumentHelp("Execute so many stages side by side.", valueName: "n"))
    var jobs: Int?

    @Option(help: "Where stages are executed: local, or slurm for jobs of a cluster.")
    var executor = ExecutorKind.local

    @Option(
        help: ArgumentHelp(
            "The memory that stages with 'resources: {memory: …}' share; else the machine's.",
            valueName: "size"),
        transform: size)
    var memory: Int?

    @Option(help: "Compute on cpu or cuda:N.") var device = "cpu"

    @Option(help: ArgumentHelp("Threads that load and decode images.", valueName: "n")) var workers: Int?

    @Option(help: ArgumentHelp("Threads of one tensor operation.", valueName: "n")) var threads: Int?

    @Option(
        help: ArgumentHelp(
            "Wait so long for another process at the same stage: 90s, 10min.", valueName: "time"),
        transform: duration)
    var wait = 0.0

    @Option(help: "How to show progress: auto, plain, json or none.") var progress = ProgressStyle.auto

    @OptionGroup var tracking: TrackingFlags

    func validate() throws {
        for (name, value) in [("--workers", workers), ("--threads", threads), ("--jobs", jobs)] {
            if let value, value < 1 { throw ValidationError("\(name) must be at least 1") }
            if let value, value > 65_536 { throw ValidationError("\(name) must be at most 65536") }
        }
    }

    /// The options as the runner takes them; throws where the machine cannot do what they ask.
    func options() throws -> RunOptions {
        guard let device = Device(self.device) else {
            throw Diagnostic("'\(self.device)' is no device", hint: "write cpu or cuda:0", exitCode: .usage)
        }
        if case .cuda(let number) = device, number >= Torch.cudaDeviceCount, executor == .local {
            throw Diagnostic(
                "there is no device '\(self.device)'", hint: Torch.cudaUnavailableReason,
                exitCode: .unavailable)
        }
        var options = RunOptions()
        options.execution.device = self.device
        options.execution.numerics = NumericsFacts.all
        if let workers { options.execution.workers = workers }
        if let threads { options.execution.threads = threads }
        switch executor {
        case .local: if let jobs, jobs > 1 { share(&options, jobs) }
        case .slurm:
            options.executor = try SlurmExecutor(program: Self.program, threads: threads, workers: workers)
            options.slots = Slots(count: jobs ?? 100, guardsDevices: false)
        }
        options.keepsGoing = keepGoing
        options.patience = wait
        return options
    }

    /// Loads libtorch where a plan has stages that compute, before anything is begun.
    static func prepare(for plan: Plan) throws(Diagnostic) {
        if plan.pending.allSatisfy({ $0.kind == "shell" }) { return }
        do {
            try Torch.load()
        } catch {
            throw Diagnostic(
                "libtorch cannot be used: \(error.message)", hint: "build again with 'make build'",
                exitCode: .unavailable)
        }
    }

    /// Several stages share the processors, unless the user says otherwise.
    private func share(_ options: inout RunOptions, _ jobs: Int) {
        let processors = ProcessInfo.processInfo.activeProcessorCount
        options.execution.workers = workers ?? max(1, processors / jobs)
        options.execution.threads = threads ?? max(1, processors / jobs)
        options.slots = Slots(count: jobs, memory: memory ?? Slots.machineMemory)
        options.executor = ProcessExecutor(program: Self.program, environment: RuntimeEnvironment.adopted)
    }

    /// This program.
    static var program: URL {
        let link = "/proc/self/exe"
        return URL(filePath: (try? FileManager.default.destinationOfSymbolicLink(atPath: link)) ?? link)
    }
}

/// Where stages are executed.
enum ExecutorKind: String, ExpressibleByArgument, CaseIterable {
    /// On this machine.
    case local
    /// As jobs of a Slurm cluster.
    case slurm
}

/// How a run's progress is shown.
enum ProgressStyle: String, ExpressibleByArgument, CaseIterable {
    /// A live display where a person is looking, else plain lines.
    case auto
    /// A `key=value` line when a stage begins and ends, and every 30 seconds.
    case plain
    /// The journal's lines.
    case json
    /// Nothing but warnings and failures.
    case none
}
