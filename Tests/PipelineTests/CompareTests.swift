import Foundation
import TestSupport
import Testing

/// `retort compare` of runs, through the built program.
@Suite struct CompareTests {
    private static let pipeline = """
        retort: 1
        name: shells
        stages:
          a: {uses: shell, cmd: "echo 1 > $OUT/n", out: n}
          b: {uses: shell, cmd: "cat $IN_a/n > $OUT/m", in: a, out: m}
        """

    @Test func `runs are compared as text, as JSON and as a page`() throws {
        let retort = try Retort()
        try retort.folder.write(Self.pipeline, to: "p.yaml")
        var runs: [String] = []
        for command in ["echo 1 > $OUT/n", "echo 2 > $OUT/n", "echo 2 > $OUT/n; true <b>"] {
            let outcome = try retort.run("run", "p.yaml", "--json", "-s", "a.cmd=\(command)")
            runs.append(try #require(try outcome.json()["run"] as? String))
        }
        // What the command has no file for: '<b' fails, and the run is compared all the same.
        let text = try retort.run(["compare"] + runs)
        #expect(text.code == 0, "\(text.errors)")
        let lines = text.output.split(separator: "\n").map(String.init)
        #expect(lines.count == 6, "\(text.output)")
        #expect(lines[0].hasPrefix("A  \(runs[0])  shells  succeeded  "))
        #expect(lines[2].hasPrefix("C  \(runs[2])  shells  failed"))
        #expect(lines[3] == "stage  component  A                B                C")
        #expect(lines[4] == "a      cmd        echo 1 > $OUT/n  echo 2 > $OUT/n  echo 2 > $OUT/n; true <b>")
        #expect(lines[5] == "1 input with other contents")

        let json = try retort.run("compare", runs[0], runs[1], "--json").json()
        let settings = try #require(json["settings"] as? [[String: Any]])
        #expect(settings.map { $0["component"] as? String } == ["cmd"])
        let page = try retort.run(["compare"] + runs + ["--html", "all.html"])
        #expect(page.code == 0, "\(page.errors)")
        let html = try retort.folder.read("all.html")
        #expect(html.contains("echo 2 &gt; $OUT/n; true &lt;b&gt;"))
        #expect(page.output.hasSuffix("/all.html\n"))

        #expect(try retort.run("compare", runs[0]).code == 64)
        let twice = try retort.run("compare", runs[0], runs[0])
        #expect(
            twice.errors == "error: the run \(runs[0]) is named twice\n  hint: 'retort runs' lists them\n")
        let nowhere = try retort.run(["compare"] + runs + ["--html", "no/such/all.html"])
        #expect(nowhere.code == 74)
        // Stages' names go before.
        let stages = try retort.run("compare", "a", "b")
        #expect(stages.code != 0 && !stages.errors.contains("named twice"))
    }
}
