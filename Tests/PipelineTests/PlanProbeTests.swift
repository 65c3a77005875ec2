import Foundation
import TestSupport
import Testing

/// `plan --probe`, through the built program.
@Suite struct PlanProbeTests {
    @Test func `a first plan has an estimate by trial, and commands are not tried`() throws {
        let retort = try Retort()
        try retort.folder.write(
            """
            retort: 1
            name: first
            data: {pool: {kind: world, seed: 1, splits: {all: 4000}}}
            stages:
              net: {uses: pretrain, images: pool.all, architecture: vit_mini_patch4_32, steps: 2}
              command: {uses: shell, cmd: "touch ran; touch $OUT/x", out: x}
            """, to: "p.yaml")
        let plan = try retort.run("plan", "p.yaml", "--probe", "0.2", "--json")
        #expect(plan.code == 0, "\(plan.errors)")
        let stages = try #require(try plan.json()["stages"] as? [String: [String: Any]])
        let estimate = try #require(stages["pool"]?["estimate"] as? [String: Any])
        #expect(estimate["samples"] as? Int == 0)
        #expect((estimate["seconds"] as? [Double])?.allSatisfy { $0 > 0 } == true)
        #expect(stages["net"]?["estimate"] == nil && stages["command"]?["estimate"] == nil)
        #expect(!FileManager.default.fileExists(atPath: retort.folder.appending("ran").path))
        #expect(plan.errors.contains("trying pool"))
        let wrong = try retort.run("plan", "p.yaml", "--probe", "0")
        #expect(wrong.code == 64 && wrong.errors.contains("--probe must be more than 0 seconds"))
    }
}
