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
        let many = try retort.run("plan", "p.yaml", "--probe", "1", "--nproc", "2")
        #expect(many.code == 64 && many.errors.contains("--probe does not go with 2 processes"))
    }

    @Test func `a stage that fails while it is tried says why, and the plan is made`() throws {
        let retort = try Retort()
        try FileManager.default.createDirectory(
            atPath: retort.folder.appending("photos/all/cat").path, withIntermediateDirectories: true)
        try retort.folder.write("hello", to: "photos/all/cat/1.jpg")
        try retort.folder.write(
            """
            retort: 1
            name: first
            data: {pool: {kind: imagefolder, root: photos}}
            """, to: "p.yaml")
        let plan = try retort.run("plan", "p.yaml", "--probe", "1")
        #expect(plan.code == 0 && plan.output.contains("RUN  pool  imagefolder"))
        #expect(
            plan.errors.contains(
                """
                p.yaml:3:21: warning: 'pool' could not be tried: 1 images of 'pool' cannot be decoded, more than \
                max_bad = 0: all/cat/1.jpg (not a JPEG, PNG or WebP file (it starts with 68656c6c))
                  hint: mend or remove them, or raise max_bad to go on without them
                """), "\(plan.errors)")
    }
}
