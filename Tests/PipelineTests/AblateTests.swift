import Foundation
import TestSupport
import Testing

/// `retort ablate curate` on a small pipeline with an arm of its own and another curation.
@Suite struct AblateTests {
    private func pipeline(in retort: Retort) throws -> String {
        try retort.folder.write(
            """
            retort: 1
            name: ablation
            data:
              target: {kind: world, seed: 2, splits: {train: 20, val: 20, test: 30}}
              pool: {kind: world, seed: 3, splits: {all: 150}}
            stages:
              teacher: {uses: fine-tune, architecture: dwcnn_xs, train: target.train, steps: 4, batch_size: 16}
              embed: {uses: embed, model: teacher, images: [pool, target]}
              index: {uses: index, embeddings: embed}
              curate: &curate
                {uses: curate, index: index, queries: target.train, exclude: [target.test], leakage: null, per_query: 2}
              other: {<<: *curate, strategy: best-match}
              transfer: &transfer
                {uses: distill, teacher: teacher, images: curate, student: dwcnn_xs, steps: 2, batch_size: 16}
              other-transfer: {<<: *transfer, images: other}
              student: &student {uses: fine-tune, model: transfer, train: target.train, steps: 2, batch_size: 16}
              other-student: {<<: *student, model: other-transfer}
              scratch: {uses: fine-tune, architecture: dwcnn_xs, train: target.train, steps: 2, batch_size: 16}
              eval: {uses: evaluate, models: [student, other-student, scratch], images: target.test, baseline: scratch}
            gates: [curate.leakage.exact == 0, other.leakage.exact == 0]
            """, to: "ablation.yaml"
        ).path
    }

    @Test func `strategies and sizes are compared at equal everything else`() throws {
        let retort = try Retort()
        let file = try pipeline(in: retort)
        let arguments = ["--strategies", "class-balanced,random", "--sizes", "30,40", "--seeds", "2"]
        let plan = try retort.run(
            "ablate", "curate", file, "--stage", "curate", arguments[0], arguments[1], arguments[2],
            arguments[3],
            arguments[4], arguments[5], "--dry-run", "--json")
        #expect(plan.code == 0, "\(plan.errors)")
        let nodes = try #require(plan.json()["stages"] as? [String: Any]).keys
        for shared in ["target", "pool", "teacher", "embed", "index"] {
            #expect(nodes.contains(shared), "\(shared) is shared")
        }
        #expect(nodes.count { $0.hasPrefix("curate[") } == 4)
        #expect(nodes.count { $0.hasPrefix("student[") } == 8)
        #expect(!nodes.contains { $0.hasPrefix("other") }, "what is not compared is not run")

        let run = try retort.run(
            "ablate", "curate", file, "--stage", "curate", arguments[0], arguments[1], arguments[2],
            arguments[3],
            arguments[4], arguments[5], "--json")
        #expect(run.code == 0, "\(run.errors)")
        let rows = try #require(run.json()["rows"] as? [[String: Any]])
        let points = rows.compactMap { $0["point"] as? [String: String] }.filter { !$0.isEmpty }
        #expect(
            Set(points) == [
                ["strategy": "class-balanced", "size": "30"], ["strategy": "class-balanced", "size": "40"],
                ["strategy": "random", "size": "30"], ["strategy": "random", "size": "40"],
            ])
        for row in rows where (row["point"] as? [String: String])?.isEmpty == false {
            #expect(row["images"] as? Int == Int((row["point"] as? [String: String])?["size"] ?? ""))
            #expect(row["seeds"] as? Int == 2)
            let confidence = try #require(row["confidence"] as? [String: Any])
            let mean = try #require(confidence["mean"] as? Double)
            #expect(mean > 0.099 && mean <= 1, "at least chance of ten classes")
        }
        #expect(rows.contains { $0["arm"] as? String == "scratch" && $0["images"] == nil })
        #expect(rows.count == 5)
    }

    @Test func `a curation has to be named where there are several`() throws {
        let retort = try Retort()
        let outcome = try retort.run("ablate", "curate", try pipeline(in: retort))
        #expect(outcome.code == 64)
        #expect(
            outcome.errors.contains(
                """
                error: the pipeline has 2 curations
                  hint: name one: --stage curate or --stage other
                """))
    }

    @Test func `only the named students are compared, beside the baseline`() throws {
        let retort = try Retort()
        let file = try pipeline(in: retort)
        let text = try String(contentsOfFile: file, encoding: .utf8)
            .replacing("  scratch:", with: "  wide: {<<: *student}\n  scratch:")
            .replacing("models: [student,", with: "models: [student, wide,")
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        func students(_ arguments: String...) throws -> Set<String> {
            let plan = try retort.run(
                ["ablate", "curate", file, "--stage", "curate", "--dry-run", "--json"] + arguments)
            #expect(plan.code == 0, "\(plan.errors)")
            let names = try #require(plan.json()["stages"] as? [String: Any]).keys.map {
                String($0.prefix { $0 != "[" })
            }
            return Set(names).intersection(["student", "wide", "scratch"])
        }
        #expect(try students() == ["student", "wide", "scratch"])
        #expect(try students("--models", "wide") == ["wide", "scratch"])
        let stranger = try retort.run("ablate", "curate", file, "--stage", "curate", "--models", "widee")
        #expect(stranger.code == 64)
        #expect(stranger.errors.contains("nothing called 'widee' is made from 'curate'"))
        #expect(stranger.errors.contains("wide"))
    }
}
