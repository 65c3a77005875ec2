import Diagnostics
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Engine

/// What a run leaves when it ends at any instant: work that is not done and can be resumed, or that is done.
@Suite struct CrashTests {
    /// Counts the operations that change the disk, and acts at one of them.
    private final class Trap: Sendable {
        private let count = Atomic<Int>(0)
        private let number: Int
        private let action: @Sendable (String) throws -> Void

        init(at number: Int, _ action: @escaping @Sendable (String) throws -> Void = { _ in }) {
            self.number = number
            self.action = action
        }

        var seen: Int { count.load(ordering: .relaxed) }

        var disk: Disk {
            Disk(probe: { _, path in
                if self.count.wrappingAdd(1, ordering: .relaxed).newValue == self.number {
                    try self.action(path)
                }
            })
        }
    }

    private static let text = """
        data world: splits
        teacher: train data=world.train steps=7
        student: train data=world.val start=teacher steps=6
        """

    /// What an undisturbed run makes, and how many operations it takes.
    private static func undisturbed() throws -> (student: String, operations: Int) {
        let trap = Trap(at: 0)
        let bench = try Bench(disk: trap.disk)
        return (try bench.text(bench.run(text), "student"), trap.seen)
    }

    /// That the store holds nothing but whole artifacts, and leads to the undisturbed result.
    private static func expectRecovery(_ folder: TemporaryFolder, _ student: String, _ comment: Comment)
        throws
    {
        let bench = try Bench(folder)
        for key in bench.store.keys() {
            guard case .present = try bench.store.verify(key) else {
                Issue.record("half an artifact counts as done: \(comment)")
                return
            }
        }
        let sink = RecordingSink()
        let result = try bench.run(try bench.graph(text), sink: sink)
        #expect(result.ok, comment)
        #expect(try bench.text(result, "student") == student, comment)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: bench.store.path("store")).count == 3, comment
        )
        #expect(bench.store.unfinishedWork() == [], comment)
        #expect(
            try bench.run(try bench.graph(text)).stages.values.allSatisfy { $0.state == .cached }, comment)
    }

    @Test func `a full disk at any operation fails with its exit code and leaves nothing half done`() throws {
        let (student, operations) = try Self.undisturbed()
        #expect(operations > 50)
        for number in 1...operations {
            let folder = try TemporaryFolder()
            let trap = Trap(at: number) { path in throw StoreError(ENOSPC, .write, path) }
            let bench = try Bench(folder, disk: trap.disk)
            let graph = try bench.graph(Self.text)
            let comment: Comment = "operation \(number)"
            do {
                let result = try bench.run(graph)
                #expect(result.exitCode == .io, comment)
                let message = result.stages.values.compactMap(\.message).first {
                    $0.contains("No space left")
                }
                #expect(message?.contains("hint: free some space") ?? false, comment)
            } catch let error as StoreError {
                #expect(error.exitCode == .io, comment)
                #expect(error.isOutOfSpace, comment)
            }
            try Self.expectRecovery(folder, student, comment)
        }
    }

    @Test func `a process killed at any moment leaves a store from which a run goes on to the same bytes`()
        async throws
    {
        let (student, operations) = try Self.undisturbed()
        // Each moment costs a process; an odd stride meets every kind of operation.
        for number in stride(from: 1, through: operations, by: 7) {
            let folder = try TemporaryFolder()
            let path = folder.url.path
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [path = path as String, number = number as Int] in
                let trap = Trap(at: number) { _ in kill(getpid(), SIGKILL) }
                let store = Store(root: URL(filePath: path).appending(path: "Artifacts"), disk: trap.disk)
                let graph = try Graph(
                    pipeline(Self.text, in: URL(filePath: path, directoryHint: .isDirectory)),
                    catalog: fakeStages)
                _ = try Runner(graph, store).run(try Planner(graph, store).plan())
            }
            try Self.expectRecovery(folder, student, "operation \(number)")
        }
    }

    @Test func `a stage killed in the middle goes on from its checkpoint, and says that it takes over`()
        async throws
    {
        let (student, _) = try Self.undisturbed()
        let folder = try TemporaryFolder()
        let path = folder.url.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let store = Store(root: URL(filePath: path).appending(path: "Artifacts"))
            let graph = try Graph(
                pipeline(Self.text, in: URL(filePath: path, directoryHint: .isDirectory)), catalog: fakeStages
            )
            let sink = RecordingSink(atStep(6) { kill(getpid(), SIGKILL) })
            _ = try Runner(graph, store, sink: sink).run(try Planner(graph, store).plan())
        }
        let bench = try Bench(folder)
        let graph = try bench.graph(Self.text)
        #expect(try bench.plan(graph).stages.map(\.state.word) == ["cached", "resume", "run"])
        let summary = try RunHistory(bench.store).summary(of: RunHistory(bench.store).identifier())
        #expect(summary.state == .died)
        #expect(summary.stages.map(\.state) == ["ran", "running", "waiting"])
        let sink = RecordingSink()
        let result = try bench.run(graph, sink: sink)
        #expect(try bench.text(result, "student") == student)
        let message = try #require(sink.messages.first)
        #expect(message.contains("teacher: went on from process"))
        let steps = try readLines(
            of: bench.store.folder(of: bench.record(result, "teacher").key).appending(path: "metrics.jsonl")
                .path,
            as: MetricStep.self
        ).map(\.step)
        #expect(steps == Array(1...7))
    }

    private struct MetricStep: Decodable { var step: Int }

    @Test func `work that a crash left complete is only published`() throws {
        let bench = try Bench()
        let result = try bench.run("data a: write text=a")
        let record = try bench.record(result, "a")
        let artifact = bench.store.folder(of: record.key).path
        try bench.store.prepareWork(record.key)
        try FileManager.default.removeItem(atPath: bench.store.outputPath(record.key))
        try FileManager.default.moveItem(atPath: artifact, toPath: bench.store.outputPath(record.key))
        let sink = RecordingSink()
        #expect(bench.states(try bench.run("data a: write text=a", sink: sink)) == ["a": "ran"])
        #expect(sink.started == [])
        #expect(sink.messages == ["a: published what a crash had left complete"])
    }

    @Test func `what a crash left of a file being written is no part of the artifact`() throws {
        let bench = try Bench()
        let text = "data world: splits\nteacher: train data=world.train steps=7"
        let graph = try bench.graph(text)
        let stop = StopRequest()
        try bench.run(graph, stop: stop, sink: RecordingSink(atStep(6) { stop.request(signal: SIGINT) }))
        let key = try #require(bench.store.unfinishedWork().first)
        for name in ["output/.dat.nosync5A4D.H0MWqa", "state/.checkpoint.txt.123.tmp"] {
            try Data("half".utf8).write(to: URL(filePath: bench.store.workPath(key)).appending(path: name))
        }
        let record = try bench.record(try bench.run(graph), "teacher")
        #expect(record.files.map(\.path) == ["content.txt", "metrics.jsonl"])
    }

    @Test func `the state of published work is never resumed`() throws {
        let bench = try Bench()
        let text = "data world: splits\nteacher: train data=world.train steps=7"
        let record = try bench.record(try bench.run(text), "teacher")
        // A crash between publishing and clearing up, and then the loss of the artifact.
        try FileManager.default.removeItem(at: bench.store.folder(of: record.key))
        let state = URL(filePath: bench.store.workPath(record.key)).appending(path: "state/checkpoint.txt")
        try FileManager.default.createDirectory(
            at: state.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data("7 wrong".utf8).write(to: state)
        #expect(try bench.record(try bench.run(text), "teacher").digest == record.digest)
    }
}
