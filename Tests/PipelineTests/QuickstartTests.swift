import Foundation
import TestSupport
import Testing

/// The quickstart in miniature, through the built program: run, cached, changed, killed.
@Suite(.serialized) struct QuickstartTests {
    private func states(_ outcome: Retort.Outcome) throws -> [String: String] {
        let stages = try outcome.json()["stages"] as? [String: [String: Any]] ?? [:]
        return stages.mapValues { $0["state"] as? String ?? "" }
    }

    @Test func `runs, is cached, and re-runs what a change touches`() throws {
        let retort = try Retort()
        let first = try retort.run("run", Retort.quickstart, "-p", "smoke", "--json")
        #expect(first.code == 0, "\(first.errors)")
        #expect(Set(try states(first).values) == ["ran"])

        let second = try retort.run(
            "run", Retort.quickstart, "-p", "smoke", "--json", "--workers", "1", "--threads", "1")
        #expect(second.code == 0)
        #expect(Set(try states(second).values) == ["cached"], "workers and threads are no part of a key")

        let change = ["-s", "transfer.temperature=2"]
        let plan = try retort.run(
            "plan", Retort.quickstart, "-p", "smoke", change[0], change[1], "--detailed-exitcode")
        #expect(plan.code == 2)
        #expect(plan.output.contains("temperature none → 2"), "\(plan.output)")
        let third = try retort.run("run", Retort.quickstart, "-p", "smoke", "--json", change[0], change[1])
        let ran = Set(try states(third).filter { $0.value == "ran" }.keys)
        #expect(ran == ["transfer[seed=0]", "student[seed=0]", "eval"])
    }

    @Test func `leaves artifacts as other programs expect them`() throws {
        let retort = try Retort()
        #expect(try retort.run("run", Retort.quickstart, "-p", "smoke").code == 0)
        let metrics = try JSONSerialization.jsonObject(with: retort.artifact("eval", "metrics.json"))
        let figures = try #require(metrics as? [String: Any])
        #expect(figures["n"] as? Int == 50)
        for key in ["top1", "balanced_accuracy", "per_class", "groups", "floor", "ceiling"] {
            #expect(figures[key] != nil, "\(key)")
        }
        let rows = String(decoding: try retort.artifact("curate", "transfer-set.jsonl"), as: UTF8.self)
            .split(separator: "\n")
        #expect(rows.count == 200)
        let row = try #require(JSONSerialization.jsonObject(with: Data(rows[0].utf8)) as? [String: Any])
        #expect(
            Set(["id", "source", "query", "query_class", "rank", "similarity", "reason"]).isSubset(
                of: row.keys))
        #expect(try !retort.artifact("embed", "img_emb/img_emb_0000.npy").isEmpty)
        let page = retort.folder.appending("page")
        let inspected = try retort.run("inspect", "curate", "--text", "--static", page.path)
        #expect(inspected.code == 0, "\(inspected.errors)")
        let html = try String(contentsOf: page.appending(path: "index.html"), encoding: .utf8)
        #expect(!html.contains("src=\"http"))
        #expect(try retort.run("verify").code == 0)
        let report = try retort.run("report")
        #expect(report.code == 0, "\(report.errors)")
        let size = try Data(
            contentsOf: URL(filePath: report.output.trimmingCharacters(in: .whitespacesAndNewlines)))
        #expect((10_000...10_000_000).contains(size.count))
    }

    @Test func `ends with the same student after kill -9`() throws {
        let undisturbed = try Retort()
        #expect(try undisturbed.run("run", Retort.quickstart, "-p", "smoke", "--threads", "1").code == 0)
        let expected = try undisturbed.artifact("student[seed=0]", "model.safetensors")

        let killed = try Retort()
        // Each time a little later: in the scan, in pretraining, in the middle of the pipeline.
        for delay in [0.4, 1.5, 3.0, 5.0] {
            let process = try killed.start(
                ["run", Retort.quickstart, "-p", "smoke", "--threads", "1"])
            Thread.sleep(forTimeInterval: delay)
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        let last = try killed.run("run", Retort.quickstart, "-p", "smoke", "--threads", "1")
        #expect(last.code == 0, "\(last.errors)")
        #expect(try killed.artifact("student[seed=0]", "model.safetensors") == expected)
    }
}
