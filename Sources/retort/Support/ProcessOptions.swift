import ArgumentParser
import Diagnostics
import Engine
import Foundation
import Report
import Stages
import Tensors

/// The option that says how many processes share a run, where no launcher does.
struct ProcessOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Processes that share the work; torchrun, mpirun and srun say it themselves.",
            valueName: "n"))
    var nproc: Int?

    func validate() throws {
        if let nproc, nproc < 1 { throw ValidationError("--nproc must be at least 1") }
    }

    /// Where this process stands among those of a launcher; nil where none started it.
    private func place() throws(Diagnostic) -> ProcessPlace? {
        try ProcessPlace(ProcessInfo.processInfo.environment)
    }

    /// Whether a launcher started this process, among others.
    func isLaunched() throws(Diagnostic) -> Bool { try place() != nil }

    /// The number of processes.
    func count() throws(Diagnostic) -> Int { try place()?.meeting.size ?? nproc ?? 1 }

    /// Refuses several processes where an option has no use for them.
    func requireOne(for option: String) throws(Diagnostic) {
        let count = try count()
        guard count > 1 else { return }
        throw Diagnostic(
            "\(option) does not go with \(count) processes that share every stage",
            hint: "leave --nproc out, and start one process", exitCode: .usage)
    }

    /// Lets every process have its share of the processors, and of the devices.
    func share(_ options: inout RunOptions, _ flags: ExecutionFlags) throws(Diagnostic) {
        guard try count() > 1 else { return }
        let place = try place()
        let local = place?.localSize ?? nproc ?? 1
        let own = max(1, ProcessInfo.processInfo.activeProcessorCount / max(1, local))
        if flags.threads == nil { options.execution.threads = own }
        if flags.workers == nil { options.execution.workers = own }
        if let place, flags.device == "cuda" { options.execution.device = "cuda:\(place.localRank)" }
    }

    /// Follows process 0 to the end of its run, where this is not process 0 itself.
    ///
    /// - Returns: whether it did.
    func follow(_ flags: ExecutionFlags, isDry: Bool = false) throws -> Bool {
        guard let place = try place(), place.meeting.rank > 0 else { return false }
        if isDry { return true }
        var options = try flags.options()
        try share(&options, flags)
        let crew = try ProcessCrew.joined(place.meeting, hint: "")
        crew.endsWithLeader()
        try Follower(crew, catalog: stageCatalog, execution: options.execution).run()
        return true
    }

    /// Meets the processes that a launcher started; nil where this process is alone or is to start them itself.
    func launched() throws -> ProcessCrew? {
        guard let place = try place() else { return nil }
        if let nproc, nproc != place.meeting.size {
            throw Diagnostic(
                "--nproc asks for \(nproc) processes, but the launcher started \(place.meeting.size)",
                hint: "leave --nproc out", exitCode: .usage)
        }
        return ProcessCrew(
            try ProcessCrew.joined(place.meeting, hint: "start the same command again to go on"))
    }

    /// Meets the processes that share a command; nil where this process is alone.
    ///
    /// They are those of a launcher, or further ones that `--nproc` asks for, which get the same arguments.
    func meet(from folder: URL) throws -> ProcessCrew? {
        if let crew = try launched() { return crew }
        guard let nproc, nproc > 1 else { return nil }
        let arguments = Array(CommandLine.arguments.dropFirst())
        return try ProcessCrew.starting(nproc, in: folder, hint: "start the same command again to go on") {
            _ in arguments
        }
    }

    /// This process's share of the machine's processors.
    func threads() throws(Diagnostic) -> Int {
        max(1, ProcessInfo.processInfo.activeProcessorCount / max(1, try place()?.localSize ?? nproc ?? 1))
    }

    /// Starts further processes of this program, where `--nproc` asks for them and the plan has use for them.
    func started(for plan: Plan, of graph: Graph, _ options: RunOptions) throws -> ProcessCrew? {
        guard let nproc, nproc > 1, try place() == nil else { return nil }
        let isUseful = plan.stages.contains { stage in
            switch stage.state {
            case .run, .resume:
                graph.nodes.contains { $0.name == stage.node && type(of: $0.stage).sharing != .alone }
            case .cached, .blocked: false
            }
        }
        return isUseful ? try ProcessCrew.starting(nproc, options.execution) : nil
    }
}
