import Foundation
import TestSupport

@testable import Engine

/// Scripts in place of a cluster's programs: what they say stands in files, and what they are asked is written down.
final class FakeSlurm: Sendable {
    let folder: TemporaryFolder

    /// No job waits or runs, nothing fails, and there is no accounting.
    init() throws {
        folder = try TemporaryFolder()
        try folder.write("", to: "squeue.output")
        try folder.write("sacct: error: no accounting\n", to: "sacct.errors")
        for name in ["sbatch", "squeue", "scancel", "sacct"] { try add(name) }
    }

    /// A program that prints `name.output`, or fails with `name.errors` where that is there.
    private func add(_ name: String) throws {
        let path = folder.url.path
        let file = try folder.write(
            """
            #!/bin/sh
            cd \(path)
            echo "$@" >> \(name).asked
            if [ \(name) = sbatch ] && [ "$1" != --version ]; then
                cat > /dev/null
                echo x >> count
                echo $((10 + $(wc -l < count)))
            fi
            if [ -e \(name).errors ]; then cat \(name).errors >&2; exit 1; fi
            cat \(name).output 2>/dev/null
            exit 0

            """, to: "bin/\(name)")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
    }

    func executor() throws -> SlurmExecutor {
        try SlurmExecutor(
            program: URL(filePath: "/bin/true"), interval: 0,
            environment: ["PATH": folder.appending("bin").path + ":/usr/bin:/bin"])
    }

    /// What `squeue` answers from now on: `11 RUNNING 0 comment`.
    func queue(_ lines: String...) throws { try set("squeue.output", lines.joined(separator: "\n") + "\n") }

    /// Lets a program fail from now on, or succeed.
    func fail(_ name: String, _ message: String?) throws {
        if let message { return try set("\(name).errors", message + "\n") }
        try FileManager.default.removeItem(at: folder.appending("\(name).errors"))
    }

    /// What accounting says of any job.
    func account(_ word: String) throws {
        try? fail("sacct", nil)
        try set("sacct.output", word + "\n")
    }

    private func set(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: folder.appending(name), options: .atomic)
    }

    /// The arguments with which a program was called, call by call.
    func asked(_ name: String) -> [String] {
        ((try? folder.read("\(name).asked")) ?? "").split(separator: "\n").map(String.init)
    }

    /// A job of a store that nobody looks into.
    func job(_ change: (inout Job) -> Void = { _ in }) -> Job {
        var job = Job(
            run: "1", node: "a", key: "k", store: folder.appending("store"), directory: folder.url,
            execution: ExecutionOptions(), resources: StageResources(), isForced: false, patience: 0)
        change(&job)
        return job
    }

    /// The comment by which a job is found again.
    func comment(_ job: Job) -> String {
        let option = SlurmExecutor.options(job).first { $0.hasPrefix("--comment=") }
        return String(option?.dropFirst("--comment=".count) ?? "")
    }
}
