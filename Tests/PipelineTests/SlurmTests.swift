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
        // Beside other tests, a process may wait long for its turn.
        for _ in 0..<7500 {
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
        // The cluster lets requeued jobs wait for two minutes; an operator may not want to. Not at once: slurmd counts
        // in seconds, and refuses a job that it killed in the same one ("already killed, do not launch").
        try Slurm.run(["scontrol", "update", "JobId=\(job)", "StartTime=now+3"])
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

    @Test
    func `a job that is pushed aside goes on when it is queued again, and fails its stage when it is not`()
        throws
    {
        let slurm = try Slurm()
        defer { withExtendedLifetime(slurm) {} }
        func pushAside(_ job: String) throws -> String {
            let said = try Slurm.run([
                "sbatch", "--parsable", "-o", "/dev/null", "-p", "urgent", "-N2", "--exclusive",
                "--wrap=sleep 600",
            ])
            try wait("the job \(job) has given way") {
                try !slurm.jobs().contains("\(job) RUNNING retort-long")
            }
            return said.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        let ended = try retort.start(
            ["run", "p.yaml", "--executor", "slurm", "-s", "long.resources.partition=spare"])
        try wait("the job has begun") { isThere("started") }
        var urgent = try pushAside(slurm.job("long"))
        ended.waitUntilExit()
        #expect(ended.terminationStatus == 1)
        let log = try retort.run("status").output
        #expect(log.contains("error: long: job 2 was lost: PREEMPTED"), "\(log)")
        try Slurm.run(["scancel", urgent])

        let run = try retort.start(["run", "p.yaml", "--executor", "slurm"])
        try wait("it goes on in another") { try retort.folder.read("started") == "begun\nbegun\n" }
        let job = try slurm.job("long")
        urgent = try pushAside(job)
        try wait("it waits in the queue") { try slurm.jobs().contains("\(job) PENDING retort-long") }
        try Slurm.run(["scancel", urgent])
        try Slurm.run(["scontrol", "update", "JobId=\(job)", "StartTime=now+3"])
        try wait("it has begun again") { try retort.folder.read("started") == "begun\nbegun\nbegun\n" }
        try retort.folder.write("", to: "go")
        run.waitUntilExit()
        #expect(run.terminationStatus == 0)
        #expect(try String(decoding: retort.artifact("last", "c"), as: UTF8.self) == "begun\nbegun\nbegun\n")
    }

    // MARK: Several jobs for one stage

    private static let divided = """
        retort: 1
        name: divided
        data:
          pool: {kind: world, seed: 3, splits: {all: 120}}
        stages:
          net: {uses: pretrain, images: pool.all, architecture: vit_mini_patch4_32, steps: 1, batch_size: 8}
          embed: {uses: embed, model: net, images: [pool], shard_size: 20, resources: {jobs: 3, memory: 200MiB}}
        """

    /// The digest of a stage's artifact.
    private func digest(_ stage: String, _ arguments: String...) throws -> String {
        let path = try retort.run(["path", stage] + arguments).output.trimmingCharacters(
            in: .whitespacesAndNewlines)
        let data = try Data(contentsOf: URL(filePath: path).appending(path: "artifact.json"))
        let record = try JSONSerialization.jsonObject(with: data) as? [String: Any]
        let facts = record?["facts"] as? [String: Any]
        #expect(facts?["images_per_second"] as? Double ?? 1 > 0)
        return try #require(record?["digest"] as? String)
    }

    @Test func `a divided stage is an array of jobs, and its bytes are those of one process`() throws {
        let slurm = try Slurm()
        defer { withExtendedLifetime(slurm) {} }
        try retort.folder.write(Self.divided, to: "d.yaml")
        let one = try retort.run("run", "d.yaml", "--threads", "1", "--store", "one")
        #expect(one.code == 0, "\(one.errors)")
        let many = try retort.run("run", "d.yaml", "--executor", "slurm", "--json")
        #expect(many.code == 0, "\(many.errors)")
        #expect(many.errors.contains("note: embed: its parts are made by 3 jobs, array "), "\(many.errors)")
        #expect(try digest("embed") == digest("embed", "--store", "one"))
        let run = try #require(try many.json()["run"] as? String)
        let jobs = retort.folder.appending("Artifacts/runs/\(run)/jobs")
        for part in 0..<3 {
            let told = try String(
                contentsOf: jobs.appending(path: "embed.part-\(part).jsonl"), encoding: .utf8)
            #expect(told.contains("\"state\":\"ran\""), "\(told)")
        }
    }

    @Test func `an array that waits is found by the next run, and Ctrl-C takes it from the queue`() throws {
        let slurm = try Slurm()
        defer { withExtendedLifetime(slurm) {} }
        try retort.folder.write(Self.divided, to: "d.yaml")
        let before = try retort.run("run", "d.yaml", "--threads", "1", "--until", "net")
        #expect(before.code == 0, "\(before.errors)")
        // Jobs are taken, and wait.
        try Slurm.run(["scontrol", "update", "PartitionName=main", "State=DOWN"])
        let arguments = ["run", "d.yaml", "--executor", "slurm", "--json"]
        let first = try retort.start(arguments)
        func waiting() throws -> Int {
            try Slurm.run(["squeue", "--me", "-h", "-r", "-t", "PENDING", "-o", "%j"]).split(separator: "\n")
                .count { $0 == "retort-embed" }
        }
        try wait("four jobs wait") { try waiting() == 4 }
        kill(first.processIdentifier, SIGKILL)
        first.waitUntilExit()
        let errors = retort.folder.appending("errors")
        try Data().write(to: errors)
        let output = Pipe()
        let second = try retort.start(
            arguments, output: output, errors: try FileHandle(forWritingTo: errors))
        try wait("the second run has found them") {
            try retort.folder.read("errors").contains("note: embed: goes on in job ")
        }
        #expect(try waiting() == 4)
        kill(second.processIdentifier, SIGINT)
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        second.waitUntilExit()
        #expect(second.terminationStatus == 130)
        #expect(
            try states(Retort.Outcome(code: 130, output: said, errors: ""))["embed"] == "interrupted")
        try wait("the queue is empty") { try slurm.jobs().isEmpty }
        try Slurm.run(["scontrol", "update", "PartitionName=main", "State=UP"])
        #expect(try retort.run(arguments).code == 0)
    }

    @Test func `srun's processes share a run`() throws {
        let slurm = try Slurm()
        defer { withExtendedLifetime(slurm) {} }
        try retort.folder.write(Self.divided, to: "d.yaml")
        let one = try retort.run("run", "d.yaml", "--threads", "1", "--store", "one")
        #expect(one.code == 0, "\(one.errors)")
        try FileManager.default.copyItem(
            at: retort.folder.appending("one"), to: retort.folder.appending("two"))
        for (store, machines) in [("one", ["-N", "1"]), ("two", ["-N", "2"])] {
            let place = "MASTER_ADDR=" + (machines == ["-N", "1"] ? "" : "127.0.0.1")
            let said = try Slurm.run(
                ["env", "-C", retort.folder.url.path] + (machines == ["-N", "1"] ? [] : [place])
                    + ["srun", "-n", "2", "-l"] + machines
                    + [
                        Retort.program.path, "run", "d.yaml", "--threads", "1", "--store", store, "--force",
                        "embed", "--progress", "plain",
                    ])
            #expect(said.contains("0: stage=embed event=end state=ran"), "\(said)")
            #expect(!said.contains("1: stage="), "\(said)")
        }
        // Made again to the same bytes, an artifact stays where it is; other bytes would set the first aside.
        for store in ["one", "two"] {
            #expect(try retort.run("path", "embed", "--store", store).code == 0)
            #expect(!isThere("\(store)/quarantine"))
        }
        #expect(try digest("embed", "--store", "one") == digest("embed", "--store", "two"))
    }
}
