import Foundation
import TestSupport
import Testing

@testable import Engine

/// Numbers that JSON does not have, written and read back.
@Suite struct NotANumberTests {
    private static let metrics = [
        Metric(name: "loss", value: .infinity), Metric(name: "change", value: -.infinity),
        Metric(name: "norm", value: .nan),
    ]
    private let event = RunEvent.stage(node: "a", .progress(step: 1, total: 2, metrics: metrics))

    private func expectAll(_ found: [Metric]?, _ comment: Comment) {
        #expect(found?.map(\.name) == Self.metrics.map(\.name), comment)
        #expect(found?.map { "\($0.value)" } == ["inf", "-inf", "nan"], comment)
    }

    @Test func `they come from a job`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(CanonicalJSON.text(JobLine(event)) + "\n", to: "a.jsonl")
        let lines = JobTail(file).read()
        guard case .stage(_, .progress(1, 2, let metrics)) = lines.first?.event(of: "a") else {
            Issue.record("the line is lost")
            return
        }
        expectAll(metrics, "job")
    }

    @Test func `they stand in the journal`() throws {
        let bench = try Bench()
        let result = try bench.run("data a: write text=a")
        let history = RunHistory(bench.store)
        let journal = history.folder(of: result.run).appending(path: RunFolder.journal)
        try AppendOnlyFile(journal.path).append(line: CanonicalJSON.data(JournalEntry(event)))
        expectAll(try history.events(of: result.run).last?.metrics, "events")
        var follower = JournalFollower(bench.store, run: result.run)
        expectAll(try follower.next().last?.metrics, "follower")
        expectAll(try history.summary(of: result.run).stages[0].metrics, "summary")
    }

    @Test func `they stay among the metrics of a stage that goes on`() throws {
        let folder = try TemporaryFolder()
        func context() throws -> StageContext {
            for name in ["output", "state"] {
                try FileManager.default.createDirectory(
                    at: folder.appending(name), withIntermediateDirectories: true)
            }
            return StageContext(
                .init(
                    node: "a", output: folder.appending("output"), state: folder.appending("state"),
                    store: folder.url, directory: folder.url))
        }
        let first = try context()
        first.metric(step: 1, name: "loss", value: .infinity)
        first.metric(step: 2, name: "loss", value: 1)
        try context().rewindMetrics(to: 1)
        let rows = try folder.read("output/metrics.jsonl").split(separator: "\n")
        #expect(rows.count == 1)
        #expect(rows.first?.contains("\"value\":\"inf\"") == true)
    }

    @Test func `they are summed over jobs`() throws {
        let folder = try TemporaryFolder()
        let part = try #require(JobPart(0, of: 1))
        try part.leave(CanonicalJSON.data([1, Double.infinity]), in: folder.url)
        #expect(JobPart.sums(of: 1, in: folder.url) == [[1, .infinity]])
    }
}
