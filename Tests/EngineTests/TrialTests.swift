import Foundation
import TestSupport
import Testing

@testable import Engine

@Suite struct TrialTests {
    private let bench: Bench

    init() throws { bench = try Bench() }

    private func tried(
        _ text: String, matrix: [MatrixAxis] = [], seconds: Double = 1e-9, excluding: Set<String> = []
    ) throws -> (plan: Plan, failures: [Trial.Failure], began: [String]) {
        let graph = try bench.graph(text, matrix: matrix)
        var began: [String] = []
        let trial = Trial(graph, bench.store, options: ExecutionOptions(), seconds: seconds)
        let (plan, failures) = trial.estimates(for: try bench.plan(graph), excluding: excluding) {
            began.append($0)
        }
        return (plan, failures, began)
    }

    private func estimate(_ node: String, in plan: Plan) throws -> Estimate? {
        try #require(plan.stages.first { $0.node == node }).estimate
    }

    @Test func `a stage that is stopped is judged by its steps, and leaves nothing`() throws {
        try bench.run("data world: splits")
        let before = try bench.folder.files()
        let long = "data world: splits\nteacher: train data=world.train steps=1000\nlast: length of=teacher"
        let (plan, failures, began) = try tried(long)
        let estimate = try #require(try estimate("teacher", in: plan))
        #expect(estimate.samples == 0 && estimate.seconds > 0)
        #expect(estimate.least <= estimate.seconds && estimate.seconds <= estimate.most)
        #expect(began == ["teacher"] && failures.isEmpty)
        #expect(try bench.folder.files() == before)
        #expect(plan.lines == (try bench.plan(try bench.graph(long))).lines)
    }

    @Test func `a stage that ends in its time is measured whole`() throws {
        let (plan, _, _) = try tried("data world: splits", seconds: 60)
        let estimate = try #require(try estimate("world", in: plan))
        #expect(estimate.least == estimate.most && (estimate.bytes ?? 0) > 0)
    }

    @Test func `what has a history, is excluded, or reads what is not made is not tried`() throws {
        try bench.run("data world: splits\nteacher: train data=world.train steps=10")
        let text = """
            data world: splits
            teacher: train data=world.train steps=11
            student: train data=world.val start=teacher steps=12
            eval: measure models=[teacher,student] images=world.test
            text: troubled data=world.train
            """
        let (plan, _, began) = try tried(text, excluding: ["troubled"])
        #expect(began == [])
        #expect(try estimate("teacher", in: plan)?.samples == 1)
        #expect(try estimate("eval", in: plan) == nil && estimate("text", in: plan) == nil)
    }

    @Test func `a stage that fails is told, and has no estimate`() throws {
        try bench.folder.write("text", to: "file.txt")
        try bench.run("data a: read-file path=file.txt")
        let (plan, failures, _) = try tried("data a: read-file path=file.txt\nb: fail of=a")
        #expect(failures.map(\.node) == ["b"])
        #expect(failures.map { "\($0.error)" } == ["it is in the nature of this stage"])
        #expect(try estimate("b", in: plan) == nil)
    }
}
