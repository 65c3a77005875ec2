import Foundation
import TestSupport
import Testing

@testable import retort

/// Templates of pipeline files, through the built program.
@Suite struct InitTests {
    @Test(arguments: PipelineTemplate.allCases, [true, false])
    func `every template is a valid pipeline`(_ template: PipelineTemplate, demo: Bool) throws {
        let retort = try Retort()
        let written = try retort.run(
            "init", "p.yaml", "--template", template.rawValue, demo ? "--demo" : "--quiet")
        #expect(written.code == 0 && written.output == "p.yaml\n", "\(written.errors)")
        let validated = try retort.run("validate", "p.yaml")
        #expect(validated.code == 0, "\(validated.errors)")
        let again = try retort.run("init", "p.yaml")
        #expect(again.code == 64 && again.errors.contains("error: there is a file p.yaml already"))
        guard demo else { return }
        let plan = try retort.run("plan", "p.yaml")
        #expect(plan.code == 0 && plan.output.contains("RUN"), "\(plan.errors)")
    }

    @Test func `a demonstration of curation runs as it is written`() throws {
        let retort = try Retort()
        #expect(try retort.run("init", "--template", "curate", "--demo").code == 0)
        let run = try retort.run(
            "run", "-s", "generic.splits={train: 200}", "-s", "pool.splits={all: 300}", "-s", "vfm.epochs=1",
            "-s", "target.splits={train: 20, val: 10, test: 10}", "-s", "curate.size=60", "-s",
            "curate.leakage=null")
        #expect(run.code == 0, "\(run.errors)")
    }
}
