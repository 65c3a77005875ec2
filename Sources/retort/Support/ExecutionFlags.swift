import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Tensors

/// The options that say how stages are executed; none of them changes a result.
struct ExecutionFlags: ParsableArguments {
    @Flag(help: "Let a failed stage stop only what reads it.") var keepGoing = false

    @Option(help: "Compute on cpu or cuda:N.") var device = "cpu"

    @Option(help: ArgumentHelp("Threads that load and decode images.", valueName: "n")) var workers: Int?

    @Option(help: ArgumentHelp("Threads of one tensor operation.", valueName: "n")) var threads: Int?

    @Option(
        help: ArgumentHelp(
            "Wait so long for another process at the same stage: 90s, 10min.", valueName: "time"),
        transform: { text in
            guard let seconds = seconds(text) else {
                throw ValidationError("'\(text)' is not a length of time")
            }
            return seconds
        })
    var wait = 0.0

    @Option(help: "How to show progress: auto, plain, json or none.") var progress = ProgressStyle.auto

    @OptionGroup var tracking: TrackingFlags

    func validate() throws {
        for (name, value) in [("--workers", workers), ("--threads", threads)] {
            if let value, value < 1 { throw ValidationError("\(name) must be at least 1") }
        }
    }

    /// The options as the runner takes them; throws where the machine cannot do what they ask.
    func options() throws -> RunOptions {
        guard let device = Device(self.device) else {
            throw Diagnostic("'\(self.device)' is no device", hint: "write cpu or cuda:0", exitCode: .usage)
        }
        do {
            try Torch.checkVersion()
        } catch {
            throw Diagnostic(
                "libtorch cannot be used: \(error.message)", hint: "build again with 'make build'",
                exitCode: .unavailable)
        }
        if case .cuda(let number) = device, number >= Torch.cudaDeviceCount {
            throw Diagnostic(
                "there is no device '\(self.device)'", hint: Torch.cudaUnavailableReason,
                exitCode: .unavailable)
        }
        var options = RunOptions()
        options.execution.device = self.device
        options.execution.numerics = NumericsFacts.all
        if let workers { options.execution.workers = workers }
        if let threads { options.execution.threads = threads }
        options.keepsGoing = keepGoing
        options.patience = wait
        return options
    }
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
