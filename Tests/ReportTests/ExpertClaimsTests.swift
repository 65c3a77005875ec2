import Foundation
import Testing

@testable import Report

/// What a run is said to show about learning from experts, from artifacts that a pipeline might have left.
@Suite struct ExpertClaimsTests {
    @Test func `a claim holds every seed's probes, the experts' error and the zero-shot accuracy`() throws {
        try withTemporaryFolder { root in
            let store = FakeClaims(root: root)
            let claims = ExpertClaims(try store.write())
            #expect(
                claims.lines == [
                    "clip-experts against clip-ft, 2 seeds",
                    "  probe-depth: rmse ↓ clip 0.9, clip-ft 0.815, clip-experts 0.71: "
                        + "−0.105 (95 % CI −0.1685 to −0.0415), better",
                    "  expert depth-expert: rmse 3.1, 3.5 without looking (depth-error), 25\u{202F}% of its answers "
                        + "misplaced",
                    "  zero-shot: zero-shot top-1 clip 31.0\u{202F}%, clip-ft 32.0\u{202F}%, clip-experts "
                        + "31.9\u{202F}%: equivalent within ±1.0 points (TOST, p = 0.003; 90 % CI -0.2 to 0.05)",
                ])
        }
    }

    @Test func `the report leads with the claim and shows what it rests on`() throws {
        try withTemporaryFolder { root in
            let store = FakeClaims(root: root)
            let run = store.run(try store.write())
            #expect(
                Verdict(of: RunContents(run)).text.hasPrefix(
                    "clip-experts is better than clip-ft at 1 of 1 probe (2 seeds). expert depth-expert: rmse 3.1"
                ))
            let outline = PageOutline.check(RunReport.html(run))
            #expect(outline.ids.contains("claims") && outline.ids.contains("tasks"))
            for text in [
                "clip-experts against clip-ft", "before: clip", "expert depth-expert: rmse 3.1",
                "equivalent within ±1.0 points", "−0.1685 to −0.0415",
            ] { #expect(outline.text.contains(text), "\(text)") }
            let markdown = RunReport.markdown(run)
            #expect(markdown.contains("## Claims") && markdown.contains("**clip-experts** against clip-ft"))
            let row = try #require(markdown.split(separator: "\n").first { $0.hasPrefix("| clip-experts |") })
            #expect(
                row == "| clip-experts | 0.71 (−0.105, better) | 31.9\u{202F}% (−0.1, equivalent) |", "\(row)"
            )
            #expect(markdown.contains("| arm | probe-depth: rmse ↓ | zero-shot: zero\\_shot\\_top1 ↑ |"))
            #expect(outline.text.contains("All arms"))
        }
    }

    @Test func `what was not measured is said to be missing`() throws {
        try withTemporaryFolder { root in
            let store = FakeClaims(root: root)
            let left = try store.write().filter { !["zero-shot", "depth-error"].contains($0.node) }
            let lines = ExpertClaims(left).lines
            #expect(
                lines.dropFirst(2) == [
                    "  expert depth-expert: error not measured; an evaluate-maps stage would, 25\u{202F}% of its "
                        + "answers misplaced",
                    "  zero-shot accuracy: not measured; give both arms to one evaluate-clip with a baseline",
                ], "\(lines)")
        }
    }

    @Test func `an arm that no expert taught makes no claim`() throws {
        try withTemporaryFolder { root in
            let store = FakeClaims(root: root, hasLabels: false)
            let claims = ExpertClaims(try store.write())
            #expect(claims.lines.isEmpty)
        }
    }
}

/// A store with two seeds of two arms, their probes, their zero-shot accuracy and the expert's error.
private struct FakeClaims {
    typealias Input = (name: String, node: String, key: String)

    let root: URL
    var hasLabels = true

    /// Writes every artifact; returns the nodes of the run.
    func write() throws -> [(node: String, folder: URL)] {
        try record("e", "depth-expert", "fine-tune", "checkpoint")
        try record("l", "depth-labels", "pseudo-label", "dense-labels", [("expert", "depth-expert", "e")])
        try file(
            "l", "labels.json",
            #"{"expert":"depth-expert","lineage":[],"digest":"d","licences":[],"task":"depth","images":4,"failures":0,"bytes_per_image":2,"confidence":0,"noise":0.25,"yield":{"images":1,"pixels":1}}"#
        )
        for seed in 0..<2 {
            let clip: [Input] = [("model", "clip[seed=\(seed)]", "c\(seed)")]
            try record("c\(seed)", "clip[seed=\(seed)]", "train-clip", "checkpoint")
            try record("f\(seed)", "clip-ft[seed=\(seed)]", "train-clip", "checkpoint", clip)
            // Left by another pipeline, in which it had another name.
            try record(
                "x\(seed)", "all[seed=\(seed)]", "train-clip", "checkpoint",
                clip + (hasLabels ? [("depth", "labels", "l")] : []))
        }
        func models(_ seed: Int) -> [Input] {
            [
                ("models", "clip-experts[seed=\(seed)]", "x\(seed)"),
                ("models", "clip-ft[seed=\(seed)]", "f\(seed)"), ("models", "clip[seed=\(seed)]", "c\(seed)"),
            ]
        }
        for (seed, values) in [[0.70, 0.80, 0.9], [0.72, 0.83, 0.9]].enumerated() {
            let node = "probe-depth[seed=\(seed)]"
            try record("p\(seed)", node, "probe", "task-evaluation", models(seed))
            try task("p\(seed)", zip(["clip-experts", "clip-ft", "clip"], values).map { ($0, seed, $1) })
        }
        try record(
            "error", "depth-error", "evaluate-maps", "task-evaluation", [("models", "depth-expert", "e")])
        try task("error", [("depth-expert", nil, 3.1)])
        try record("z", "zero-shot", "evaluate-clip", "clip-evaluation", models(0) + models(1))
        let groups = """
            [{"name":"clip-experts","values":[0.318,0.32],"mean":0.319,"versus":{"baseline":"clip-ft","difference":-0.001,
              "ci95":[-0.003,0.001],"verdict":"not resolved",
              "tost":{"margin":0.01,"ci90":[-0.002,0.0005],"p_value":0.003,"verdict":"equivalent"}}},
             {"name":"clip-ft","values":[0.32,0.32],"mean":0.32},{"name":"clip","values":[0.31,0.31],"mean":0.31}]
            """
        try file(
            "z", "metrics.json",
            #"{"zero_shot_top1":0.319,"n":100,"models":[],"groups":\#(groups),"baseline":"clip-ft","margin":0.01,"#
                + #""comparisons":[{"metric":"zero_shot_top1","lower_is_better":false,"groups":\#(groups)}]}"#
        )
        return [
            ("zero-shot", "z"), ("probe-depth[seed=0]", "p0"), ("probe-depth[seed=1]", "p1"),
            ("depth-error", "error"),
        ].map { ($0, root.appending(path: "store/\($1)", directoryHint: .isDirectory)) }
    }

    func run(_ artifacts: [(node: String, folder: URL)]) -> ReportedRun {
        ReportedRun(
            id: "r", pipeline: "p", outcome: .succeeded, started: FakeRun.start, seconds: 10,
            nodes: artifacts.map { .init(name: $0.node, stage: "probe", state: .ran, artifact: $0.folder) })
    }

    private func task(_ key: String, _ values: [(group: String, seed: Int?, rmse: Double)]) throws {
        let models = values.map { group, seed, rmse in
            let node = group + (seed.map { "[seed=\($0)]" } ?? "")
            return #"{"node":"\#(node)","group":"\#(group)","metrics":{"rmse":\#(rmse)}}"#
        }
        let groups = values.map { #"{"name":"\#($0.group)","values":[\#($0.rmse)],"mean":\#($0.rmse)}"# }
        try file(
            key, "metrics.json",
            #"{"rmse":\#(values[0].rmse),"n":4,"task":"depth","floor":{"rmse":3.5},"baseline":"clip-ft","#
                + #""models":[\#(models.joined(separator: ","))],"comparisons":[{"metric":"rmse","#
                + #""lower_is_better":true,"floor":3.5,"groups":[\#(groups.joined(separator: ","))]}]}"#)
    }

    private func record(
        _ key: String, _ node: String, _ stage: String, _ kind: String,
        _ inputs: [Input] = []
    ) throws {
        let inputs = inputs.map {
            #"{"name":"\#($0.name)","node":"\#($0.node)","kind":"k","key":"\#($0.key)","digest":"d"}"#
        }
        try file(
            key, "artifact.json",
            #"{"format":2,"kind":"\#(kind)","node":"\#(node)","stage":"\#(stage)","revision":1,"key":"\#(key)","#
                + #""components":{"setting.truth":"[]"},"inputs":[\#(inputs.joined(separator: ","))],"counts":{},"#
                + #""facts":{},"timings":{"started":"2026-11-21T03:00:52Z","finished":"2026-11-21T03:00:53Z","#
                + #""seconds":1},"files":[],"digest":"d","retort":"0.1.0"}"#)
    }

    private func file(_ key: String, _ name: String, _ text: String) throws {
        let folder = root.appending(path: "store/\(key)", directoryHint: .isDirectory)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: folder.appending(path: name))
    }
}
