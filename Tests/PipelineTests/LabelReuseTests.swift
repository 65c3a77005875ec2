import Foundation
import TestSupport
import Testing

/// A teacher is asked about each view once, whatever asks for it.
@Suite struct LabelReuseTests {
    private func pipeline(images: Int, _ settings: String = "", in retort: Retort) throws -> String {
        let file = retort.folder.appending("labels-\(images).yaml")
        try """
        retort: 1
        name: labels
        data:
          target: {kind: world, seed: 2, splits: {train: 16}}
          pool: {kind: world, seed: 3, splits: {all: \(images)}}
        stages:
          teacher: {uses: fine-tune, architecture: mobilenetv2_mini, train: target.train, steps: 2, batch_size: 8}
          labels: {uses: label, teacher: teacher, images: pool.all, views: 3\(settings)}
        """.write(to: file, atomically: true, encoding: .utf8)
        return file.path
    }

    @Test func `a larger transfer set asks about its new images alone, and gets the same bytes`() throws {
        let shared = try Retort()
        #expect(try shared.run("run", pipeline(images: 20, in: shared)).code == 0)
        let grown = try shared.run("run", pipeline(images: 50, in: shared))
        #expect(grown.code == 0, "\(grown.errors)")
        let record = try JSONSerialization.jsonObject(with: shared.artifact("labels", "artifact.json"))
        let counts = (record as? [String: Any])?["counts"] as? [String: Int]
        #expect(counts?["labelled_views"] == 150)
        #expect(counts?["reused_views"] == 60)

        let fresh = try Retort()
        #expect(try fresh.run("run", pipeline(images: 50, in: fresh)).code == 0)
        #expect(try shared.artifact("labels", Self.shard) == fresh.artifact("labels", Self.shard))
    }

    private static let shard = "labels/labels-0000.safetensors"

    private func counts(_ retort: Retort) throws -> [String: Int] {
        let record = try JSONSerialization.jsonObject(with: retort.artifact("labels", "artifact.json"))
        return (record as? [String: Any])?["counts"] as? [String: Int] ?? [:]
    }

    @Test func `all that is known serves those who want less of it, and not the other way round`() throws {
        let sparse = ", store: top-k, top_k: 3, features: false"
        let shared = try Retort()
        #expect(try shared.run("run", pipeline(images: 20, in: shared)).code == 0)
        let less = try shared.run("run", pipeline(images: 20, sparse, in: shared))
        #expect(less.code == 0, "\(less.errors)")
        #expect(try counts(shared)["asked_views"] == 0)

        let fresh = try Retort()
        #expect(try fresh.run("run", pipeline(images: 20, sparse, in: fresh)).code == 0)
        #expect(try counts(fresh)["asked_views"] == 60)
        #expect(try shared.artifact("labels", Self.shard) == fresh.artifact("labels", Self.shard))
        #expect(try fresh.run("run", pipeline(images: 20, in: fresh)).code == 0)
        #expect(try counts(fresh)["asked_views"] == 60)
    }
}
