import Diagnostics
import Engine
import TestSupport
import Testing

@Suite struct StageSchemaTests {
    @Test func `the table of a stage is read from its declaration`() {
        let schema = StageSchema(FakeTrain.self)
        #expect(schema.name == "train")
        #expect(schema.section == "stages")
        #expect(schema.output == "text")
        #expect(schema.inputs.map(\.name) == ["data", "start"])
        #expect(schema.inputs.map(\.isOptional) == [false, true])
        #expect(schema.inputs.map(\.role) == [.training, .data])
        #expect(schema.settings.map(\.name) == ["steps", "learning_rate", "seed", "precision"])
        #expect(schema.settings.map(\.fallback) == ["12", "0.1", "0", "fp32"])
        #expect(schema.settings.map(\.type) == ["whole number", "number", "whole number", "choice"])
        #expect(schema.settings.last?.choices == ["fp32", "bf16"])
        #expect(schema.undeclared == [])
    }

    @Test func `the table can be written as JSON`() throws {
        #expect(
            try CanonicalJSON.text(StageSchema(FakeLength.self)) == #"""
                {"inputs":[{"accepts":["text"],"help":"The text.","isList":false,"isOptional":false,"kind":"text",\#
                "name":"of","role":"data"}],"name":"length","output":"text","section":"stages","settings":[],\#
                "summary":"Counts the letters of a text.","undeclared":[]}
                """#)
    }

    @Test func `a stored property that is neither input nor setting is found`() {
        struct Careless: Stage {
            static let name: StageName = "careless"
            static let revision = 1
            static let summary = "Keeps something to itself."
            var memory = 3
            func run(in context: StageContext) throws -> FakeText { throw FakeFail.Failure() }
        }
        #expect(StageSchema(Careless.self).undeclared == ["memory"])
    }

    @Test func `settings of a group stand beside the stage's own`() throws {
        struct Shared: SettingGroup {
            @Setting("How often.", in: 1...) var howOften = 2
        }
        struct Repeater: Stage {
            static let name: StageName = "repeater"
            static let revision = 1
            static let summary = "Says something several times."
            @Setting("What is said.") var word = "a"
            let shared = Shared()
            func run(in context: StageContext) throws -> FakeText { throw FakeFail.Failure() }
        }
        let schema = StageSchema(Repeater.self)
        #expect(schema.settings.map(\.name) == ["word", "how_often"])
        #expect(schema.undeclared == [])
        #expect(try Repeater.bound(settings: ["how_often": "5"]).shared.howOften == 5)
    }

    @Test func `validation may ask whether an input is given`() throws {
        struct Either: Stage {
            static let name: StageName = "either"
            static let revision = 1
            static let summary = "Needs one of two inputs."
            @Input("One.") var one: FakeText?
            @Input("Two.") var two: FakeText?
            func validate() throws {
                if $one.isGiven == $two.isGiven { throw Diagnostic("give one or two, not both") }
            }
            func run(in context: StageContext) throws -> FakeText { throw FakeFail.Failure() }
        }
        let catalog = fakeStages + [Either.self]
        let problems = try #require(throws: Problems.self) {
            try Graph(pipeline("data a: write text=a\nb: either one=a two=a\nc: either"), catalog: catalog)
        }
        #expect(
            problems.description == """
                test.yml:2:1: error: give one or two, not both
                test.yml:3:1: error: give one or two, not both
                """)
        _ = try Graph(pipeline("data a: write text=a\nb: either one=a"), catalog: catalog)
    }

    @Test func `reading an input before it is filled is a bug, not an error`() async {
        await #expect(processExitsWith: .failure) { _ = FakeLength().of }
    }
}
