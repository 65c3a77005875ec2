import Diagnostics
import TestSupport
import Testing

@testable import Engine

@Suite struct RunKeysTests {
    @Test func `two runs are compared back to where the difference begins`() throws {
        let bench = try Bench()
        let first = try bench.run(everyday)
        let second = try bench.run(
            everyday.replacing(
                "teacher: train data=world.train", with: "teacher: train data=world.train seed=7"))
        let history = RunHistory(bench.store)
        let comparison = try history.compareKeys(of: "eval", first.run, second.run)
        let student = try (bench.record(first, "student"), bench.record(second, "student"))
        let teacher = try (bench.record(first, "teacher"), bench.record(second, "teacher"))
        #expect(
            comparison.differences == [
                KeyDifference("input.models.0", old: teacher.0.digest, new: teacher.1.digest),
                KeyDifference("input.models.1", old: student.0.digest, new: student.1.digest),
            ])
        #expect(comparison.upstream.map(\.stage) == ["teacher", "student"])
        #expect(comparison.upstream[0].differences == [KeyDifference("setting.seed", old: "0", new: "7")])
        #expect(comparison.upstream[1].differences.map(\.component) == ["input.start"])

        let same = try history.compareKeys(of: "world", first.run, second.run)
        #expect(same.differences == [])
        #expect(same.same == 8)
        let problem = try #require(throws: Diagnostic.self) {
            try history.compareKeys(of: "studen", first.run, second.run)
        }
        #expect(
            problem.description == """
                error: the run \(first.run) has no key for 'studen'
                  hint: did you mean 'student'?
                """)
    }

    @Test func `keys are noted for stages that other processes execute, and for those that fail`() throws {
        let bench = try Bench()
        let text = "data a: write text=a\nbroken: fail of=a"
        let first = try bench.run(text)
        let second = try bench.run(text.replacing("text=a", with: "text=b"))
        let comparison = try RunHistory(bench.store).compareKeys(of: "broken", first.run, second.run)
        #expect(comparison.upstream.first?.differences == [KeyDifference("setting.text", old: "a", new: "b")])
    }
}
