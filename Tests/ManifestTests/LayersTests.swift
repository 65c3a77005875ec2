import Diagnostics
import Engine
import Testing

@Suite struct LayersTests {
    let food = LoadTests.food

    @Test func `a profile changes variables and settings, nested or dotted`() throws {
        let spec = try pipeline(food, profile: "smoke")
        #expect(spec.settings("teacher") == "{model: vfm, train: target.train, epochs: 2}")
        #expect(
            spec.settings("transfer") == "{teacher: teacher, images: [pool, target], size: 512, epochs: 1}")
    }

    @Test func `an override wins over the profile`() throws {
        let spec = try pipeline(
            food,
            overrides: [
                "vars.keep=7", "transfer.epochs=9", "transfer.images=[target]", "target.split.train=a=b",
            ],
            profile: "smoke")
        #expect(spec.settings("transfer") == "{teacher: teacher, images: [target], size: 7, epochs: 9}")
        #expect(spec.settings("target") == "{root: data/food, split: {train: a=b}}")
    }

    @Test func `an override can shorten an axis and keep where it goes`() throws {
        let spec = try pipeline(food, overrides: ["matrix.seed=[5]"])
        #expect(spec.matrix.map(\.values) == [["5"]])
        #expect(spec.matrix.map(\.to) == [["transfer"]])
    }

    @Test func `a profile can replace the gates and the kind of a node`() throws {
        let spec = try pipeline(
            food + "\n  bare: {gates: [], teacher.uses: probe, matrix: {seed: [3]}}", profile: "bare")
        #expect(spec.gates.isEmpty)
        #expect(spec.matrix.map(\.values) == [["3"]])
        #expect(spec.nodes.first { $0.name == "teacher" }?.uses == "probe")
    }

    @Test func `every value knows which layer it came from`() throws {
        let spec = try pipeline(food, overrides: ["teacher.epochs=3"], profile: "smoke")
        #expect(spec.sources["teacher.model"] == "food.yaml:10:30")
        #expect(spec.sources["teacher.epochs"] == "-s teacher.epochs=3")
        #expect(spec.sources["transfer.epochs"] == "profile smoke (food.yaml:15:30)")
        #expect(
            spec.sources["transfer.size"] == "food.yaml:11:71, vars.keep from profile smoke (food.yaml:15:18)"
        )
        #expect(spec.sources["vars.pool"] == "food.yaml:3:8")
    }

    @Test func `an unknown profile is corrected`() {
        #expect(
            problems(food, profile: "smok") == """
                food.yaml:14:1: error: unknown profile 'smok'
                  hint: did you mean 'smoke'?
                exit 64
                """)
        #expect(
            problems("retort: 1\nstages: {a: {uses: x}}", profile: "fast") == """
                error: unknown profile 'fast'
                  hint: the pipeline file declares no profiles
                exit 64
                """)
    }

    @Test func `a profile may only change what the pipeline declares, selected or not`() {
        #expect(
            problems(
                """
                retort: 1
                vars: {keep: 1}
                stages: {transfer: {uses: distill}}
                profiles:
                  smoke:
                    transfr.epochs: 1
                    transfer: 3
                    vars: {kep: 2}
                    gates.x: 1
                  broken: nothing
                """) == """
                    food.yaml:6:5: error: 'transfr.epochs' changes 'transfr', which the pipeline does not declare
                      hint: did you mean 'transfer'?
                    food.yaml:7:5: error: 'transfer' does not name one setting
                      hint: write 'transfer.NAME'
                    food.yaml:8:12: error: unknown variable 'kep'
                      hint: did you mean 'keep'?
                    food.yaml:9:5: error: 'gates.x' does not name one setting
                      hint: gates are replaced as a whole
                    food.yaml:10:11: error: the profile 'broken' must be a map, not 'nothing'
                    exit 78
                    """)
    }

    @Test func `a wrong override is quoted with the place where it is wrong`() {
        #expect(
            problems(
                food, overrides: ["transfr.epochs=1", "epochs", "vars.kep=3", "teacher=3", "teacher.x=[1"])
                    == """
                    -s transfr.epochs=1:1:9: error: 'transfr.epochs' changes 'transfr', which the pipeline does not declare
                      hint: did you mean 'transfer'?
                    error: 'epochs' sets nothing
                      hint: write -s stage.setting=value or -s vars.name=value
                    -s vars.kep=3:1:6: error: unknown variable 'kep'
                      hint: did you mean 'keep'?
                    -s teacher=3:1:1: error: 'teacher' does not name one setting
                      hint: write 'teacher.NAME'
                    -s teacher.x=[1:1:13: error: the file is not valid YAML: while parsing a flow sequence, did not find \
                    expected ',' or ']'
                      hint: a list that began with '[' must end with ']'
                    exit 64
                    """)
    }
}
