import Foundation
import TestSupport
import Testing

/// What becomes of the files that commands read and make.
@Suite struct CommandFilesTests {
    private let retort: Retort

    init() throws { retort = try Retort() }

    /// Writes a pipeline of commands, one a line.
    private func write(_ stages: String...) throws {
        try retort.folder.write(
            "retort: 1\nname: commands\nstages:\n" + stages.map { "  \($0)\n" }.joined(), to: "p.yaml")
    }

    private func states(_ outcome: Retort.Outcome) throws -> [String: String] {
        let stages = try outcome.json()["stages"] as? [String: [String: Any]] ?? [:]
        return stages.mapValues { $0["state"] as? String ?? "" }
    }

    private func text(_ stage: String, _ file: String) throws -> String {
        try String(decoding: retort.artifact(stage, file), as: UTF8.self)
    }

    @Test func `hidden files are kept, in what a command made and in its state`() throws {
        try write(
            #"a: {uses: shell, cmd: "mkdir $OUT/d; echo 1 > $OUT/d/.env; echo 2 > $OUT/.done; [ -e $STATE/.kept ] || { echo 3 > $STATE/.kept; exit 1; }; cp $STATE/.kept $OUT/x", out: [d, .done, x]}"#,
            #"b: {uses: shell, cmd: "cat $IN_a/d/.env $IN_a/.done $IN_a/x > $OUT/all", in: a, out: all}"#)
        #expect(try retort.run("run", "p.yaml").code == 1)
        let second = try retort.run("run", "p.yaml")
        #expect(second.code == 0, "\(second.errors)")
        #expect(try text("b", "all") == "1\n2\n3\n")
        #expect(try retort.run("verify").code == 0)
    }

    @Test func `a file is content, whatever its name`() throws {
        try write(
            #"a: {uses: shell, cmd: "echo ${vars.word} > $OUT/metrics.jsonl; echo x > $OUT/source.json", out: metrics.jsonl}"#,
            #"b: {uses: shell, cmd: "cp $IN_a/metrics.jsonl $OUT/copy", in: a, out: copy}"#)
        try retort.folder.write(try retort.folder.read("p.yaml") + "vars: {word: one}\n", to: "p.yaml")
        #expect(try retort.run("run", "p.yaml").code == 0)
        #expect(try retort.run("run", "p.yaml", "-s", "vars.word=two").code == 0)
        #expect(try text("b", "copy") == "two\n")
        let folder = try retort.run("path", "a").output.trimmingCharacters(in: .whitespacesAndNewlines)
        try Data("y\n".utf8).write(to: URL(filePath: folder).appending(path: "source.json"))
        #expect(try retort.run("verify").code == 65)
    }

    @Test func `a command that changes what it reads is not published`() throws {
        try write(
            #"a: {uses: shell, cmd: "echo good > $OUT/a.txt", out: a.txt}"#,
            #"b: {uses: shell, cmd: "echo evil > $IN_a/a.txt; echo b > $OUT/b", in: a, out: b}"#,
            #"c: {uses: shell, cmd: "cp $IN_a/a.txt $OUT/c", in: [a, b], out: c}"#)
        let outcome = try retort.run("run", "p.yaml", "--json")
        #expect(outcome.code == 65)
        #expect(try states(outcome) == ["a": "ran", "b": "failed", "c": "blocked"])
        #expect(
            outcome.errors.contains(
                "p.yaml:5:3: error: the artifact of 'a' is damaged: a.txt has other bytes than were published; 'b', "
                    + "which reads it, may have changed it, and is not published\n"), "\(outcome.errors)")
        let mended = try retort.run("run", "p.yaml", "-s", "b.cmd=echo b > $OUT/b")
        #expect(mended.code == 0, "\(mended.errors)")
        #expect(try text("c", "c") == "good\n")
    }

    @Test func `what changes while a command reads it leaves nothing under the old key`() throws {
        try write(#"a: {uses: shell, cmd: "cat f > $OUT/x; echo new > f", in: f, out: x}"#)
        try retort.folder.write("old\n", to: "f")
        let outcome = try retort.run("run", "p.yaml")
        #expect(outcome.code == 65)
        #expect(
            outcome.errors.contains(
                """
                p.yaml:4:3: error: 'f' changed while 'a' was at work
                  hint: nothing was published; run again when nobody writes there
                """), "\(outcome.errors)")
        #expect(try retort.run("run", "p.yaml").code == 0)
        #expect(try text("a", "x") == "new\n")
    }

    @Test func `two stages that would have one variable are refused`() throws {
        try write(
            #"a-b: {uses: shell, cmd: "echo 1 > $OUT/x", out: x}"#,
            #"a_b: {uses: shell, cmd: "echo 2 > $OUT/x", out: x}"#,
            #"c: {uses: shell, cmd: "cat $IN_a_b/x > $OUT/x", in: [a-b, a_b], out: x}"#)
        let outcome = try retort.run("plan", "p.yaml")
        #expect(outcome.code == 78)
        #expect(
            outcome.errors.contains(
                """
                p.yaml:6:3: error: in: 'a-b' and 'a_b' would both be $IN_a_b
                  hint: give one of them another name
                """), "\(outcome.errors)")
    }

    @Test func `links in a folder are followed, but not for ever`() throws {
        let files = FileManager.default
        for folder in ["data", "elsewhere"] {
            try files.createDirectory(
                at: retort.folder.appending(folder), withIntermediateDirectories: true)
        }
        try retort.folder.write("one", to: "elsewhere/f")
        let link = retort.folder.appending("data/link").path
        try files.createSymbolicLink(atPath: link, withDestinationPath: "../elsewhere")
        try files.createSymbolicLink(
            atPath: retort.folder.appending("linked").path, withDestinationPath: "data")
        try write(#"a: {uses: shell, cmd: "cat linked/link/f > $OUT/x", in: linked, out: x}"#)
        let first = try retort.run("run", "p.yaml")
        #expect(first.code == 0, "\(first.errors)")
        try retort.folder.write("two", to: "elsewhere/f")
        #expect(try retort.run("run", "p.yaml").code == 0)
        #expect(try text("a", "x") == "two")
        try files.removeItem(atPath: link)
        try files.createSymbolicLink(atPath: link, withDestinationPath: "../data")
        let circle = try retort.run("plan", "p.yaml")
        #expect(circle.code == 65)
        #expect(circle.errors.contains("is a link to a folder that it lies in"), "\(circle.errors)")
    }

    @Test func `what a command that failed left behind is not in the way of the next attempt`() throws {
        try write(
            #"a: {uses: shell, cmd: "echo part > r.txt; [ -e go ] || exit 3; echo whole > r.txt", out: r.txt}"#
        )
        #expect(try retort.run("run", "p.yaml").code == 1)
        #expect(!FileManager.default.fileExists(atPath: retort.folder.appending("r.txt").path))
        try retort.folder.write("", to: "go")
        let second = try retort.run("resume")
        #expect(second.code == 0, "\(second.errors)")
        #expect(try text("a", "r.txt") == "whole\n")
    }

    @Test func `commands side by side do not take each other's files`() throws {
        try write(
            #"x: {uses: shell, cmd: "until [ -e begun ]; do sleep 0.05; done; echo x1 > same.txt; until [ -e ended ]; do sleep 0.05; done; echo x2 >> same.txt", out: same.txt}"#,
            #"y: {uses: shell, cmd: "touch begun; until [ -e same.txt ]; do sleep 0.05; done", out: same.txt}"#
        )
        let errors = retort.folder.appending("errors")
        try Data().write(to: errors)
        let run = try retort.start(
            ["run", "p.yaml", "-j", "2", "--keep-going"], errors: try FileHandle(forWritingTo: errors))
        while run.isRunning, try !retort.folder.read("errors").contains("error: ") { usleep(20_000) }
        try retort.folder.write("", to: "ended")
        run.waitUntilExit()
        #expect(run.terminationStatus == 65)
        let said = try retort.folder.read("errors")
        #expect(said.contains("error: out: another command that is at work makes 'same.txt' in "), "\(said)")
        #expect(try text("x", "same.txt") == "x1\nx2\n")
    }

    @Test(arguments: [
        ("rm -rf $OUT", "the command removed $OUT, or command.log in it"),
        ("ln -s x $OUT/l; touch $OUT/x", "'l' is a symbolic link"),
        ("echo {} > $OUT/artifact.json; touch $OUT/x", "'artifact.json' is a file that Retort writes"),
    ]) func `what an artifact cannot hold is said where it is written`(_ command: String, _ message: String)
        throws
    {
        try write("a: {uses: shell, cmd: \"\(command)\", out: x}")
        let outcome = try retort.run("run", "p.yaml")
        #expect(outcome.code == 65)
        #expect(outcome.errors.contains("error: out: \(message)\n  hint: "), "\(outcome.errors)")
        #expect(outcome.errors.contains("p.yaml:4:"))
    }

    @Test func `names that Retort needs are refused before anything runs`() throws {
        try write(#"a: {uses: shell, cmd: "touch $OUT/command.log", out: command.log}"#)
        let outcome = try retort.run("plan", "p.yaml")
        #expect(outcome.code == 78)
        #expect(
            outcome.errors.contains(
                "error: out: 'command.log' is a file that Retort writes beside what the command makes"))
    }
}
