import Foundation
import TestSupport
import Testing

/// A real Slurm of two machines on the loopback interface; tests that need it are skipped where it is not installed.
final class Slurm: Sendable {
    static let isInstalled =
        geteuid() == 0
        && ["/usr/sbin/slurmctld", "/usr/sbin/slurmd", "/usr/sbin/munged", "/usr/bin/sbatch"].allSatisfy {
            FileManager.default.isExecutableFile(atPath: $0)
        }
    private static let script = Retort.root.appending(path: "Scripts/slurm-loopback").path

    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        let said = try Self.run([Self.script, "start", folder.url.appending(path: "s").path])
        try #require(said.contains("SLURM_CONF"), "\(said)")
        setenv("SLURM_CONF", folder.url.appending(path: "s/slurm.conf").path, 1)
    }

    deinit { _ = try? Self.run([Self.script, "stop", folder.url.appending(path: "s").path]) }

    @discardableResult
    static func run(_ words: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = words
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let said = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: said, as: UTF8.self)
    }

    /// The jobs that wait or run, as `id state stage`.
    func jobs() throws -> [String] {
        try Self.run(["squeue", "--me", "-h", "-o", "%i %T %j"]).split(separator: "\n").map(String.init)
    }

    /// The number of the job that executes a stage.
    func job(_ stage: String) throws -> String {
        let job = try #require(try jobs().first { $0.hasSuffix(" retort-\(stage)") })
        return String(job.prefix { $0 != " " })
    }
}

/// Stages as jobs of a cluster, through the built program.
@Suite(
    .serialized, .enabled(if: Slurm.isInstalled, "needs root, and Debian's packages slurm-wlm and munge"))
struct SlurmTests {
    /// `long` goes on as soon as a file is there; its state counts how often it began.
    private static let pipeline = """
        retort: 1
        name: cluster
        stages:
          a: {uses: shell, cmd: "hostname > $OUT/a; echo $SLURM_JOB_ID > $STATE/id", out: a, resources: {cpus: 1, memory: 100MiB, time: 5min, partition: main}}
          long: {uses: shell, cmd: "echo begun >> $STATE/begun; cp $STATE/begun started; until [ -e go ]; do sleep 0.1; done; cp $STATE/begun $OUT/x", in: a, out: x}
          other: {uses: shell, cmd: "cat $IN_a/a > $OUT/b", in: a, out: b}
          last: {uses: shell, cmd: "cat $IN_long/x > $OUT/c", in: [long, other], out: c}
        """

    private let retort: Retort

    init() throws {
        retort = try Retort()
        try retort.folder.write(Self.pipeline, to: "p.yaml")
    }

    private func wait(_ what: String, until condition: () throws -> Bool) throws {
        for _ in 0..<1500 {
            if try condition() { return }
            usleep(40_000)
        }
        Issue.record("waited in vain until \(what)")
    }

    private func isThere(_ file: String) -> Bool {
        FileManager.default.fileExists(atPath: retort.folder.appending(file).path)
    }

    private func states(_ outcome: Retort.Outcome) throws -> [String: String] {
        let stages = try outcome.json()["stages"] as? [String: [String: Any]] ?? [:]
        return stages.mapValues { $0["state"] as? String ?? "" }
    }

    @Test func `stages run as jobs, and a failure is told as usual`() throws {
        let slurm = try Slurm()
        // The cluster ends with the object, which would otherwise end with its last use.
        defer { withExtendedLifetime(slurm) {} }
        try retort.folder.write("", to: "go")
        let first = try retort.run("run", "p.yaml", "--executor", "slurm", "--json")
        #expect(first.code == 0, "\(first.errors)")
        #expect(Set(try states(first).values) == ["ran"])
        let again = try retort.run("run", "p.yaml", "--executor", "slurm", "--json")
        #expect(Set(try states(again).values) == ["cached"])
        let failed = try retort.run(
            "run", "p.yaml", "--executor", "slurm", "-s", "other.cmd=echo it hurts; exit 4")
        #expect(failed.code == 1)
        #expect(failed.errors.contains("error: the command of 'other' exited with 4:\n    it hurts"))
        let refused = try retort.run(
            "run", "p.yaml", "--executor", "slurm", "-s", "a.resources.partition=gone", "--force", "a")
        #expect(refused.code == 69)
        #expect(refused.errors.contains("error: sbatch refused the stage 'a': "), "\(refused.errors)")
    }

    @Test func `a run finds the jobs of one that died`() throws {
        let slurm = try Slurm()
        defer { withExtendedLifetime(slurm) {} }
        let run = try retort.start(["run", "p.yaml", "--executor", "slurm"])
        try wait("the job has begun") { isThere("started") }
        kill(run.processIdentifier, SIGKILL)
        run.waitUntilExit()
        let job = try slurm.job("long")
        let errors = retort.folder.appending("errors")
        try Data().write(to: errors)
        let second = try retort.start(
            ["run", "p.yaml", "--executor", "slurm"], errors: try FileHandle(forWritingTo: errors))
        try wait("the second run has found it") {
            try retort.folder.read("errors").contains("note: long: goes on in job \(job), which the run ")
        }
        #expect(try slurm.jobs().count { $0.hasSuffix(" retort-long") } == 1)
        try retort.folder.write("", to: "go")
        second.waitUntilExit()
        #expect(second.terminationStatus == 0)
        #expect(try String(decoding: retort.artifact("last", "c"), as: UTF8.self) == "begun\n")
    }

    @Test func `Ctrl-C stops the jobs, and their work is kept`() throws {
        let slurm = try Slurm()
        defer { withExtendedLifetime(slurm) {} }
        let run = try retort.start(["run", "p.yaml", "--executor", "slurm"])
        try wait("the job has begun") { isThere("started") }
        kill(run.processIdentifier, SIGINT)
        run.waitUntilExit()
        #expect(run.terminationStatus == 130)
        try wait("the queue is empty") { try slurm.jobs().isEmpty }
        let plan = try retort.run("plan", "p.yaml", "--json").json()["stages"] as? [String: [String: Any]]
        #expect(plan?["long"]?["state"] as? String == "resume")
        try retort.folder.write("", to: "go")
        #expect(try retort.run("run", "p.yaml", "-j", "2").code == 0)
        #expect(try String(decoding: retort.artifact("last", "c"), as: UTF8.self) == "begun\nbegun\n")
    }

    @Test func `a job whose time is up saves its work and is queued again`() throws {
        let slurm = try Slurm()
        defer { withExtendedLifetime(slurm) {} }
        let run = try retort.start(["run", "p.yaml", "--executor", "slurm"])
        try wait("the job has begun") { isThere("started") }
        let job = try slurm.job("long")
        // What Slurm sends two minutes before the end of a job's time.
        try Slurm.run(["scancel", "--batch", "--signal=USR1", job])
        try wait("it waits in the queue") { try slurm.jobs().contains("\(job) PENDING retort-long") }
        // The cluster lets requeued jobs wait for two minutes; an operator may not want to.
        try Slurm.run(["scontrol", "update", "JobId=\(job)", "StartTime=now"])
        try wait("it has begun again") { try retort.folder.read("started") == "begun\nbegun\n" }
        try retort.folder.write("", to: "go")
        run.waitUntilExit()
        #expect(run.terminationStatus == 0)
        #expect(try String(decoding: retort.artifact("last", "c"), as: UTF8.self) == "begun\nbegun\n")
    }

    @Test func `a job that the cluster ends fails its stage`() throws {
        let slurm = try Slurm()
        defer { withExtendedLifetime(slurm) {} }
        let output = Pipe()
        let run = try retort.start(["run", "p.yaml", "--executor", "slurm", "--json"], output: output)
        try wait("the job has begun") { isThere("started") }
        let job = try slurm.job("long")
        try Slurm.run(["scancel", "--full", "--signal=KILL", job])
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        run.waitUntilExit()
        #expect(run.terminationStatus == 1)
        let stages =
            try Retort.Outcome(code: 1, output: said, errors: "").json()["stages"] as? [String: [String: Any]]
        let message = try #require(stages?["long"]?["message"] as? String)
        #expect(message.contains("error: long: job \(job) "), "\(message)")
        #expect(message.contains("its work is kept"))
    }
}
