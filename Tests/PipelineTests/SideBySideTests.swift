import Foundation
import TestSupport
import Testing

/// Stages side by side in processes of their own, through the built program.
@Suite(.serialized) struct SideBySideTests {
    private static let shells = """
        retort: 1
        name: shells
        stages:
          a: {uses: shell, cmd: "echo a > $OUT/a", out: a}
          long: {uses: shell, cmd: "echo $$ > pid; sleep 60 & wait; echo never > $OUT/x", in: a, out: x}
          other: {uses: shell, cmd: "cat $IN_a/a > $OUT/b", in: a, out: b}
          last: {uses: shell, cmd: "cat $IN_long/x $IN_other/b > $OUT/c", in: [long, other], out: c}
        """

    private func digests(_ retort: Retort) throws -> [String: String] {
        let artifacts = retort.folder.appending("Artifacts/store")
        var digests: [String: String] = [:]
        for key in try FileManager.default.contentsOfDirectory(atPath: artifacts.path) {
            let data = try Data(contentsOf: artifacts.appending(path: "\(key)/artifact.json"))
            let record = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
            digests[try #require(record["node"] as? String)] = record["digest"] as? String
        }
        return digests
    }

    /// Waits until a file has a line, and returns it.
    private func line(of path: String, in retort: Retort) throws -> String {
        for _ in 0..<12_000 {
            if let text = try? retort.folder.read(path), text.hasSuffix("\n") { return text.trimmed }
            usleep(10_000)
        }
        throw CocoaError(.fileReadNoSuchFile)
    }

    /// The process that executes a stage.
    private func job(_ node: String, of retort: Retort) throws -> pid_t? {
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
            guard let process = pid_t(name), process != getpid(),
                let words = try? String(contentsOfFile: "/proc/\(name)/cmdline", encoding: .utf8)
                    .split(separator: "\0"), words.contains("execute"), words.contains(Substring(node)),
                words.contains(Substring(retort.folder.url.appending(path: "Artifacts").path))
            else { continue }
            return process
        }
        return nil
    }

    private func states(_ outcome: Retort.Outcome) throws -> [String: String] {
        let stages = try outcome.json()["stages"] as? [String: [String: Any]] ?? [:]
        return stages.mapValues { $0["state"] as? String ?? "" }
    }

    @Test func `processes share the processors`() throws {
        let retort = try Retort()
        try retort.folder.write(
            """
            retort: 1
            name: pair
            stages:
              a: {uses: shell, cmd: "echo a > $OUT/x", out: x}
              b: {uses: shell, cmd: "echo b > $OUT/x", out: x, resources: {threads: 3}}
            """, to: "p.yaml")
        #expect(try retort.run("run", "p.yaml", "-j", "2").code == 0)
        func numerics(_ stage: String) throws -> [String: String] {
            let record = try JSONSerialization.jsonObject(with: retort.artifact(stage, "artifact.json"))
            return try #require((record as? [String: Any])?["numerics"] as? [String: String])
        }
        let (a, b) = (try numerics("a"), try numerics("b"))
        #expect(a["threads"] == "\(max(1, ProcessInfo.processInfo.activeProcessorCount / 2))")
        #expect(b["threads"] == "3")
        for facts in [a, b] {
            #expect(["device", "kernels", "libtorch", "processor", "retort"].allSatisfy { facts[$0] != nil })
        }
    }

    /// The number of threads is given: libtorch's sums depend on it.
    @Test func `a pipeline ends with the same bytes, one after the other or two side by side`() throws {
        let (alone, together) = (try Retort(), try Retort())
        let first = try alone.run("run", Retort.quickstart, "-p", "smoke", "--threads", "1")
        #expect(first.code == 0, "\(first.errors)")
        let second = try together.run(
            "run", Retort.quickstart, "-p", "smoke", "--threads", "1", "-j", "2", "--json")
        #expect(second.code == 0, "\(second.errors)")
        #expect(Set(try states(second).values) == ["ran"])
        let (expected, found) = (try digests(alone), try digests(together))
        #expect(expected.count == 18)
        #expect(expected == found)
        // Two stages were at work at once.
        let log = try together.run("log", "--json").output.split(separator: "\n")
        var (running, most) = (0, 0)
        for line in log {
            if line.contains("\"event\":\"stage-started\"") { running += 1 }
            if line.contains("\"event\":\"stage-ended\"") { running -= 1 }
            most = max(most, running)
        }
        #expect(most == 2)
    }

    @Test func `a pipeline that is killed ends with the same bytes side by side`() throws {
        let (calm, killed) = (try Retort(), try Retort())
        let arguments = ["run", Retort.quickstart, "-p", "smoke", "--threads", "1", "--until", "transfer"]
        #expect(try calm.run(arguments).code == 0)
        // The run and a stage in turns, each time a little later.
        for (number, delay) in [1.0, 2, 3, 4].enumerated() {
            let run = try killed.start(arguments + ["-j", "2"])
            Thread.sleep(forTimeInterval: delay)
            let stages = ["generic", "target", "pool", "vfm", "teacher", "embed", "index", "curate"]
            let child = try stages.compactMap { try job($0, of: killed) }.first
            kill(number.isMultiple(of: 2) ? run.processIdentifier : child ?? run.processIdentifier, SIGKILL)
            run.waitUntilExit()
        }
        let last = try killed.run(arguments + ["-j", "2"])
        #expect(last.code == 0, "\(last.errors)")
        #expect(try digests(calm) == digests(killed))
    }

    @Test func `a stage that is killed fails alone, and says how to go on`() throws {
        let retort = try Retort()
        try retort.folder.write(Self.shells, to: "p.yaml")
        let output = Pipe()
        let run = try retort.start(["run", "p.yaml", "-j", "2", "--keep-going", "--json"], output: output)
        let command = try #require(pid_t(try line(of: "pid", in: retort)))
        let process = try #require(try job("long", of: retort))
        kill(process, SIGKILL)
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        run.waitUntilExit()
        #expect(run.terminationStatus == 1)
        let outcome = Retort.Outcome(code: 1, output: said, errors: "")
        #expect(
            try states(outcome) == ["a": "ran", "long": "failed", "other": "ran", "last": "blocked"])
        let stages = try outcome.json()["stages"] as? [String: [String: Any]] ?? [:]
        let message = try #require(stages["long"]?["message"] as? String)
        #expect(message.hasPrefix("p.yaml:5:3: error: long: process \(process) was ended by SIGKILL"))
        #expect(message.contains("hint: its work is kept: 'retort resume "))
        // The command did not outlive the process that executed it.
        for _ in 0..<6000 where kill(command, 0) == 0 { usleep(10_000) }
        #expect(kill(command, 0) != 0)
    }

    @Test(arguments: [(SIGINT, Int32(130)), (SIGTERM, Int32(75))])
    func `a signal to the run stops its stages`(_ signal: Int32, _ code: Int32) throws {
        let retort = try Retort()
        try retort.folder.write(Self.shells, to: "p.yaml")
        let output = Pipe()
        let run = try retort.start(["run", "p.yaml", "-j", "2", "--json"], output: output)
        let command = try #require(pid_t(try line(of: "pid", in: retort)))
        kill(run.processIdentifier, signal)
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        run.waitUntilExit()
        #expect(run.terminationStatus == code)
        let states = try states(Retort.Outcome(code: code, output: said, errors: ""))
        #expect(states["long"] == "interrupted")
        #expect(states["last"] == "skipped")
        for _ in 0..<6000 where kill(command, 0) == 0 { usleep(10_000) }
        #expect(kill(command, 0) != 0)
        let plan = try retort.run("plan", "p.yaml", "--json").json()["stages"] as? [String: [String: Any]]
        #expect(plan?["long"]?["state"] as? String == "resume")
    }

    @Test func `stages come to rest when their run is killed`() throws {
        let retort = try Retort()
        try retort.folder.write(Self.shells, to: "p.yaml")
        let run = try retort.start(["run", "p.yaml", "-j", "2"])
        let command = try #require(pid_t(try line(of: "pid", in: retort)))
        let process = try #require(try job("long", of: retort))
        kill(run.processIdentifier, SIGKILL)
        run.waitUntilExit()
        for _ in 0..<6000 where kill(process, 0) == 0 || kill(command, 0) == 0 { usleep(10_000) }
        #expect(kill(process, 0) != 0)
        #expect(kill(command, 0) != 0)
        let again = try retort.run(
            "run", "p.yaml", "-j", "2", "--json", "-s", "long.cmd=echo now > $OUT/x")
        #expect(again.code == 0, "\(again.errors)")
        #expect(try String(decoding: retort.artifact("last", "c"), as: UTF8.self) == "now\na\n")
    }
}

extension String {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
