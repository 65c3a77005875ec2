import Foundation
import TestSupport
import Testing

/// Commands as stages, and what a run can do with any graph: sweeps, includes, comparisons of runs.
@Suite struct ShellTests {
    private static let pipeline = """
        retort: 1
        name: shells
        vars: {word: one}
        stages:
          write: {uses: shell, cmd: "echo ${vars.word} > $OUT/text", out: text}
          count: {uses: shell, cmd: "cat $IN_write/text list.txt | wc -c > letters; echo counted", in: [write, list.txt], out: letters}
          last: {uses: shell, cmd: "cat $IN_count/letters > $OUT/x", in: count.letters, out: x}
        """

    private func retort(_ text: String = pipeline) throws -> Retort {
        let retort = try Retort()
        try retort.folder.write(text, to: "p.yaml")
        try retort.folder.write("a list", to: "list.txt")
        return retort
    }

    private func states(_ outcome: Retort.Outcome) throws -> [String: String] {
        let stages = try outcome.json()["stages"] as? [String: [String: Any]] ?? [:]
        return stages.mapValues { $0["state"] as? String ?? "" }
    }

    @Test func `commands run once, and again when what they read changes`() throws {
        let retort = try retort()
        let first = try retort.run("run", "p.yaml", "--json")
        #expect(first.code == 0, "\(first.errors)")
        #expect(try String(decoding: retort.artifact("last", "x"), as: UTF8.self) == "10\n")
        #expect(try String(decoding: retort.artifact("count", "command.log"), as: UTF8.self) == "counted\n")
        #expect(!FileManager.default.fileExists(atPath: retort.folder.appending("letters").path), "moved")
        #expect(Set(try states(retort.run("run", "p.yaml", "--json")).values) == ["cached"])

        try retort.folder.write("b list", to: "list.txt")
        #expect(
            try states(retort.run("run", "p.yaml", "--json")) == [
                "write": "cached", "count": "ran", "last": "cached",
            ], "as many letters: the last stage reads the same bytes")
        #expect(
            try states(retort.run("run", "p.yaml", "--json", "-s", "vars.word=three")) == [
                "write": "ran", "count": "ran", "last": "ran",
            ])
        #expect(try retort.run("verify").code == 0)
    }

    @Test func `a command that fails is shown with its last words, where it is written`() throws {
        let retort = try retort()
        let outcome = try retort.run(
            "run", "p.yaml", "-s", "count.cmd=seq 1 20; echo it hurts >&2; exit 3")
        #expect(outcome.code == 1)
        let lines = (12...20).map { "    \($0)\n" }.joined()
        #expect(
            outcome.errors.contains(
                """
                -s count.cmd=seq 1 20; echo it hurts >&2; exit 3:1:11: error: the command of 'count' exited with 3:
                \(lines)    it hurts
                  hint: all it said: 
                """), "\(outcome.errors)")
    }

    @Test func `what is missing, in the way or misspelled is said before or after the command`() throws {
        let retort = try retort()
        let misspelled = try retort.run("plan", "p.yaml", "-s", "count.in=[write,lits.txt]")
        #expect(misspelled.code == 66)
        #expect(
            misspelled.errors.contains("error: in: there is neither a stage nor a file 'lits.txt'"),
            "\(misspelled.errors)")
        let missing = try retort.run("run", "p.yaml", "-s", "write.out=[text,more]")
        #expect(missing.code == 65)
        #expect(missing.errors.contains("error: out: the command did not make 'more'"), "\(missing.errors)")
        try retort.folder.write("mine", to: "letters")
        let inTheWay = try retort.run("run", "p.yaml")
        #expect(inTheWay.code == 65)
        #expect(inTheWay.errors.contains("error: out: 'letters' is there before the command has run"))
        #expect(try retort.folder.read("letters") == "mine")
        let outside = try retort.run("plan", "p.yaml", "-s", "write.out=../text")
        #expect(outside.code == 78)
        #expect(outside.errors.contains("error: out: '../text' leads out of the artifact"))
    }

    @Test func `a sweep shares what its values do not touch, and ends with a table`() throws {
        let retort = try retort()
        let outcome = try retort.run(
            "run", "p.yaml", "--sweep", "vars.word=one,three,a", "--sweep", "last.env={A: 1},{A: 2}")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let rows = outcome.output.split(separator: "\n").suffix(7)
        #expect(rows.first?.hasPrefix("vars.word  last.env") == true, "\(outcome.output)")
        #expect(rows.dropFirst().allSatisfy { $0.contains("  ok  ") })
        let json = try retort.run("run", "p.yaml", "--sweep", "vars.word=one,two", "--json").json()
        let arms = try #require(json["sweep"] as? [[String: Any]])
        #expect(
            arms.map { $0["values"] as? [String: String] } == [["vars.word": "one"], ["vars.word": "two"]])
        let dry = try retort.run("run", "p.yaml", "--sweep", "vars.word=one,two", "--json", "-n")
        let planned = try JSONSerialization.jsonObject(with: Data(dry.output.utf8)) as? [String: Any]
        let points = try #require(planned?["sweep"] as? [[String: Any]])
        #expect(
            points.compactMap { $0["values"] as? [String: String] }.map { $0["vars.word"] } == ["one", "two"])
        #expect(points.allSatisfy { ($0["plan"] as? [String: Any])?["stages"] is [String: Any] })
        let wrong = try retort.run("run", "p.yaml", "--sweep", "vars.wrod=1,2")
        #expect(wrong.code == 64)
        #expect(wrong.errors.contains("unknown variable 'wrod'"), "\(wrong.errors)")
        #expect(try retort.run("run", "p.yaml", "--sweep", "vars.word").code == 64)
    }

    @Test func `two runs are compared, back to the first difference`() throws {
        let retort = try retort()
        let runs = try ["one", "two"].map { word -> String in
            let outcome = try retort.run("run", "p.yaml", "-s", "vars.word=\(word)", "--json")
            return try #require(try outcome.json()["run"] as? String)
        }
        let why = try retort.run("why", "count", runs[0], runs[1])
        #expect(why.code == 0, "\(why.errors)")
        let lines = why.output.split(separator: "\n")
        #expect(lines.count == 4, "\(why.output)")
        #expect(lines[0].hasPrefix("count differs in 1 of "))
        #expect(lines[1].hasPrefix("  input in.0 "))
        #expect(lines[3] == "  cmd echo one > $OUT/text → echo two > $OUT/text")
        let same = try retort.run("why", "last", runs[0], runs[1]).output
        #expect(same.hasPrefix("last has the same key in both: "))
    }

    @Test func `a file includes another`() throws {
        let retort = try retort()
        try retort.folder.write(
            "retort: 1\ninclude: p.yaml\nvars: {word: included}\nstages: {last: {ephemeral: true}}\n",
            to: "q.yaml")
        let outcome = try retort.run("run", "q.yaml", "--json", "-j", "2")
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try String(decoding: retort.artifact("last", "x"), as: UTF8.self) == "15\n")
        // `resume` reads both again to tell what has changed.
        try retort.folder.write(
            Self.pipeline.replacingOccurrences(of: "echo counted", with: "echo done"), to: "p.yaml")
        let resumed = try retort.run("resume")
        #expect(resumed.code == 0)
        #expect(resumed.errors.contains("q.yaml has changed since the run began"), "\(resumed.errors)")
        #expect(!resumed.errors.contains("gates"), "\(resumed.errors)")
        try retort.folder.write(
            "retort: 1\ninclude: p.yaml\ngates: [\"last.letters > 0\"]\nvars: {word: included}\n"
                + "stages: {last: {ephemeral: true}}\n",
            to: "q.yaml")
        let gated = try retort.run("resume")
        #expect(gated.code == 0)
        #expect(gated.errors.contains("\n  gates none → last.letters > 0\n"), "\(gated.errors)")
        let schema = try retort.run("schema")
        #expect(schema.output.contains("\"ephemeral\""))
    }

    @Test func `fifty commands run once, four side by side`() throws {
        let retort = try Retort()
        let file = Retort.root.appending(path: "Pipelines/fifty.yaml").path
        let first = try retort.run("run", file, "-j", "4", "--json", "-p", "smoke")
        #expect(first.code == 0, "\(first.errors)")
        #expect(try states(first).count == 50)
        #expect(Set(try states(first).values) == ["ran"])
        let second = try retort.run("run", file, "--json", "-p", "smoke")
        #expect(Set(try states(second).values) == ["cached"])
    }
}
