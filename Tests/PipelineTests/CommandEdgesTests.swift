import Foundation
import TestSupport
import Testing

/// Commands that resist, and what they read or say that no well-behaved one would.
@Suite struct CommandEdgesTests {
    private let retort: Retort

    init() throws { retort = try Retort() }

    /// Writes a pipeline of commands, one a line.
    private func write(_ stages: String...) throws {
        try retort.folder.write(
            "retort: 1\nname: edges\nstages:\n" + stages.map { "  \($0)\n" }.joined(), to: "p.yaml")
    }

    @Test(arguments: [SIGINT, SIGKILL]) func `a command that ignores SIGTERM goes with its run`(
        _ second: Int32
    ) throws {
        try write(
            #"a: {uses: shell, cmd: "trap '' TERM; : > started; while :; do date +%s%N > ticks; sleep 0.1; done"}"#
        )
        let process = try retort.start(["run", "p.yaml"])
        let started = retort.folder.appending("started").path
        while !FileManager.default.fileExists(atPath: started) { usleep(10_000) }
        kill(process.processIdentifier, SIGINT)
        usleep(300_000)
        kill(process.processIdentifier, second)
        process.waitUntilExit()
        // The guard needs a moment to see that the run is gone.
        func tick() throws -> String { try retort.folder.read("ticks") }
        var (last, isQuiet) = (try tick(), false)
        for _ in 0..<20 where !isQuiet {
            usleep(500_000)
            let now = try tick()
            (isQuiet, last) = (now == last, now)
        }
        #expect(isQuiet)
    }

    @Test func `a file may have the name of the stage that reads it`() throws {
        try retort.folder.write("echo split > $OUT/x\n", to: "split.sh")
        try write("split: {uses: shell, cmd: sh split.sh, in: split.sh, out: x}")
        #expect(try retort.run("run", "p.yaml").code == 0)
        try retort.folder.write("echo more > $OUT/x\n", to: "split.sh")
        #expect(try retort.run("plan", "p.yaml", "--detailed-exitcode").code == 2)
        try write("split: {uses: shell, cmd: sh split.sh, in: split, out: x}")
        #expect(try retort.run("plan", "p.yaml").errors.contains("read each other in a circle"))
    }

    @Test func `what has no end is not read`() throws {
        #expect(mkfifo(retort.folder.appending("pipe").path, 0o600) == 0)
        let message = "is no file but a pipe, a socket or a device\n  hint: let the command read it"
        for path in ["pipe", "/dev/zero", "."] {
            try write("a: {uses: shell, cmd: 'true', in: ['\(path)']}")
            let plan = try retort.run("plan", "p.yaml")
            #expect(plan.code == 65)
            #expect(plan.errors.contains(message), "\(plan.errors)")
            #expect(plan.errors.hasPrefix("p.yaml:4:"), "\(plan.errors)")
        }
    }

    @Test func `the folder with the store may be read`() throws {
        try retort.folder.write("1\n", to: "work/number")
        try write(#"a: {uses: shell, cmd: "cat work/number > $OUT/n", in: work, out: n}"#)
        #expect(try retort.run("run", "p.yaml", "--store", "work/store").code == 0)
        #expect(try retort.run("plan", "p.yaml", "--store", "work/store", "--detailed-exitcode").code == 0)
        try retort.folder.write("2\n", to: "work/number")
        #expect(try retort.run("plan", "p.yaml", "--store", "work/store", "--detailed-exitcode").code == 2)
    }

    @Test func `what a command said is told in whatever encoding, and in no colours`() throws {
        try write(#"a: {uses: shell, cmd: "printf '\\377\\033[31mred\\033[0m\\n'; false"}"#)
        let run = try retort.run("run", "p.yaml")
        #expect(run.code == 1)
        #expect(run.errors.contains("the command of 'a' exited with 1:\n    \u{FFFD}red\n"), "\(run.errors)")
    }

    @Test func `variables and paths that cannot be are refused`() throws {
        for (setting, text) in [
            ("env: {OUT: x}", "env: $OUT is a variable that Retort sets\n  hint: give yours another name\n"),
            (
                "env: {IN_b: x}",
                "env: $IN_b is a variable that Retort sets\n  hint: give yours another name\n"
            ),
            (
                "env: {A=B: x}",
                "env: 'A=B' cannot be a variable\n  hint: a name has no '=', and neither name nor value a NUL\n"
            ),
            (
                "in: ['']",
                "in: a path is empty, or holds a NUL\n  hint: '.' is the folder where Retort runs\n"
            ),
        ] {
            try write("a: {uses: shell, cmd: 'true', \(setting)}")
            let plan = try retort.run("plan", "p.yaml")
            #expect(plan.code == 78)
            #expect(plan.errors.hasSuffix("error: " + text), "\(plan.errors)")
        }
    }

    @Test func `half of a result is not taken for the whole`() throws {
        try write("a: {uses: shell, cmd: 'true'}")
        for arguments in [["plan", "p.yaml"], ["plan", "p.yaml", "--json"], ["stages"]] {
            let errors = retort.folder.appending("errors.txt")
            try Data().write(to: errors)
            let process = try retort.start(
                arguments, output: try FileHandle(forWritingTo: URL(filePath: "/dev/full")),
                errors: try FileHandle(forWritingTo: errors))
            process.waitUntilExit()
            #expect(process.terminationStatus == 74)
            #expect(
                try String(contentsOf: errors, encoding: .utf8).hasSuffix(
                    "error: the result could not be written to standard output: No space left on device\n"))
        }
    }

    @Test func `a pin goes by its stage's name, whatever was made since`() throws {
        try write(#"a: {uses: shell, cmd: "echo ${vars.word} > $OUT/x", out: x}"#)
        try retort.folder.write(try retort.folder.read("p.yaml") + "vars: {word: one}\n", to: "p.yaml")
        #expect(try retort.run("run", "p.yaml").code == 0)
        #expect(try retort.run("pin", "a").code == 0)
        #expect(try retort.run("run", "p.yaml", "-s", "vars.word=two").code == 0)
        #expect(try retort.run("unpin", "a").code == 0)
        #expect(try retort.run("pin", "--json").output.filter { !$0.isWhitespace } == "[]")
    }

    @Test func `a stage in the place of the file is told where that goes`() throws {
        try retort.folder.write(
            "retort: 1\nname: x\nstages:\n  parts: {uses: shell, cmd: 'true'}\n", to: "retort.yaml")
        #expect(
            try retort.run("plan", "parts").errors == """
                error: the pipeline file 'parts' does not exist
                  hint: the file comes first: retort.yaml parts

                """)
        let run = try retort.run("run", "retort.yaml", "parts", "--json")
        let id = try #require(try run.json()["run"] as? String)
        #expect(try retort.run("compare", id, "nope").errors.contains("there is no run 'nope'"))
    }

    @Test func `names cannot break out of a graph's text`() throws {
        try retort.folder.write(
            #"""
            retort: 1
            name: edges
            matrix: {cmd: {values: ['echo a"b', 'echo c\'], to: [a]}}
            stages:
              a: {uses: shell}
            """#, to: "p.yaml")
        let dot = try retort.run("graph", "p.yaml", "--format", "dot").output
        #expect(dot.contains(#"a\"b"#) && dot.contains(#"c\\]"#), "\(dot)")
        #expect(try retort.run("graph", "p.yaml", "--format", "mermaid").output.contains("a#quot;b"))
    }
}
