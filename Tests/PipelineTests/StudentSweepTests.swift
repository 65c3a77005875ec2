import Engine
import Foundation
import TestSupport
import Testing

/// A sweep over students asks the teacher once about each view, as the journals tell.
@Suite struct StudentSweepTests {
    private static let file = Retort.root.appending(path: "Pipelines/student-sweep.yaml").path

    /// How many views the teacher was asked about in all runs so far: the last word of every label stage.
    private func askedViews(_ retort: Retort) throws -> Int {
        let history = RunHistory(Store(root: retort.folder.appending("Artifacts")))
        return try history.identifiers().reduce(0) { total, id in
            let events = try history.events(of: id).filter { $0.event == "progress" }
            let last = Dictionary(events.map { ($0.stage ?? "", $0) }, uniquingKeysWith: { $1 })
            return total
                + last.values.compactMap { event in
                    event.metrics?.first { $0.name == "asked_views" }.map { Int($0.value) }
                }.reduce(0, +)
        }
    }

    private func ran(_ outcome: Retort.Outcome) throws -> Set<String> {
        let stages = try outcome.json()["stages"] as? [String: [String: Any]] ?? [:]
        return Set(stages.filter { $0.value["state"] as? String == "ran" }.keys)
    }

    @Test func `five students learn from one asking, and a larger pool asks about its new images`() throws {
        let retort = try Retort()
        let first = try retort.run("run", Self.file, "-p", "smoke", "--json")
        #expect(first.code == 0, "\(first.errors)")
        let ran = try ran(first)
        #expect(ran.count { $0.hasPrefix("transfer[") } == 5)
        #expect(ran.count { $0.hasPrefix("transfer-labels") } == 1)
        #expect(try askedViews(retort) == 90 * 2)

        // Another seed and another rate: the same answers.
        let again = try retort.run(
            "run", Self.file, "-p", "smoke", "--json", "-s", "transfer.seed=7", "-s",
            "transfer.learning_rate=1e-3")
        #expect(again.code == 0, "\(again.errors)")
        #expect(try self.ran(again).count == 6)
        #expect(try askedViews(retort) == 90 * 2)

        let grown = try retort.run(
            "run", Self.file, "-p", "smoke", "--json", "-s", "pool.splits={all: 120}")
        #expect(grown.code == 0, "\(grown.errors)")
        #expect(try askedViews(retort) == 120 * 2)

        // Probes in the artifact, and in the report's curves.
        let metrics = String(
            decoding: try retort.artifact("transfer[student=dwcnn_xs]", "metrics.jsonl"), as: UTF8.self)
        let page = try retort.run("report")
        let html = try String(
            contentsOf: URL(filePath: page.output.trimmingCharacters(in: .whitespacesAndNewlines)),
            encoding: .utf8)
        for name in ["val_top1", "teacher_agreement", "teacher_kl", "knn_accuracy", "linear_accuracy"] {
            #expect(metrics.contains("\"\(name)\""), "\(name)")
            #expect(html.contains("distill: \(name)"), "\(name)")
        }
        #expect(html.contains("bytes an image"))
        let inspected = try retort.run("inspect", "transfer-labels").output
        #expect(inspected.contains("bytes_per_image"), "\(inspected)")
        // Every architecture is an arm of its own.
        let figures = try JSONSerialization.jsonObject(with: retort.artifact("eval", "metrics.json"))
        #expect(((figures as? [String: Any])?["groups"] as? [Any])?.count == 5)
    }

    @Test func `a teacher that knows little is refused, before anything learns from it`() throws {
        let retort = try Retort()
        let outcome = try retort.run(
            "run", Self.file, "-p", "smoke", "--json", "-s", "transfer.teacher_floor=0.99")
        #expect(outcome.code == 3)
        #expect(try !ran(outcome).contains { $0.hasPrefix("transfer") })
        #expect(
            outcome.errors.contains("of 30 validation images rightly; a teacher needs 99.0 %"),
            "\(outcome.errors)")
        #expect(
            outcome.errors.contains(
                "hint: train it longer, look at its classes and preprocessing, or lower `teacher_floor`"))
        #expect(try askedViews(retort) == 0)

        // The same for a teacher that is asked online, which needs no labels.
        let online = try retort.run(
            "run", try online(retort), "-p", "smoke", "--json", "-s", "transfer.answers=online", "-s",
            "transfer.teacher_floor=0.99", "-s", "matrix.student=[dwcnn_xs]")
        #expect(online.code == 3, "\(online.errors)")
        #expect(online.errors.contains("a teacher needs 99.0 %"))
    }

    /// The gate of the shipped file is about a stage that a run online does not have.
    private func online(_ retort: Retort) throws -> String {
        let text = try String(contentsOf: URL(filePath: Self.file), encoding: .utf8)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let kept = lines.filter { !$0.contains("teacher_top1") && !$0.hasPrefix("gates:") }
        return try retort.folder.write(kept.joined(separator: "\n"), to: "online.yaml").path
    }

    @Test func `a teacher is asked anew for every view only where the pipeline says so`() throws {
        let retort = try Retort()
        let outcome = try retort.run(
            "run", try online(retort), "-p", "smoke", "--json", "-s", "transfer.answers=online")
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try !ran(outcome).contains { $0.hasPrefix("transfer-labels") })
        let metrics = String(
            decoding: try retort.artifact("transfer[student=dwcnn_xs]", "metrics.jsonl"), as: UTF8.self)
        #expect(metrics.contains("\"teacher_agreement\""))
    }
}
