import Foundation
import Testing

@testable import Report

@Suite struct VerdictTests {
    @Test func `a resolved gain is stated with its interval`() throws {
        let text = try verdict(
            #"{"name":"ours","values":[0.47,0.48,0.49],"mean":0.48,"ci95":[0.455,0.505],"versus":{"baseline":"scratch","difference":0.06,"ci95":[0.04,0.08]}}"#
        )
        #expect(
            text
                == "ours reaches 48.0\u{202F}% top-1 (95 % CI 45.5–50.5, 3 seeds; best of 2 arms), +6.0 points against "
                + "scratch (95 % CI +4.0 to +8.0). The run took 10 s for 1 stage.")
    }

    @Test func `a gain that the seeds do not resolve is not called one`() throws {
        let text = try verdict(
            #"{"name":"ours","values":[0.47,0.48],"mean":0.475,"versus":{"baseline":"scratch","difference":0.05,"ci95":[-0.01,0.11]}}"#
        )
        #expect(
            text.contains(
                ", +5.0 points against scratch: a difference that 2 seeds do not resolve (95 % CI −1.0 to +11.0)."
            ))
    }

    @Test func `a baseline that wins is said to win`() throws {
        let text = try verdict(
            #"{"name":"ours","values":[0.40],"mean":0.40,"versus":{"baseline":"scratch","difference":-0.02,"ci95":[-0.04,-0.01]}}"#
        )
        #expect(
            text.hasPrefix(
                "scratch reaches 42.0\u{202F}% top-1 (3 seeds; best of 2 arms): no arm beats the baseline."))
    }

    @Test func `a gate that does not hold is named`() {
        let run = ReportedRun(
            id: "r", pipeline: "p", outcome: .failed, started: FakeRun.start, seconds: 5,
            nodes: [.init(name: "eval", stage: "evaluate", state: .ran, seconds: 4)],
            gates: [.init("a.n > 1", passed: true), .init("eval.top1 >= 0.5", passed: false, found: "0.478")])
        let text = Verdict(of: RunContents(run)).text
        #expect(
            text
                == "The run failed at its gate eval.top1 >= 0.5, which found 0.478. The run took 5.0 s for 1 stage."
        )
    }

    @Test func `a run that had nothing to do says so`() {
        let run = ReportedRun(
            id: "r", pipeline: "p", outcome: .succeeded, started: FakeRun.start, seconds: 0.2,
            nodes: [
                .init(name: "a", stage: "world", state: .cached),
                .init(name: "b", stage: "embed", state: .cached),
            ])
        #expect(
            Verdict(of: RunContents(run)).text == "All stages are complete; the pipeline evaluates nothing. "
                + "No stage had to run: all 2 came from the store (0.0 s of work in all).")
    }

    @Test func `an evaluation on masks is stated, and not as an accuracy`() throws {
        try withTemporaryFolder { root in
            try Data(#"{"kind":"segmentation-evaluation","facts":{"miou":0.3219}}"#.utf8)
                .write(to: root.appending(path: "artifact.json"))
            try Data(#"{"miou":0.3219,"n":150}"#.utf8).write(to: root.appending(path: "metrics.json"))
            let run = ReportedRun(
                id: "r", pipeline: "p", outcome: .succeeded, started: FakeRun.start, seconds: 10,
                nodes: [
                    .init(name: "test", stage: "evaluate-masks", state: .ran, seconds: 10, artifact: root)
                ])
            #expect(
                Verdict(of: RunContents(run)).text.hasPrefix(
                    "The mean intersection over union is \(Format.short(0.3219)), as measured by ‘test’. "))
        }
    }

    @Test func `a probe's best arm stands beside its floor, and one seed shows nothing`() throws {
        let one = try verdict(
            onDepth: #"{"name":"ours","values":[2],"mean":2,"versus":{"baseline":"old","difference":-0.5}}"#)
        #expect(
            one.hasPrefix(
                "ours has rmse 2 (lower is better, 3.5 without looking, 1 seed, the best mean of 2 arms), as measured by "
                    + "‘probe’, −0.5 against old: without an interval, nothing is shown. "))
        let many = try verdict(
            onDepth:
                #"{"name":"ours","values":[2,2],"mean":2,"versus":{"baseline":"old","difference":-0.5,"ci95":[-0.7,-0.3]}}"#
        )
        #expect(many.contains("as measured by ‘probe’, −0.5 against old (95 % CI −0.7 to −0.3). "), "\(many)")
        let open = try verdict(
            onDepth:
                #"{"name":"ours","values":[2,2],"mean":2,"versus":{"baseline":"old","difference":-0.5,"ci95":[-1.2,0.2]}}"#
        )
        #expect(
            open.contains("against old: a difference that 2 seeds do not resolve (95 % CI −1.2 to 0.2). "),
            "\(open)")
        let worse = try verdict(
            onDepth: #"{"name":"ours","values":[3],"mean":3,"versus":{"baseline":"old","difference":0.5}}"#)
        #expect(worse.contains("old has rmse 2.5 "), "\(worse)")
        #expect(worse.contains("‘probe’: no arm has a better mean than the baseline. "), "\(worse)")
    }

    /// The verdict on one arm of a probe for depth, beside a baseline of 2.5.
    private func verdict(onDepth arm: String) throws -> String {
        try withTemporaryFolder { root in
            try Data(#"{"kind":"task-evaluation","facts":{}}"#.utf8)
                .write(to: root.appending(path: "artifact.json"))
            let old = #"{"name":"old","values":[2.5],"mean":2.5}"#
            let models = ["ours", "old"].map { #"{"node":"\#($0)","group":"\#($0)","metrics":{"rmse":2}}"# }
            try Data(
                (#"{"rmse":2,"n":4,"task":"depth","floor":{"rmse":3.5},"baseline":"old","models":"#
                    + "[\(models.joined(separator: ","))]"
                    + #","comparisons":[{"metric":"rmse","lower_is_better":true,"floor":3.5,"groups":[\#(old),\#(arm)]}]}"#)
                    .utf8
            ).write(to: root.appending(path: "metrics.json"))
            let run = ReportedRun(
                id: "r", pipeline: "p", outcome: .succeeded, started: FakeRun.start, seconds: 10,
                nodes: [.init(name: "probe", stage: "probe", state: .ran, seconds: 10, artifact: root)])
            return Verdict(of: RunContents(run)).text
        }
    }

    /// The verdict on one arm beside a baseline of 42 %.
    private func verdict(_ arm: String) throws -> String {
        try withTemporaryFolder { root in
            let scratch = #"{"name":"scratch","values":[0.41,0.42,0.43],"mean":0.42}"#
            try Data(#"{"top1":0.4,"n":100,"groups":[\#(scratch),\#(arm)]}"#.utf8)
                .write(to: root.appending(path: "metrics.json"))
            let run = ReportedRun(
                id: "r", pipeline: "p", outcome: .succeeded, started: FakeRun.start, seconds: 10,
                nodes: [
                    .init(
                        name: "eval", stage: "evaluate", state: .ran, started: FakeRun.start, seconds: 10,
                        artifact: root)
                ])
            return Verdict(of: RunContents(run)).text
        }
    }
}
