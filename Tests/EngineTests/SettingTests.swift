import Diagnostics
import Engine
import TestSupport
import Testing

@Suite struct SettingTests {
    private func parsed<Value: SettingValue>(_ text: String, as type: Value.Type) throws(Diagnostic) -> Value
    {
        try Value(PipelineValue(.scalar(text), at: SourceLocation("test.yml", 1, 1)))
    }

    @Test(arguments: [
        ("3", 3), ("010", 10), ("-2", -2), ("1e4", 10_000), ("100_000", 100_000), ("100k", 100_000),
        ("2M", 2_000_000),
        ("1.5k", 1500), ("12.0", 12),
    ])
    func `a whole number means what it looks like`(_ text: String, _ value: Int) throws {
        #expect(try parsed(text, as: Int.self) == value)
    }

    @Test(arguments: ["3.5", "three", "", "1e400", "0x10", "1.0001k", "k"])
    func `what is no whole number is refused`(_ text: String) {
        #expect(throws: Diagnostic.self) { try parsed(text, as: Int.self) }
    }

    @Test(arguments: [("3e-4", 3e-4), ("0.0003", 3e-4), ("1", 1), ("-.5", -0.5), ("1_000", 1000)])
    func `a number means what it looks like`(_ text: String, _ value: Double) throws {
        #expect(try parsed(text, as: Double.self) == value)
    }

    @Test(arguments: ["nan", "inf", "1e999", "0x1p3", "one"])
    func `what is no finite number is refused`(_ text: String) {
        #expect(throws: Diagnostic.self) { try parsed(text, as: Double.self) }
    }

    @Test func `equal values have one canonical spelling`() throws {
        #expect(try parsed("1e-3", as: Double.self).canonical == parsed("0.001", as: Double.self).canonical)
        #expect(try parsed("-0.0", as: Double.self).canonical == "0.0")
        #expect(try parsed("yes", as: Bool.self).canonical == "true")
        #expect(try parsed("~", as: Int?.self).canonical == "null")
        #expect(try parsed("no", as: String.self).canonical == "no")
        #expect(try parsed("4", as: [Int].self).canonical == "[\"4\"]")
        #expect(["a\"b", "c"].canonical == "[\"a\\\"b\",\"c\"]")
        #expect(["b": 1, "a": 2].canonical == "{\"a\":\"2\",\"b\":\"1\"}")
    }

    @Test func `a choice is corrected`() throws {
        let problem = try #require(throws: Diagnostic.self) {
            try parsed("bf6", as: FakeTrain.Precision.self)
        }
        #expect(
            problem.description == """
                test.yml:1:1: error: 'bf6' is none of fp32, bf16
                  hint: did you mean 'bf16'?
                """)
    }

    @Test func `a range is part of the declaration`() throws {
        struct Ranged: Stage {
            static let name: StageName = "ranged"
            static let revision = 1
            static let summary = "Has ranges."
            @Setting("A.", in: 0.5...20) var a = 1.0
            @Setting("B.", in: 1...) var b: Int?
            @Setting("C.", in: ...5) var c = [1, 2]
            @Setting("D.", in: 1..<3) var d = 1
            @Setting("E.", in: ..<0.5) var e: Double
            func run(in context: StageContext) throws -> FakeText { throw FakeFail.Failure() }
        }
        let schema = StageSchema(Ranged.self)
        #expect(schema.settings.map(\.range) == ["0.5...20", "1...", "...5", "1..<3", "..<0.5"])
        let problems = try #require(throws: Problems.self) {
            try Ranged.bound(settings: ["a": "0.1", "b": "0", "c": "6", "d": "3", "e": "0.5"])
        }
        #expect(
            problems.all.map(\.message) == [
                "a: 0.1 is outside 0.5...20", "b: 0 is outside 1...", "c: 6 is outside ...5",
                "d: 3 is outside 1..<3",
                "e: 0.5 is outside ..<0.5",
            ])
        #expect(try Ranged.bound(settings: ["b": "null", "e": "0"]).b == nil)
    }
}
