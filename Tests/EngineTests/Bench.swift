import Diagnostics
import Foundation
import TestSupport

@testable import Engine

/// A store in a temporary folder, and pipelines of fake stages that are planned and run in it.
struct Bench: Sendable {
    let folder: TemporaryFolder
    let store: Store

    init(_ folder: TemporaryFolder? = nil, disk: Disk = Disk()) throws {
        let folder = try folder ?? TemporaryFolder()
        self.folder = folder
        store = Store(root: folder.appending("Artifacts"), disk: disk)
    }

    func graph(_ text: String, matrix: [MatrixAxis] = [], gates: [String] = []) throws -> Graph {
        try Graph(pipeline(text, in: folder.url, matrix: matrix, gates: gates), catalog: fakeStages)
    }

    func plan(_ graph: Graph, _ change: (inout PlanOptions) -> Void = { _ in }) throws -> Plan {
        var options = PlanOptions()
        change(&options)
        return try Planner(graph, store).plan(options)
    }

    /// Plans and runs; signals are left alone.
    @discardableResult
    func run(
        _ graph: Graph, stop: StopRequest = StopRequest(), sink: any EventSink = SilentSink(),
        options change: (inout RunOptions) -> Void = { _ in },
        plan planChange: (inout PlanOptions) -> Void = { _ in }
    ) throws -> RunResult {
        var options = RunOptions()
        options.handlesSignals = false
        options.stop = stop
        change(&options)
        return try Runner(graph, store, options: options, sink: sink).run(try plan(graph, planChange))
    }

    @discardableResult
    func run(_ text: String, sink: any EventSink = SilentSink()) throws -> RunResult {
        try run(try graph(text), sink: sink)
    }

    /// The text that a node of a run made.
    func text(_ result: RunResult, _ node: String) throws -> String {
        guard let artifact = result.stages[node]?.artifact else {
            throw Diagnostic("'\(node)' has no artifact")
        }
        return try String(contentsOf: URL(filePath: artifact).appending(path: FakeText.file), encoding: .utf8)
    }

    func record(_ result: RunResult, _ node: String) throws -> ArtifactRecord {
        guard let artifact = result.stages[node]?.artifact else {
            throw Diagnostic("'\(node)' has no artifact")
        }
        return try ArtifactRecord.read(at: URL(filePath: artifact))
    }

    func states(_ result: RunResult) -> [String: String] { result.stages.mapValues(\.state.rawValue) }
}

extension Plan {
    /// `name: STATE reason; reason`, stage by stage.
    var lines: [String] {
        stages.map { stage in
            let reasons = stage.reasons.map(\.description).joined(separator: "; ")
            let state =
                if case .resume(let fraction) = stage.state {
                    "RESUME \(Int((fraction * 100).rounded()))%"
                } else { stage.state.word.uppercased() }
            return "\(stage.node): \(state)" + (reasons.isEmpty ? "" : " \(reasons)")
        }
    }
}

/// A pipeline with every kind of dependency: parts, single and list inputs, a chain.
let everyday = """
    data world: splits
    teacher: train data=world.train steps=10
    student: train data=world.val start=teacher steps=12
    eval: measure models=[teacher,student] images=world.test
    """
