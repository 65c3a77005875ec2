import Foundation
import Testing

@testable import Report

@Suite struct RunReportTests {
    @Test func `a finished run is reported whole`() throws {
        try withTemporaryFolder { root in
            var fake = FakeRun(at: root)
            let run = try fake.write()
            let page = RunReport.html(run, thumbnails: GreyThumbnails())
            let outline = PageOutline.check(page)
            for id in [
                "verdict", "pipeline", "results", "teacher", "training", "transfer", "student", "provenance",
            ] {
                #expect(outline.ids.contains(id))
            }
            for arm in FakeRun.arms { #expect(outline.text.contains(arm)) }
            for word in [
                "floor 5.0", "ceiling (teacher) 69.2", "epochs 20 → 30", "uses: fine-tune", "Worst errors",
            ] {
                #expect(outline.text.contains(word), "\(word)")
            }
            #expect(page.utf8.count < RunReport.sizeLimit)
            #expect(
                page == RunReport.html(run, thumbnails: GreyThumbnails()), "the same run gives the same bytes"
            )
        }
    }

    @Test func `pictures give way when a report would grow too large`() throws {
        try withTemporaryFolder { root in
            var fake = FakeRun(at: root)
            var run = try fake.write()
            let provider = GreyThumbnails()
            provider.padding = 100_000
            run.configuration = String(repeating: "#", count: 1_000_000)
            run.problems = Array(repeating: "slow", count: 10_000)
            for index in run.nodes.indices {
                run.nodes[index].settings.append(.init("paths", String(repeating: "a/b ", count: 40_000)))
            }
            let page = RunReport.html(run, thumbnails: provider)
            #expect(page.utf8.count <= RunReport.sizeLimit)
            #expect(page.contains("data:image/jpeg"))
            #expect(PageOutline.check(page).ids.contains("results"))
        }
    }

    @Test func `a failed run is reported up to its failure`() throws {
        try withTemporaryFolder { root in
            var fake = FakeRun(at: root)
            var run = try fake.write()
            run.outcome = .failed
            let failure = try #require(run.nodes.firstIndex { $0.name == "distill-oriented-best[seed=1]" })
            run.nodes[failure].state = .failed
            run.nodes[failure].error = "no space left on device\nfree 2 GB and run `retort resume`"
            for index in run.nodes.indices where index > failure {
                run.nodes[index].state = .pending
                run.nodes[index].started = nil
                run.nodes[index].seconds = nil
                run.nodes[index].artifact = nil
            }
            let outline = PageOutline.check(RunReport.html(run))
            #expect(
                outline.text.contains(
                    "The run failed at distill-oriented-best[seed=1]: no space left on device. The run took"))
            #expect(outline.text.contains("free 2 GB"))
            #expect(!outline.ids.contains("results"))
            #expect(outline.ids.contains("training"))
        }
    }

    @Test func `names from outside cannot break a page`() throws {
        try withTemporaryFolder { root in
            let hostile = MarkupTests.hostile
            let run = ReportedRun(
                id: hostile, pipeline: hostile, outcome: .failed, started: FakeRun.start, seconds: 1,
                nodes: [
                    .init(
                        name: hostile, stage: hostile, state: .ran, reason: hostile, started: FakeRun.start,
                        seconds: 1),
                    .init(
                        name: "b[\(hostile)]", stage: "fine-tune", state: .failed, reason: hostile,
                        inputs: [hostile],
                        settings: [.init(hostile, hostile)], error: hostile),
                ],
                commands: [hostile], configuration: hostile, environment: [.init(hostile, hostile)],
                gates: [.init(hostile, passed: nil, found: hostile)], problems: [hostile])
            let outline = PageOutline.check(RunReport.html(run, thumbnails: GreyThumbnails()))
            #expect(outline.elements["img"] == nil)
            #expect(outline.elements["script"] == nil)
            #expect(RunReport.markdown(run).contains(#"\<img src=x"#))
        }
    }

    @Test func `a damaged artifact is named and the rest is reported`() throws {
        try withTemporaryFolder { root in
            var fake = FakeRun(at: root)
            let run = try fake.write()
            try Data("{".utf8).write(to: root.appending(path: "store/curate-best/funnel.json"))
            let outline = PageOutline.check(RunReport.html(run))
            #expect(outline.text.contains("This artifact could not be read. curate-best:"))
            #expect(outline.text.contains("funnel.json:1:1"))
            #expect(outline.ids.contains("results"))
        }
    }

    @Test(arguments: [
        "artifact.json", "metrics.jsonl", "funnel.json", "dropped.jsonl", "queries.jsonl", "similarity.json",
        "leakage.json", "classes.txt", "predictions.jsonl",
    ])
    func `a report does without any optional file`(missing: String) throws {
        try withTemporaryFolder { root in
            var fake = FakeRun(at: root)
            fake.classes = ["apple", "bus"]
            fake.queriesPerClass = 2
            let run = try fake.write()
            for node in run.nodes {
                let file = node.artifact?.appending(path: missing)
                if let file, FileManager.default.fileExists(atPath: file.path) {
                    try FileManager.default.removeItem(at: file)
                }
            }
            let outline = PageOutline.check(RunReport.html(run, thumbnails: GreyThumbnails()))
            #expect(outline.ids.contains("results"))
            #expect(outline.ids.contains("transfer"))
        }
    }

    @Test func `a run without artifacts is still a report`() {
        let run = ReportedRun(
            id: "r", pipeline: "p", outcome: .interrupted, started: FakeRun.start, seconds: 0.5,
            nodes: [.init(name: "a", stage: "world", state: .pending)])
        let outline = PageOutline.check(RunReport.html(run))
        #expect(outline.text.contains("The run was interrupted before a stage began."))
    }

    @Test func `the short report holds verdict, arms and stages`() throws {
        try withTemporaryFolder { root in
            var fake = FakeRun(at: root)
            let text = RunReport.markdown(try fake.write())
            let expected = [
                "# real-classification: succeeded", "**oriented-balanced** reaches **47.8\u{202F}% top-1**",
                "| scratch | 41.7 | 40.2–43.3 | 3 | baseline | – |", "| ceiling: teacher | 69.2 |",
                #"| distill-agnostic\[seed=0\] | distill | ran | epochs 20 → 30 | 1 min 24 s |"#,
                "- FAILED: `eval.top1 >= 0.5`, found 0.478",
            ]
            for line in expected { #expect(text.contains(line), "\(line)\n\(text)") }
        }
    }
}
