import Foundation
import TestSupport
import Testing

/// Several processes of the built program, and what becomes of a run when one of them dies.
@Suite(.serialized) struct ProcessesTests {
    private let retort: Retort

    init() throws { retort = try Retort() }

    private func write(_ stages: String, to name: String) throws -> String {
        try retort.folder.write(
            """
            retort: 1
            name: shared
            data:
              target: {kind: world, seed: 2, splits: {train: 24, val: 8}}
              pool: {kind: world, seed: 3, splits: {all: 300}}
            \(stages)
            """, to: name
        ).path
    }

    /// The digest of a stage's artifact, from the JSON of a run.
    private func digest(_ outcome: Retort.Outcome, _ stage: String) throws -> String {
        let stages = try outcome.json()["stages"] as? [String: [String: Any]] ?? [:]
        let folder = try #require(stages[stage]?["artifact"] as? String, "\(outcome.errors)")
        let record = try JSONSerialization.jsonObject(
            with: Data(contentsOf: URL(filePath: folder).appending(path: "artifact.json")))
        return (record as? [String: Any])?["digest"] as? String ?? ""
    }

    @Test func `two processes embed, label and pseudo-label to the bytes of one`() throws {
        let teacher = try write(
            "stages:\n  teacher: {uses: pretrain, images: target.train, architecture: vit_mini_patch4_32, "
                + "steps: 1, batch_size: 8}", to: "teacher.yaml")
        #expect(try retort.run("run", teacher, "--until", "teacher", "--threads", "1").code == 0)
        try retort.artifact("teacher", "model.safetensors")
            .write(to: retort.folder.appending("teacher.safetensors"))
        let stages = """
            models:
              teacher: {file: teacher.safetensors, architecture: vit_mini_patch4_32}
              expert: {file: \(Fixtures.url("experts/segmentation.pt").path), architecture: torchscript, output: map, output_part: out, task: segmentation, image_size: 24, mean: [0, 0, 0], std: [1, 1, 1], classes: [dark, red, green, blue]}
            stages:
              embed: {uses: embed, model: teacher, images: [pool, target], shard_size: 40}
              labels: {uses: label, teacher: teacher, images: pool.all, views: 2}
              maps: {uses: pseudo-label, expert: expert, images: pool.all}
            """
        let file = try write(stages, to: "shared.yaml")
        let one = try retort.run("run", file, "--threads", "1", "--json", "--store", "one")
        #expect(one.code == 0, "\(one.errors)")
        let two = try retort.run("run", file, "--threads", "1", "--json", "--store", "two", "--nproc", "2")
        #expect(two.code == 0, "\(two.errors)")
        for stage in ["embed", "labels", "maps"] { #expect(try digest(one, stage) == digest(two, stage)) }
        let again = try retort.run("run", file, "--json", "--store", "two", "--nproc", "2")
        #expect(try digest(again, "labels") == digest(two, "labels"))
        #expect(!again.errors.contains("RUN"))
        // A stage that sums comes to an end in every process: the next one is shared, too.
        let learned = try write(
            stages
                + "\n  student: {uses: distill, teacher: expert, images: pool.all, answers: online, student: dwcnn_xs, "
                + "head: linear-dense, image_size: 24, steps: 2, batch_size: 8}\n"
                + "  after: {uses: embed, model: student, images: pool}\n", to: "learned.yaml")
        let third = try retort.run(
            "run", learned, "--threads", "1", "--json", "--store", "two", "--nproc", "2", "--until", "after")
        #expect(third.code == 0, "\(third.errors)")
    }

    // MARK: - Deaths

    private static let training =
        "stages:\n  net: {uses: fine-tune, architecture: vit_mini_patch4_32, train: target.train, "
        + "val: target.val, steps: 240, batch_size: 8, ema: 0.9}"

    /// The processes that a process has started.
    private func children(of process: Process) -> [Int32] {
        let own = "\(process.processIdentifier)"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { name in
            guard let number = Int32(name),
                let text = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8),
                let end = text.lastIndex(of: ")")
            else { return nil }
            let fields = text[end...].split(separator: " ")
            return fields.count > 2 && fields[1] != "Z" && fields[2] == own ? number : nil
        }
    }

    private func isAlive(_ process: Int32) -> Bool {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return false }
        return text[end...].split(separator: " ").dropFirst().first != "Z"
    }

    /// When the checkpoint of the stage in work was written; nil while there is none.
    private func checkpointDate(_ store: String) -> Date? {
        let work = retort.folder.appending("\(store)/work")
        let keys = (try? FileManager.default.contentsOfDirectory(atPath: work.path)) ?? []
        return keys.compactMap {
            let file = work.appending(path: "\($0)/state/training.safetensors").path
            return try? FileManager.default.attributesOfItem(atPath: file)[.modificationDate] as? Date
        }.first
    }

    private func wait(upTo seconds: Double, _ what: Comment, until isTrue: () -> Bool) {
        let end = Date() + seconds
        while !isTrue() {
            guard Date() < end else {
                Issue.record(what)
                return
            }
            usleep(50_000)
        }
    }

    /// Starts the run, and returns in the middle of the training, after a checkpoint.
    private func startTraining(_ arguments: [String], errors: URL) throws -> Process {
        try Data().write(to: errors)
        let before = checkpointDate("hit")
        let process = try retort.start(arguments, errors: try FileHandle(forWritingTo: errors))
        wait(upTo: 120, "no checkpoint came") { checkpointDate("hit") != before || !process.isRunning }
        #expect(process.isRunning)
        return process
    }

    @Test func `deaths on both sides and a signal end with the bytes of an undisturbed run`() throws {
        let file = try write(Self.training, to: "training.yaml")
        let arguments = ["run", file, "--until", "net", "--threads", "1", "--nproc", "2", "--store", "hit"]
        let errors = retort.folder.appending("errors.txt")

        // The other process is killed: the run stops within a minute, and says how to go on.
        var process = try startTraining(arguments, errors: errors)
        var others = children(of: process)
        #expect(others.count == 1)
        var began = Date()
        kill(others[0], SIGKILL)
        process.waitUntilExit()
        #expect(process.terminationStatus == 75)
        #expect(Date().timeIntervalSince(began) < 60)
        let said = try String(contentsOf: errors, encoding: .utf8)
        #expect(
            said.contains(
                """
                error: process 1 of 2 was lost
                  hint: finished work is kept; go on with: retort resume --nproc 2
                """), "\(said)")

        // Ctrl-C.
        process = try startTraining(
            ["resume", "--threads", "1", "--nproc", "2", "--store", "hit"], errors: errors)
        others = children(of: process)
        kill(process.processIdentifier, SIGINT)
        process.waitUntilExit()
        #expect(process.terminationStatus == 130)
        #expect(others.count == 1 && !isAlive(others[0]))

        // Process 0 is killed: the other one ends by itself.
        process = try startTraining(arguments, errors: errors)
        others = children(of: process)
        began = Date()
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        wait(upTo: 60, "the other process stays") { !isAlive(others[0]) }
        #expect(others.count == 1 && Date().timeIntervalSince(began) < 60)

        let last = try retort.run(
            "run", file, "--until", "net", "--threads", "1", "--nproc", "2", "--store", "hit", "--json")
        #expect(last.code == 0, "\(last.errors)")
        let calm = try retort.run(
            "run", file, "--until", "net", "--threads", "1", "--nproc", "2", "--store", "calm", "--json")
        #expect(try digest(last, "net") == digest(calm, "net"))
    }

    // MARK: - Launchers

    @Test func `processes that a launcher started find each other`() throws {
        let file = try write(
            "stages:\n  net: {uses: pretrain, images: target.train, architecture: vit_mini_patch4_32, "
                + "steps: 1, batch_size: 8}", to: "launched.yaml")
        let port = "\(Int.random(in: 20_000..<30_000))"
        let arguments = ["run", file, "--until", "net", "--threads", "1"]
        func environment(_ rank: Int) -> [String: String] {
            [
                "OMPI_COMM_WORLD_RANK": "\(rank)", "OMPI_COMM_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": port,
            ]
        }
        let output = Pipe()
        let other = try retort.start(arguments, output: output, environment: environment(1))
        let first = try retort.start(arguments, environment: environment(0))
        first.waitUntilExit()
        #expect(first.terminationStatus == 0)
        #expect(output.fileHandleForReading.readDataToEndOfFile().isEmpty)
        other.waitUntilExit()
        #expect(other.terminationStatus == 0)
        let plan = try retort.run("plan", file, "--nproc", "2", "--until", "net", "--detailed-exitcode")
        #expect(plan.code == 0, "\(plan.output)")
        let alone = try retort.run("plan", file, "--until", "net", "--detailed-exitcode")
        #expect(alone.code == 2)
        #expect(alone.output.contains("numerics fp32 in 2 processes → fp32"), "\(alone.output)")
    }

    @Test func `the processes of one that torchrun started alone meet by themselves`() throws {
        let file = try write(
            "stages:\n  net: {uses: pretrain, images: target.train, architecture: vit_mini_patch4_32, "
                + "steps: 1, batch_size: 8}", to: "alone.yaml")
        let process = try retort.start(
            ["run", file, "--until", "net", "--threads", "1", "--nproc", "2"],
            environment: [
                "RANK": "0", "WORLD_SIZE": "1", "TORCHELASTIC_USE_AGENT_STORE": "True",
                "TORCHELASTIC_RUN_ID": "a", "TORCHELASTIC_RESTART_COUNT": "1",
            ])
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    @Test func `variables that contradict each other are refused`() throws {
        let errors = retort.folder.appending("errors.txt")
        try Data().write(to: errors)
        let process = try retort.start(
            ["run"], errors: try FileHandle(forWritingTo: errors),
            environment: ["RANK": "2", "WORLD_SIZE": "2"])
        process.waitUntilExit()
        #expect(process.terminationStatus == 64)
        #expect(
            try String(contentsOf: errors, encoding: .utf8) == """
                error: RANK and WORLD_SIZE say that this is process 2 of 2
                  hint: numbers begin at 0

                """)
    }
}
