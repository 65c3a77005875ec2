import Foundation
import TestSupport
import Testing

/// Experts from their own labelled domains to pseudo-labels and probes, as users run it.
@Suite struct ExpertTests {
    private func write(_ text: String, in retort: Retort) throws -> String {
        let file = retort.folder.appending("experts.yaml")
        try Data(text.utf8).write(to: file)
        return file.path
    }

    private func json(_ retort: Retort, _ stage: String, _ file: String) throws -> [String: Any] {
        try JSONSerialization.jsonObject(with: retort.artifact(stage, file)) as? [String: Any] ?? [:]
    }

    @Test func `experts are trained, measured, asked, and encoders probed`() throws {
        let retort = try Retort()
        let expert =
            "uses: fine-tune, architecture: resnet_xs, image_size: 24, train: rooms.train, "
            + "steps: 30, batch_size: 8, learning_rate: 5e-3"
        let file = try write(
            """
            retort: 1
            name: experts
            data:
              rooms: {kind: world, domain: layouts, size: 24, seed: 1, truth: [segmentation, depth, normals], splits: {train: 24, test: 8}}
              objects: {kind: world, size: 24, seed: 2, splits: {train: 40, test: 20}}
              corpus: {kind: world, domain: generic, size: 24, seed: 3, splits: {all: 12}}
              known: {kind: world, domain: generic, size: 24, seed: 3, splits: {all: 12}, truth: [depth]}
            models:
              script: {file: \(Fixtures.url("experts/segmentation.pt").path), architecture: torchscript, output: map, output_part: out, task: segmentation, image_size: 24, mean: [0, 0, 0], std: [1, 1, 1], classes: [dark, red, green, blue], licence: MIT}
            stages:
              seg: {\(expert)}
              depth: {\(expert), task: depth, head: psp}
              normals: {\(expert), task: normals, normal_loss: l1}
              seg-test: {uses: evaluate-maps, models: seg, images: rooms.test}
              depth-test: {uses: evaluate-maps, models: depth, images: rooms.test}
              normals-test: {uses: evaluate-maps, models: normals, images: rooms.test}
              seg-labels: {uses: pseudo-label, expert: seg, images: corpus.all, confidence: 0.3}
              depth-labels: {uses: pseudo-label, expert: depth, images: corpus.all}
              noisy-labels: {uses: pseudo-label, expert: depth, images: corpus.all, noise: 0.5}
              label-errors: {uses: evaluate-labels, labels: [depth-labels, noisy-labels], images: known.all}
              same-test: {uses: evaluate-maps, models: depth, images: known.all}
              normals-labels: {uses: pseudo-label, expert: normals, images: corpus.all, map_size: 12}
              script-labels: {uses: pseudo-label, expert: script, images: corpus.all}
              probe-depth: {uses: probe, models: [depth, seg], train: rooms.train, images: rooms.test, task: depth, head: psp, steps: 10, batch_size: 8, baseline: seg}
              probe-class: {uses: probe, models: [seg], train: objects.train, images: objects.test, steps: 10, batch_size: 8}
            gates:
              - depth-test.delta1 >= 0.1
            """, in: retort)
        let outcome = try retort.run("run", file)
        #expect(outcome.code == 0, "\(outcome.errors)")
        for (stage, metrics) in [
            ("seg-test", ["miou", "pixel_accuracy"]), ("depth-test", ["rmse", "abs_rel", "delta1"]),
            ("normals-test", ["mean_angular_error", "median_angular_error"]),
            ("probe-depth", ["rmse"]), ("probe-class", ["top1", "knn_top1"]),
        ] {
            let figures = try json(retort, stage, "metrics.json")
            let floor = figures["floor"] as? [String: Double]
            for metric in metrics {
                #expect(figures[metric] is Double && floor?[metric] != nil, "\(stage) \(metric)")
            }
        }
        let segmented = try json(retort, "seg-test", "metrics.json")["models"] as? [[String: Any]]
        let perClass = try #require(segmented?.first?["per_class"] as? [String: Double])
        #expect(perClass["backdrop"] != nil && perClass.values.allSatisfy { 0...1 ~= $0 }, "\(perClass)")
        let normals = try json(retort, "normals-test", "metrics.json")
        #expect(normals["mean_angular_error"] as? Double ?? 90 < 60, "\(normals)")
        // What is stored of an expert's answers is as wrong as the expert, and noise makes it worse.
        let errors = try json(retort, "label-errors", "metrics.json")["models"] as? [[String: Any]]
        let rmse = errors?.compactMap { ($0["metrics"] as? [String: Double])?["rmse"] } ?? []
        let own = try #require(try json(retort, "same-test", "metrics.json")["rmse"] as? Double)
        #expect(rmse.count == 2 && abs(rmse[0] - own) < 0.01 * own && rmse[1] > rmse[0], "\(rmse) \(own)")
        let comparisons = try json(retort, "probe-depth", "metrics.json")["comparisons"] as? [[String: Any]]
        #expect(comparisons?.first?["lower_is_better"] as? Bool == true)
        #expect(outcome.output.contains("rmse ↓") && outcome.output.contains("vs seg"), "\(outcome.output)")

        for (stage, task, ending) in [
            ("seg-labels", "segmentation", "seg.png"), ("depth-labels", "depth", "depth.npy"),
            ("normals-labels", "normals", "normals.npy"), ("script-labels", "segmentation", "seg.png"),
        ] {
            let labels = try json(retort, stage, "labels.json")
            #expect(labels["task"] as? String == task && labels["images"] as? Int == 12)
            #expect(labels["failures"] as? Int == 0 && (labels["bytes_per_image"] as? Double ?? 0) > 60)
            #expect((labels["digest"] as? String)?.isEmpty == false)
            #expect((labels["yield"] as? [String: Any])?["images"] as? Double == 1)
            let shard = String(
                decoding: try retort.artifact(stage, "maps/maps-0000.tar"), as: Unicode.ASCII.self)
            #expect(shard.contains("corpus/all/000007.\(ending)"))
        }
        let script = try json(retort, "script-labels", "labels.json")
        #expect((script["licences"] as? [String])?.first?.contains("MIT") == true, "\(script)")
        let depthLabels = try json(retort, "depth-labels", "labels.json")
        #expect(depthLabels["bytes_per_image"] as? Int == 128 + 2 * 24 * 24)
        let normalLabels = try json(retort, "normals-labels", "labels.json")
        #expect(normalLabels["bytes_per_image"] as? Int == 128 + 2 * 12 * 12)

        let report = try retort.run("report")
        #expect(report.code == 0, "\(report.errors)")
        let words = (report.output + report.errors).split(whereSeparator: \.isWhitespace)
        let location = try #require(words.last { $0.hasSuffix("report.html") })
        let page = try String(
            contentsOf: URL(filePath: String(location), relativeTo: retort.folder.url), encoding: .utf8)
        for text in [
            "Images beside their maps", "data:image/png;base64", "rmse ↓",
            "‘script-labels’: they share no class name, so that their maps cannot be compared.",
        ] { #expect(page.contains(text), "\(text)") }
        #expect(try retort.run("verify").code == 0)
        let again = try retort.run("run", file)
        #expect(again.code == 0 && again.output.contains(": 20 cached in "), "\(again.output)")
    }

    @Test(arguments: [
        (
            "seg: {uses: pseudo-label, expert: classes, images: rooms.test}",
            "the model has one class for a whole image, and none for its pixels"
        ),
        (
            "d: {uses: evaluate-maps, models: classes, images: rooms.test}",
            "the model has one class for a whole image, and none for its pixels"
        ),
        (
            "d: {uses: probe, models: classes, train: rooms.train, images: rooms.test, task: depth, steps: 2}",
            "have no maps of depth, which the probe needs"
        ),
        (
            "d: {uses: probe, models: classes, train: rooms.train, images: again.train, steps: 2}",
            "error: 8 of the 8 images of 'again' are among those that the heads learn from"
        ),
        (
            "d: {uses: evaluate-clip, models: classes, pairs: rooms.test}",
            "error: the model of 'classes' has an image tower alone"
        ),
        (
            "d: {uses: evaluate-clip, models: classes, images: rooms.test, templates: [a photo]}",
            "error: the sentence 'a photo' has no place for the name of a class"
        ),
        (
            "d: {uses: train-clip, architecture: clip_vit_mini, images: rooms.train, truth: [depth], lambdas: {normals: 2}}",
            "error: lambdas weighs 'normals', which nothing is learned about"
        ),
    ])
    func `what does not answer for pixels says so`(stage: String, text: String) throws {
        let retort = try Retort()
        let file = try write(
            """
            retort: 1
            name: experts
            data:
              rooms: {kind: world, domain: layouts, size: 24, seed: 1, splits: {train: 8, test: 4}}
              again: {kind: world, domain: layouts, size: 24, seed: 1, splits: {train: 8, test: 4}}
            stages:
              classes: {uses: fine-tune, architecture: dwcnn_xs, train: rooms.train, steps: 2, batch_size: 8}
              \(stage)
            """, in: retort)
        let outcome = try retort.run("run", file)
        #expect(outcome.code != 0 && outcome.errors.contains(text), "\(outcome.errors)")
    }
}
