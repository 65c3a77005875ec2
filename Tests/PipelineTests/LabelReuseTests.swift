import Foundation
import TestSupport
import Testing

/// A teacher is asked about each view once, whatever asks for it.
@Suite struct LabelReuseTests {
    private func pipeline(images: Int, in retort: Retort) throws -> String {
        let file = retort.folder.appending("labels-\(images).yaml")
        try """
        retort: 1
        name: labels
        data:
          target: {kind: world, seed: 2, splits: {train: 16}}
          pool: {kind: world, seed: 3, splits: {all: \(images)}}
        stages:
          teacher: {uses: fine-tune, architecture: mobilenetv2_mini, train: target.train, steps: 2, batch_size: 8}
          labels: {uses: label, teacher: teacher, images: pool.all, views: 3}
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
        let shard = "labels/labels-0000.safetensors"
        #expect(try shared.artifact("labels", shard) == fresh.artifact("labels", shard))
    }
}
