import Diagnostics
import Foundation
import Tensors

/// Where this process stands among those that a launcher started: torchrun, mpirun, srun, or Retort itself.
struct ProcessPlace: Equatable {
    /// Where the processes meet.
    var meeting: Meeting.Place
    /// This process's number among those of its machine.
    var localRank: Int
    /// The number of processes on its machine.
    var localSize: Int

    /// Reads what launchers say; nil where this process was started alone.
    ///
    /// - Throws: a `Diagnostic` for variables that contradict each other or lack something.
    init?(_ environment: [String: String]) throws(Diagnostic) {
        func number(_ name: String) -> Int? { environment[name].flatMap { Int($0) } }
        if !(environment["RANK"] ?? "").isEmpty, !(environment["WORLD_SIZE"] ?? "").isEmpty {
            try Self.check(["RANK", "WORLD_SIZE"], in: environment)
        }
        func text(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let found: (rank: Int, size: Int, by: String)
        // What tells the processes of one start from those of another; one allocation may hold several.
        let start: String?
        if let rank = number("RANK"), let size = number("WORLD_SIZE") {
            found = (rank, size, "RANK and WORLD_SIZE")
            start = text("TORCHELASTIC_RUN_ID").flatMap { $0 == "none" ? nil : "torchrun-\($0)" }
        } else if let rank = number("OMPI_COMM_WORLD_RANK"), let size = number("OMPI_COMM_WORLD_SIZE") {
            found = (rank, size, "OMPI_COMM_WORLD_RANK and OMPI_COMM_WORLD_SIZE")
            // mpirun starts those of other machines in steps of Slurm of which its own machine knows nothing.
            start = text("PMIX_NAMESPACE").map { "mpirun-\($0)" }
        } else if environment["SLURM_STEP_ID"] != nil, let rank = number("SLURM_PROCID"),
            let size = number("SLURM_STEP_NUM_TASKS") ?? number("SLURM_NTASKS")
        {
            // A batch script has tasks, too, but only srun starts several of them.
            found = (rank, size, "SLURM_PROCID and SLURM_NTASKS")
            start = ["srun", text("SLURM_JOB_ID"), text("SLURM_STEP_ID")].compactMap(\.self).joined(
                separator: "-")
        } else {
            return nil
        }
        guard found.size > 1 else { return nil }
        try Self.check(["LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_PORT"], in: environment)
        guard (0..<found.size).contains(found.rank) else {
            throw Diagnostic(
                "\(found.by) say that this is process \(found.rank) of \(found.size)",
                hint: "numbers begin at 0", exitCode: .usage)
        }
        localRank =
            number("LOCAL_RANK") ?? number("OMPI_COMM_WORLD_LOCAL_RANK") ?? number("SLURM_LOCALID") ?? 0
        localSize =
            number("LOCAL_WORLD_SIZE") ?? number("OMPI_COMM_WORLD_LOCAL_SIZE")
            ?? environment["SLURM_STEP_TASKS_PER_NODE"].flatMap {
                Self.tasks($0, on: number("SLURM_NODEID") ?? 0)
            } ?? number("SLURM_NTASKS_PER_NODE") ?? found.size
        guard
            let host = environment["MASTER_ADDR"]
                ?? (localSize == found.size ? "127.0.0.1" : nil)
                ?? environment["SLURM_STEP_NODELIST"].map(Self.firstHost)
        else {
            throw Diagnostic(
                "there are \(found.size) processes on several machines, but MASTER_ADDR is not set",
                hint: "set MASTER_ADDR to the host of process 0, and MASTER_PORT to a free port there",
                exitCode: .usage)
        }
        let job = start ?? text("SLURM_JOB_ID") ?? text("PMIX_NAMESPACE")
        meeting = Meeting.Place(
            rank: found.rank, size: found.size, host: host,
            port: number("MASTER_PORT") ?? job.map(Self.port) ?? 29_500)
        // A stranger at the same port is not taken for one of these.
        if let start { meeting.prefix = "/retort/\(start)" }
        if environment["TORCHELASTIC_USE_AGENT_STORE"] == "True" {
            // torchrun serves the store itself, and tells attempts apart.
            meeting.serves = false
            meeting.prefix = "/worker/attempt_\(environment["TORCHELASTIC_RESTART_COUNT"] ?? "0")"
        }
    }

    /// Refuses what should be a small number and is none.
    private static func check(_ names: [String], in environment: [String: String]) throws(Diagnostic) {
        for name in names {
            guard let text = environment[name], !text.isEmpty else { continue }
            guard let number = Int(text), (0...65_535).contains(number) else {
                throw Diagnostic(
                    "\(name) is '\(text)', which is no number of a process, of processes or of a port",
                    hint: "unset \(name) for one process, or let torchrun, mpirun, srun or --nproc set it",
                    exitCode: .usage)
            }
        }
    }

    /// The host on which they meet.
    var host: String { meeting.host }

    /// The first host of Slurm's list: `n[3-5,9],m1` → `n3`.
    static func firstHost(_ list: String) -> String {
        let head = list.prefix { $0 != "," && $0 != "[" }
        guard list.dropFirst(head.count).first == "[" else { return String(head) }
        return String(head + list.dropFirst(head.count + 1).prefix { $0.isNumber })
    }

    /// The tasks on one of the machines of Slurm's list: `2(x3),1` has 2 on each of the first three.
    static func tasks(_ list: String, on machine: Int) -> Int? {
        var left = machine
        for part in list.split(separator: ",") {
            let words = part.split { "(x)".contains($0) }.map { Int($0) }
            guard let count = words.first ?? nil else { return nil }
            let machines = words.count > 1 ? words[1] ?? 1 : 1
            if left < machines { return count }
            left -= machines
        }
        return nil
    }

    /// A port that the processes of one start agree about.
    static func port(of start: String) -> Int {
        start.utf8.reduce(7) { ($0 &* 31 &+ Int($1)) & 0xFFFF } % 20_000 + 20_000
    }
}
