import Foundation
import Testing

@testable import Report

@Suite struct RunComparisonTests {
    /// Three runs of one pipeline: B was trained for longer and is better by a point with every seed, C has another
    /// transfer set and no evaluation.
    private func runs(in root: URL) throws -> [ReportedRun] {
        try ["a", "b", "c"].map { name in
            var fake = FakeRun(at: root.appending(path: name))
            fake.classes = ["apple", "bus", "cup"]
            fake.queriesPerClass = 2
            var run = try fake.write()
            run.id = "20261121T03005\(name == "a" ? 2 : name == "b" ? 3 : 4)-0f3\(name)"
            for index in run.nodes.indices {
                let node = run.nodes[index]
                var components = ["stage": node.stage, "setting.batch_size": "64"]
                if node.stage == "fine-tune" {
                    components["setting.epochs"] = name == "b" ? "30.0" : "20"
                    components["setting.seed"] = String(node.name.dropLast().last ?? "0")
                }
                if node.stage == "evaluate" {
                    components["input.models.0"] = String(repeating: name, count: 64)
                    components["input.images"] = String(repeating: "e", count: 64)
                }
                run.nodes[index].components = components
                run.nodes[index].producers =
                    node.stage == "fine-tune" ? ["input.model": name == "c" ? "base" : "vfm"] : [:]
            }
            let store = root.appending(path: "\(name)/store")
            if name == "b" {
                for seed in 0..<3 {
                    try edit(store.appending(path: "student-agnostic[seed=\(seed)]/artifact.json")) {
                        $0["digest"] = "of b \(seed)"
                    }
                }
                try edit(store.appending(path: "eval/metrics.json")) { json in
                    let models = try #require(json["models"] as? [[String: Any]])
                    json["models"] = try models.map { model in
                        var (model, figures) = (model, try #require(model["metrics"] as? [String: Any]))
                        figures["top1"] = try #require(figures["top1"] as? Double) + 0.01
                        model["metrics"] = figures
                        return model
                    }
                }
            }
            if name == "c" {
                let file = store.appending(path: "curate-best/transfer-set.jsonl")
                let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
                let half = lines.prefix(lines.count / 2).joined(separator: "\n") + "\n"
                try Data(half.utf8).write(to: file)
                run.nodes.removeLast()
            }
            return run
        }
    }

    private func edit(_ file: URL, _ change: (inout [String: Any]) throws -> Void) throws {
        let read = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
        var json = try #require(read as? [String: Any])
        try change(&json)
        try JSONSerialization.data(withJSONObject: json).write(to: file)
    }

    @Test func `three runs are compared on one page`() throws {
        try withTemporaryFolder { root in
            let comparison = RunComparison(try runs(in: root))
            let page = comparison.html
            let outline = PageOutline.check(page)
            #expect(outline.ids == ["top", "runs", "settings", "metrics", "curves", "time", "transfer"])
            #expect(outline.elements["script"] == nil)
            #expect(page.utf8.count < RunReport.sizeLimit)
            #expect(page.contains("prefers-color-scheme:dark"))
            for word in [
                "20261121T030052-0f3a", "20261121T030054-0f3c", "Comparison of runs",
                "B has the best top1, 48.8\u{202F}% (oriented-balanced), +1.0 against A (95 % CI +1.0 to +1.0).",
                "better", "model from", "student-agnostic", "in common with B",
                "The same in all runs that have it:",
            ] {
                #expect(outline.text.contains(word), "\(word)")
            }
            // A curve of each seed and their mean for the runs that share an artifact, and for the one that differs.
            #expect(outline.text.contains("A, C"))
            #expect(page == comparison.html, "the same runs give the same bytes")
        }
    }

    @Test func `how many there were, and what chance would do, are no figures`() throws {
        try withTemporaryFolder { root in
            let runs = try runs(in: root)
            try edit(root.appending(path: "a/store/eval/metrics.json")) { json in
                let models = try #require(json["models"] as? [[String: Any]])
                json["models"] = models.map { model in
                    let recall: [String: Any] = [
                        "captions": 20, "images": 20, "chance": 0.05, "text_to_image": ["r1": 0.5],
                    ]
                    return model.merging(["retrieval": recall]) { $1 }
                }
            }
            let metrics = Set(RunComparison(runs).measures.map(\.metric))
            #expect(metrics.contains("retrieval text_to_image r1"))
            #expect(
                !metrics.contains {
                    $0.hasSuffix("chance") || $0.hasSuffix("captions") || $0.hasSuffix("images")
                })
        }
    }

    @Test func `settings, figures and sets are told run by run`() throws {
        try withTemporaryFolder { root in
            let comparison = RunComparison(try runs(in: root))
            let epochs = comparison.settings.filter { $0.component == "epochs" }
            #expect(Set(epochs.map(\.stage)) == Set(["teacher"] + FakeRun.arms.map { "student-\($0)" }))
            #expect(epochs.allSatisfy { $0.values == ["20", "30", "20"] })
            let wiring = try #require(comparison.settings.first { $0.component == "model from" })
            #expect(wiring.values == ["vfm", "vfm", "base"])
            let gone = try #require(comparison.settings.first { $0.component == "stage" })
            #expect(gone.stage == "eval" && gone.values == ["evaluate", "evaluate", nil])
            #expect(comparison.consequences.map(\.component) == ["input models.0"])
            #expect(comparison.consequences[0].values == ["aaaaaaaaaaaa", "bbbbbbbbbbbb", nil])

            let scratch = try #require(
                comparison.measures.first { $0.arm == "scratch" && $0.metric == "top1" })
            #expect(scratch.figures[2] == nil)
            #expect(scratch.figures[0]?.difference == nil)
            let difference = try #require(scratch.figures[1]?.difference)
            #expect(abs(difference.mean - 0.01) < 1e-12)
            #expect(difference.pairs == 3 && difference.isResolved)
            #expect(scratch.texts.metric == "top1, % ↑")
            #expect(scratch.texts.figures[1]?.difference == "+1.0 (+1.0 to +1.0)")
            let loss = try #require(comparison.measures.first { $0.metric == "nll" })
            #expect(loss.lowerIsBetter && loss.texts.figures[1]?.difference == "0 (0 to 0)")
            #expect(comparison.measures[0].metric == "top1")

            let overlap = try #require(comparison.overlaps.first { $0.stage == "curate-best" })
            let images = overlap.images.compactMap(\.self)
            #expect(images[0] == images[1] && images[2] == images[0] / 2)
            #expect(overlap.jaccard[0][1] == 1)
            #expect(overlap.jaccard[2][0] == Double(images[2]) / Double(images[0]))
            #expect(overlap.common == images[2])
            let vfm = try #require(comparison.times.first { $0.stage == "vfm" })
            #expect(vfm.seconds == [240, 240, 240] && vfm.isOwn == [false, false, false])
        }
    }

    @Test func `figures of other images are not subtracted`() throws {
        try withTemporaryFolder { root in
            var runs = Array(try runs(in: root).prefix(2))
            let last = runs[1].nodes.indices.last ?? 0
            runs[1].nodes[last].components["input.images"] = "others"
            let comparison = RunComparison(runs)
            #expect(comparison.incomparable == ["eval"])
            #expect(comparison.measures.allSatisfy { $0.figures.allSatisfy { $0?.difference == nil } })
            let outline = PageOutline.check(comparison.html)
            #expect(outline.text.contains("Not measured on the same images"))
        }
    }

    @Test func `other seeds are compared by their means alone`() throws {
        try withTemporaryFolder { root in
            let runs = Array(try runs(in: root).prefix(2))
            try edit(root.appending(path: "b/store/eval/metrics.json")) { json in
                let models = try #require(json["models"] as? [[String: Any]])
                json["models"] = models.map { model in
                    var model = model
                    model["node"] = (model["node"] as? String)?.replacing("seed=", with: "seed=1")
                    return model
                }
            }
            let row = try #require(RunComparison(runs).measures.first { $0.arm == "scratch" })
            #expect(row.texts.figures[1]?.difference == "+1.0 (other seeds)")
        }
    }

    @Test func `what is called differently is compared where there is only one of it`() {
        let joined = RunComparison.aligned([["a"], [], ["b"]])
        #expect(joined.map(\.title) == ["a / b"])
        #expect(joined[0].names == ["a", nil, "b"])
        let apart = RunComparison.aligned([["a", "b"], ["b"]])
        #expect(apart.map(\.title) == ["a", "b"])
        #expect(apart.map(\.names) == [["a", nil], ["b", "b"]])
        #expect((0..<28).map(ComparedRun.label).suffix(3) == ["Z", "AA", "AB"])
    }

    @Test func `names from outside cannot break the page`() throws {
        try withTemporaryFolder { root in
            let hostile = MarkupTests.hostile
            let folder = root.appending(path: "e")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try JSONSerialization.data(withJSONObject: ["kind": "evaluation", "digest": hostile])
                .write(to: folder.appending(path: "artifact.json"))
            let model: [String: Any] = ["node": hostile, "group": hostile, "metrics": [hostile: 0.5]]
            try JSONSerialization.data(withJSONObject: ["models": [model]])
                .write(to: folder.appending(path: "metrics.json"))
            let row: [String: Any] = ["step": 1, "name": "loss \(hostile)", "value": 2]
            try JSONSerialization.data(withJSONObject: row).write(
                to: folder.appending(path: "metrics.jsonl"))
            let runs = (0..<3).map { number in
                ReportedRun(
                    id: hostile + "\(number)", pipeline: hostile + "\(number)", outcome: .failed,
                    started: FakeRun.start, seconds: 1,
                    nodes: [
                        .init(
                            name: hostile, stage: hostile, state: .ran, started: FakeRun.start, seconds: 1,
                            artifact: folder,
                            components: ["setting.\(hostile)": "\(hostile)\(number)"],
                            producers: ["input.\(hostile)": "\(hostile)\(number)"])
                    ])
            }
            let outline = PageOutline.check(RunComparison(runs).html)
            #expect(outline.elements["img"] == nil)
            #expect(outline.elements["script"] == nil)
            #expect(outline.ids.contains("metrics") && outline.ids.contains("settings"))
        }
    }

    @Test func `a damaged artifact is named and the rest is compared`() throws {
        try withTemporaryFolder { root in
            let runs = try runs(in: root)
            try Data("{".utf8).write(to: root.appending(path: "b/store/eval/metrics.json"))
            let comparison = RunComparison(runs)
            let outline = PageOutline.check(comparison.html)
            #expect(outline.text.contains("An artifact of B could not be read. eval:"))
            #expect(comparison.measures.allSatisfy { $0.figures[0] != nil && $0.figures[1] == nil })
        }
    }

    @Test func `what would make the page too large gives way`() throws {
        let runs = (0..<40).map { number in
            ReportedRun(
                id: "r\(number)", pipeline: "p", outcome: .succeeded, started: FakeRun.start, seconds: 1,
                nodes: (0..<400).map { node in
                    .init(
                        name: "s\(node)", stage: "shell", state: .ran,
                        components: ["setting.cmd": "\(number) " + String(repeating: "x", count: 2_000)])
                })
        }
        let page = RunComparison(runs).html
        #expect(page.utf8.count <= RunReport.sizeLimit)
        #expect(PageOutline.check(page).ids.contains("settings"))
    }
}
