import Foundation
import TestSupport
import Testing

/// The verbs that look after a store, through the built program.
@Suite struct HousekeepingTests {
    private func store() throws -> Retort {
        let retort = try Retort()
        try retort.folder.write(
            """
            retort: 1
            name: kept
            data:
              world: {kind: world, size: 16, splits: {train: 16, test: 8}}
            stages:
              student: {uses: fine-tune, architecture: dwcnn_xs, train: world.train, steps: 2, batch_size: 8}
              eval: {uses: evaluate, models: [student], images: world.test}

            """, to: "kept.yaml")
        let run = try retort.run("run", "kept.yaml", "--progress", "none")
        #expect(run.code == 0, "\(run.errors)")
        return retort
    }

    @Test func `verify names the artifact and the file that are damaged`() throws {
        let retort = try store()
        #expect(try retort.run("verify", "--json").json()["objects"] as? Int == 3)
        let folder = try retort.run("path", "student").output.trimmingCharacters(in: .whitespacesAndNewlines)
        let file = URL(filePath: folder).appending(path: "model.safetensors")
        var bytes = try Data(contentsOf: file)
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: file)
        let outcome = try retort.run("verify", "--json")
        #expect(outcome.code == 65)
        let found = try outcome.json()
        #expect(found["objects"] as? Int == 3)
        let damaged = try #require(found["damaged"] as? [[String: String]])
        #expect(damaged.map { $0["artifact"] } == [URL(filePath: folder).lastPathComponent])
        #expect(damaged.map { $0["file"] } == ["model.safetensors"])
        #expect(try retort.run("verify", "--repair").code == 65)
        #expect(try retort.run("run", "kept.yaml", "--progress", "none").code == 0)
        #expect(try retort.run("verify").code == 0)
        #expect(try retort.artifact("student", "model.safetensors") != bytes)
    }

    @Test func `a scan's hashes are a record that verify reads and a forced scan puts right`() throws {
        let retort = try store()
        let folder = try retort.run("path", "world").output.trimmingCharacters(in: .whitespacesAndNewlines)
        let file = URL(filePath: folder).appending(path: "perceptual.safetensors")
        let whole = try Data(contentsOf: file)
        var bytes = whole
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: file)
        let found = try retort.run("verify")
        #expect(found.code == 65)
        #expect(found.output.contains("perceptual.safetensors has other bytes than were published"))
        #expect(try retort.run("run", "kept.yaml", "--force", "world", "--progress", "none").code == 0)
        #expect(try retort.run("verify").code == 0)
        #expect(try retort.artifact("world", "perceptual.safetensors") == whole)
        // Where the images lie is written anew when it cannot be read.
        try Data("?".utf8).write(to: URL(filePath: folder).appending(path: "source.json"))
        #expect(try retort.run("run", "kept.yaml", "--progress", "none").code == 0)
    }

    private static let commands = """
        retort: 1
        name: commands
        stages:
          a: {uses: shell, cmd: "echo a > $OUT/a", out: a, ephemeral: true}
          b: {uses: shell, cmd: "cat $IN_a/a > $OUT/b; test ! -e stop || exit 4", in: a, out: b}
          c: {uses: shell, cmd: "cat $IN_b/b > $OUT/c; test ! -e slow || sleep 60", in: b, out: c}
        """

    private func commands() throws -> Retort {
        let retort = try Retort()
        try retort.folder.write(Self.commands, to: "c.yaml")
        return retort
    }

    @Test func `a run goes on until a stage that is named, and what failed is called failed`() throws {
        let retort = try commands()
        try retort.folder.write("", to: "stop")
        #expect(try retort.run("run", "c.yaml").code == 1)
        let plan = try retort.run("plan", "c.yaml")
        #expect(plan.output.contains("it failed: the command of 'b' exited with 4"), "\(plan.output)")
        let run = try #require(
            try FileManager.default.contentsOfDirectory(
                atPath: retort.folder.appending("Artifacts/runs").path
            ).max())
        let wrong = try retort.run("resume", run, "bb")
        #expect(wrong.code == 64)
        #expect(
            wrong.errors.contains("the run \(run) has no stage 'bb'\n  hint: did you mean 'b'?"),
            "\(wrong.errors)")
        try FileManager.default.removeItem(at: retort.folder.appending("stop"))
        let resumed = try retort.run("resume", run, "b", "--json")
        #expect(resumed.code == 0, "\(resumed.errors)")
        let stages = try #require(try resumed.json()["stages"] as? [String: [String: Any]])
        #expect(stages["b"]?["state"] as? String == "ran")
        #expect(stages["c"] == nil)
        #expect(try retort.run("resume", run).code == 0)
        #expect(try retort.run("plan", "c.yaml", "--detailed-exitcode").code == 0)
    }

    @Test func `what was dropped is said to be so, and how it is made again`() throws {
        let retort = try commands()
        #expect(try retort.run("run", "c.yaml").code == 0)
        #expect(try retort.run("run", "c.yaml", "-s", "c.cmd=cat $IN_b/b > $OUT/c; true").code == 0)
        let why = try retort.run("why", "a", "c.yaml")
        #expect(
            why.output.hasPrefix(
                "a is not in the store, and nothing it is made from has changed:\n  dropped; "))
        #expect(!why.output.contains("/store/"), "\(why.output)")
        #expect(try retort.run("why", "b", "c.yaml").output.contains("/store/"))
        let blocked = try retort.run("run", "c.yaml", "--only", "b", "--force", "b")
        #expect(blocked.code == 1)
        #expect(
            blocked.errors.contains(
                "error: 'b' cannot be executed: 'a' was dropped, and is not selected; '--from a' makes it again"
            ),
            "\(blocked.errors)")
        #expect(try retort.run("run", "c.yaml", "--from", "a", "--force", "b").code == 0)

        let runs = try FileManager.default.contentsOfDirectory(
            atPath: retort.folder.appending("Artifacts/runs").path
        ).sorted().prefix(2)
        let compared = try retort.run(["why", "c"] + runs)
        #expect(compared.output.hasPrefix("c differs in 1 of "), "\(compared.errors)")
        #expect(try retort.run(["why", "c", "c.yaml"] + runs).output == compared.output)
        let one = try retort.run("why", "c", "c.yaml", runs[0])
        #expect(one.code == 64)
        #expect(one.errors.contains("two runs are compared, not 1\n  hint: retort why STAGE RUN RUN"))
        let alone = try retort.run("why", "c", runs[0])
        #expect(alone.code == 64)
        #expect(
            alone.errors == """
                error: '\(runs[0])' is a run, and no pipeline file; two runs are compared, not one
                  hint: retort why c \(runs[0]) RUN

                """)
        let unknown = try retort.run("why", "zz", "c.yaml")
        #expect(unknown.code == 64)
        #expect(
            unknown.errors == """
                error: the pipeline has no stage 'zz'
                  hint: the stages are a, b, c

                """)
    }

    @Test(arguments: [
        (["plann", "c.yaml"], "'retort' has no verb 'plann'", "did you mean 'plan'?"),
        (["-C", ".", "--json", "quux"], "'retort' has no verb 'quux'", "'retort --help' lists the verbs"),
        (
            ["model", "inof", "x"], "'retort model' has no verb 'inof'",
            "'retort model --help' lists the verbs"
        ),
        (["export", "image"], "'retort export' has no verb 'image'", "did you mean 'images'?"),
    ])
    func `a word that is no verb is answered with the one that was meant`(
        _ words: [String], _ message: String, _ hint: String
    ) throws {
        let outcome = try Retort().run(words)
        #expect(outcome.code == 64)
        #expect(outcome.errors == "error: \(message)\n  hint: \(hint)\n")
    }

    @Test func `going on keeps to what was asked for, with a profile whose name has a blank`() throws {
        let retort = try commands()
        let file = retort.folder.appending("c.yaml")
        let profile = "\nprofiles:\n  my profile: {b: {env: {WORD: x}}}\n"
        try (String(contentsOf: file, encoding: .utf8) + profile).write(
            to: file, atomically: true, encoding: .utf8)
        for _ in 0..<2 {
            #expect(try retort.run("run", "c.yaml", "-p", "my profile", "--until", "b").code == 0)
        }
        let resumed = try retort.run("resume", "--json", "--use", "current")
        #expect(resumed.code == 0, "\(resumed.errors)")
        let stages = try #require(try resumed.json()["stages"] as? [String: [String: Any]])
        #expect(stages.mapValues { $0["state"] as? String } == ["a": "cached", "b": "cached"])
        let run = try #require(try resumed.json()["run"] as? String)
        let report = try retort.run("report", run)
        #expect(report.code == 0, "\(report.errors)")
        let text = try String(
            contentsOf: retort.folder.appending("Artifacts/runs/\(run)/report.md"), encoding: .utf8)
        #expect(text.contains("retort run c.yaml -p 'my profile' --until b\n"), "\(text)")
        #expect(text.contains("retort resume --json --use current"), "\(text)")

        try "retort: [".write(to: file, atomically: true, encoding: .utf8)
        let broken = try retort.run("resume")
        #expect(broken.code == 0, "\(broken.errors)")
        #expect(
            broken.errors.contains("it cannot be told whether c.yaml has changed since the run began: "),
            "\(broken.errors)")
        #expect(broken.errors.contains("hint: the run goes on with the pipeline as it was"))
    }

    @Test func `a stage that another process is at is called busy, and how to wait for it`() throws {
        let retort = try commands()
        try retort.folder.write("", to: "slow")
        let other = try retort.start(["run", "c.yaml", "--progress", "none"])
        defer {
            other.terminate()
            other.waitUntilExit()
        }
        let work = retort.folder.appending("Artifacts/work").path
        // The last command lasts: what it writes is there once it has begun.
        func isAtC() -> Bool {
            let keys = (try? FileManager.default.contentsOfDirectory(atPath: work)) ?? []
            return keys.contains { FileManager.default.fileExists(atPath: "\(work)/\($0)/output/c") }
        }
        while !isAtC(), other.isRunning { usleep(10_000) }
        let busy = try retort.run("run", "c.yaml")
        #expect(busy.code == 75)
        #expect(
            busy.errors.contains("is making 'c'\n  hint: wait for it, or let this run wait: --wait 10min"))
        #expect(busy.errors.contains(" --wait 10min\n"), "\(busy.errors)")
        #expect(busy.output.contains("1 busy elsewhere"), "\(busy.output)")
        let plan = try retort.run("plan", "c.yaml", "c")
        #expect(
            plan.output.contains("process \(other.processIdentifier) is making it right now"),
            "\(plan.output)")
    }

    @Test func `replayed stages make the same bytes`() throws {
        let retort = try store()
        let outcome = try retort.run("verify", "--replay", "3", "--json")
        #expect(outcome.code == 0, "\(outcome.output)\(outcome.errors)")
        let replayed = try #require(try outcome.json()["replayed"] as? [[String: Any]])
        #expect(Set(replayed.compactMap { $0["node"] as? String }) == ["world", "student", "eval"])
        #expect(replayed.allSatisfy { ($0["files"] as? [String]) == [] })
    }

    @Test func `what is pinned survives everything that gc is asked`() throws {
        let retort = try store()
        #expect(try retort.run("pin", "student").output.hasPrefix("pinned student of "))
        #expect(try retort.run("du").output.contains("pinned\n  student of "))
        let dry = try retort.run("gc", "--max-size", "0B")
        #expect(
            dry.output.contains("would delete store/") && dry.output.contains("eval (evaluate): last used"))
        #expect(dry.output.contains("    eval (kept) must be made again, which took "))
        #expect(dry.output.contains("pinned student of "))
        #expect(!dry.output.contains("student (fine-tune)") && !dry.output.contains("world (world)"))
        #expect(dry.errors.contains("nothing was deleted"))
        let wet = try retort.run("gc", "--max-size", "0B", "--delete", "--json")
        let folders = try #require(try wet.json()["folders"] as? [[String: Any]])
        #expect(folders.compactMap { $0["name"] as? String } == ["eval (evaluate)"])
        #expect(try retort.run("unpin", "student").code == 0)
        #expect(try retort.run("unpin", "student").code == 64)
        let plan = try retort.run("plan", "kept.yaml", "--detailed-exitcode")
        #expect(plan.code == 2 && plan.output.contains("CACHED"), "\(plan.output)")
    }

    @Test func `doctor puts right what it says is wrong`() throws {
        let retort = try store()
        try FileManager.default.removeItem(at: retort.folder.appending("Artifacts/nodes/kept/eval.json"))
        #expect(try retort.run("doctor").output.contains("1 node-history"))
        let mended = try retort.run("doctor", "--repair")
        #expect(
            mended.output == """
                node-history nodes/kept/eval.json: read from the newest run that has it
                1 thing put right

                """)
        #expect(try retort.run("doctor").output.contains("as they should be"))
    }

    @Test func `a store that is not there is said not to be, and is not made`() throws {
        let retort = try Retort()
        try retort.folder.write("a file", to: "file")
        try FileManager.default.createDirectory(
            at: retort.folder.appending("empty"), withIntermediateDirectories: true)
        let verbs = [
            ["verify"], ["gc"], ["gc", "--delete"], ["du"], ["doctor", "--repair"], ["pin"], ["unpin", "x"],
            ["runs"],
            ["status"],
        ]
        for name in ["nowhere", "file", "empty"] {
            for verb in verbs {
                let outcome = try retort.run(verb + ["--store", name])
                #expect(outcome.code == 66, "\(verb) \(name)")
                #expect(
                    outcome.errors == """
                        error: there is no store at '\(retort.folder.appending(name).path)'
                          hint: the first run makes it; name another with --store or RETORT_HOME

                        """, "\(verb) \(name)")
                #expect(outcome.output == "")
            }
        }
        #expect(!FileManager.default.fileExists(atPath: retort.folder.appending("nowhere").path))
        // A project that never ran has nothing to show; but nothing was checked, and nothing can go.
        for verb in ["runs", "du", "pin"] { #expect(try retort.run(verb).code == 0, "\(verb)") }
        for verb in ["verify", "gc"] { #expect(try retort.run(verb).code == 66, "\(verb)") }
    }

    @Test func `a run that cannot be read is no obstacle to the others`() throws {
        let retort = try commands()
        #expect(try retort.run("run", "c.yaml").code == 0)
        #expect(try retort.run("run", "c.yaml", "-s", "c.cmd=cat $IN_b/b > $OUT/c; true").code == 0)
        let runs = try FileManager.default.contentsOfDirectory(
            atPath: retort.folder.appending("Artifacts/runs").path
        ).sorted()
        try retort.folder.write("{\"half", to: "Artifacts/runs/\(runs[1])/result.json")
        try retort.folder.write("{", to: "Artifacts/pins/artifact-x.json")
        let list = try retort.run("runs")
        #expect(list.code == 0, "\(list.errors)")
        let lines = list.output.split(separator: "\n")
        #expect(lines[0].hasPrefix("\(runs[1])  unreadable"), "\(list.output)")
        #expect(lines[0].hasSuffix("result.json cannot be read"))
        #expect(lines[1].hasPrefix("\(runs[0])  succeeded"))
        let status = try retort.run("status")
        #expect(status.code == 74)
        #expect(
            status.output == """
                commands \(runs[1]): unreadable
                  result.json cannot be read: 'retort doctor --repair' puts the run aside

                """)
        for verb in ["status", "report", "resume"] {
            #expect(try retort.run(verb, runs[0]).code == 0, "\(verb)")
        }
        let pins = try retort.run("pin")
        #expect(pins.code == 0)
        #expect(
            pins.errors.contains(
                """
                warning: pins/artifact-x.json cannot be read: nobody knows what it keeps
                  hint: pin that again, and 'retort doctor --repair' puts this one aside

                """), "\(pins.errors)")
        #expect(try retort.run("gc").code == 74)
        let mended = try retort.run("doctor", "--repair")
        #expect(
            mended.output == """
                unreadable-run runs/\(runs[1]): moved to quarantine/: result.json cannot be read
                unreadable-pin pins/artifact-x.json: moved to quarantine/
                2 things put right

                """)
        #expect(try retort.run("gc").code == 0)
    }

    @Test func `what lies among the artifacts and is none is no damage`() throws {
        let retort = try commands()
        #expect(try retort.run("run", "c.yaml").code == 0)
        try retort.folder.write("what this is", to: "Artifacts/store/README")
        let outcome = try retort.run("verify")
        #expect(outcome.code == 0)
        #expect(outcome.errors == "store/README is no artifact, and was not checked\n")
        #expect(outcome.output.hasSuffix("checked, 0 damaged\n"))
    }

    @Test func `a folder that may not be written is made again, and goes`() throws {
        let retort = try Retort()
        try retort.folder.write(
            """
            retort: 1
            name: closed
            stages:
              a: {uses: shell, cmd: "mkdir $OUT/in && echo a > $OUT/in/a && chmod 555 $OUT/in && test ! -e stop", out: in/a}

            """, to: "c.yaml")
        try retort.folder.write("", to: "stop")
        #expect(try retort.run("run", "c.yaml").code == 1)
        try FileManager.default.removeItem(at: retort.folder.appending("stop"))
        let second = try retort.run("run", "c.yaml")
        #expect(second.code == 0, "\(second.errors)")
        let deleted = try retort.run("gc", "--max-size", "0B", "--delete")
        #expect(deleted.code == 0, "\(deleted.errors)")
    }

    @Test func `a log can be followed until the run is over`() throws {
        let retort = try store()
        let output = Pipe()
        let process = try retort.start(
            ["run", "kept.yaml", "--progress", "none", "-s", "student.seed=1", "-s", "student.steps=12"])
        // A run is there when its plan is.
        let runs = retort.folder.appending("Artifacts/runs")
        func planned() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: runs.path).count {
                FileManager.default.fileExists(atPath: runs.appending(path: "\($0)/plan.json").path)
            }
        }
        while try planned() < 2, process.isRunning { usleep(10_000) }
        let follower = try retort.start(["log", "-f", "--json"], output: output)
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        follower.waitUntilExit()
        let events = said.split(separator: "\n")
        #expect(events.first?.contains("\"event\":\"run-started\"") ?? false)
        #expect(events.last?.contains("\"event\":\"run-ended\"") ?? false)
        #expect(events.count { $0.contains("\"event\":\"stage-ended\"") } == 3)
    }
}
