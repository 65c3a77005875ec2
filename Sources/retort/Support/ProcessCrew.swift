import Diagnostics
import Engine
import Foundation
import Stages
import Tensors

/// The crew of a run in process 0, with the processes that this one has started.
final class ProcessCrew {
    let crew: MeetingCrew
    private let children: [Process]

    init(_ crew: MeetingCrew, children: [Process] = []) {
        self.crew = crew
        self.children = children
    }

    /// Opens a meeting, or finds it, and waits for everybody.
    static func joined(_ place: Meeting.Place, hint: String) throws -> MeetingCrew {
        do {
            let meeting = try Meeting(place)
            try meeting.join()
            return MeetingCrew(meeting, hint: hint)
        } catch {
            throw problem(error, place)
        }
    }

    private static func problem(_ error: TorchError, _ place: Meeting.Place) -> Diagnostic {
        let missing = error.message.split(separator: "missing ").last.map(String.init)
        return Diagnostic(
            error.message.hasPrefix("missing ")
                ? "process \(missing ?? "") of \(place.size) did not come within a minute"
                : "process \(place.rank) of \(place.size) finds nobody at \(place.host):\(place.port): "
                    + error.message,
            hint: "all processes of a run start together; MASTER_ADDR and MASTER_PORT name process 0",
            exitCode: .unavailable)
    }

    /// Starts so many processes less one that follow a run, and meets them.
    static func starting(_ count: Int, _ execution: ExecutionOptions) throws -> ProcessCrew {
        try starting(count, hint: "go on with: retort resume --nproc \(count)") { rank in
            let device =
                execution.device == "cuda"
                ? "cuda:\(rank % max(1, Torch.cudaDeviceCount))" : execution.device
            return [
                "run", "--device", device, "--threads", "\(execution.threads)", "--workers",
                "\(execution.workers)",
            ]
        }
    }

    /// Starts so many processes of this program less one, in a folder, and meets them.
    static func starting(
        _ count: Int, in folder: URL? = nil, hint: String, arguments: (_ rank: Int) -> [String]
    ) throws -> ProcessCrew {
        let place = Meeting.Place(rank: 0, size: count)
        do {
            let meeting = try Meeting(place)
            let crew = MeetingCrew(meeting, hint: hint)
            let children = try (1..<count).map { rank in
                try start(arguments(rank), in: folder, rank, of: count, port: meeting.port) {
                    crew.noteEnd(of: rank)
                }
            }
            let started = ProcessCrew(crew, children: children)
            for second in 1... {
                do {
                    // In slices: a process that has ended already will not come.
                    try meeting.join(within: 1)
                    break
                } catch {
                    if let rank = crew.lost {
                        started.end()
                        throw Diagnostic(
                            "process \(rank) of \(count) ended before the work began",
                            hint: "start the run again",
                            exitCode: .stopped)
                    }
                    guard second < 60 else {
                        started.end()
                        throw error
                    }
                }
            }
            return started
        } catch let error as TorchError {
            throw problem(error, place)
        }
    }

    private static func start(
        _ arguments: [String], in folder: URL?, _ rank: Int, of count: Int, port: Int,
        whenEnded: @escaping @Sendable () -> Void
    ) throws -> Process {
        let process = Process()
        process.executableURL = URL(
            filePath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        process.arguments = arguments
        if let folder { process.currentDirectoryURL = folder }
        // These meet here, whatever has started this process.
        let inherited = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("TORCHELASTIC_") }
        process.environment = inherited.merging([
            "RANK": "\(rank)", "WORLD_SIZE": "\(count)", "LOCAL_RANK": "\(rank)",
            "LOCAL_WORLD_SIZE": "\(count)", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "\(port)",
        ]) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.terminationHandler = { _ in whenEnded() }
        try process.run()
        return process
    }

    /// Tells everybody that the run is over, and ends processes of this program's that stay.
    func dismiss() {
        crew.dismiss(within: 10)
        end()
    }

    private func end() {
        let end = ContinuousClock.now + .seconds(5)
        while children.contains(where: \.isRunning), ContinuousClock.now < end { usleep(20_000) }
        for child in children where child.isRunning { kill(child.processIdentifier, SIGKILL) }
    }
}

extension MeetingCrew {
    /// Ends this process as soon as process 0 is gone, whatever it is at: what it writes appears whole or not at all.
    func endsWithLeader() {
        let thread = Thread { [rank] in
            while !self.isDismissed {
                if self.lost != nil {
                    Terminal.errors.write("retort: process 0 is gone, so process \(rank) ends\n")
                    _exit(Diagnostics.ExitCode.stopped.rawValue)
                }
                usleep(500_000)
            }
        }
        thread.name = "watch"
        thread.start()
    }
}
