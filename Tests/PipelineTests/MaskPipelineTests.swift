import Foundation
import TestSupport
import Testing
import Vision

/// Images with masks, from their folder to a model that names pixels, as users run it.
@Suite struct MaskPipelineTests {
    /// Writes images of two colours, and masks that say which.
    private func write(_ count: Int, _ split: String, in retort: Retort) throws {
        for index in 0..<count {
            let classes = (0..<24 * 20).map { UInt8($0 % 24 < 6 + index % 9 ? 0 : 1) }
            let pixels = classes.flatMap { [UInt8](repeating: $0 == 0 ? 30 : 200, count: 3) }
            for (folder, data) in [
                ("images", try ImageCodec.encodePNG(Image(width: 24, height: 20, pixels: pixels))),
                ("masks", try ImageCodec.encodePNG(Mask(width: 24, height: 20, pixels: classes))),
            ] {
                let url = retort.folder.appending("street/\(split)/\(folder)/\(index).png")
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try data.write(to: url)
            }
        }
        try Data("0 wall 0 0 0\n1 sky 9 9 9\n".utf8).write(to: retort.folder.appending("street/classes.txt"))
    }

    private func write(_ stages: String, in retort: Retort) throws -> String {
        let file = retort.folder.appending("street.yaml")
        try Data(
            """
            retort: 1
            name: street
            data:
              street: {kind: maskfolder, root: street}
            stages:
            \(stages)

            """.utf8
        ).write(to: file)
        return file.path
    }

    private let student = """
          student:
            uses: fine-tune
            architecture: resnet_xs
            image_size: 16
            head: psp
            train: street.train
            val: street.test
            steps: 30
            batch_size: 8
            learning_rate: 5e-3
        """

    @Test func `a student learns to name pixels, is measured and exported`() throws {
        let retort = try Retort()
        try write(12, "train", in: retort)
        try write(4, "test", in: retort)
        let file = try write(
            student + "\n  test: {uses: evaluate-masks, models: student, images: street.test}\n"
                + "gates:\n  - test.miou >= 0.5", in: retort)
        let outcome = try retort.run("run", file)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let figures =
            try JSONSerialization.jsonObject(with: retort.artifact("test", "metrics.json"))
            as? [String: Any]
        #expect(figures?["n"] as? Int == 4 && figures?["classes"] as? [String] == ["wall", "sky"])
        #expect((figures?["pixel_accuracy"] as? Double ?? 0) > 0.8, "\(figures ?? [:])")
        #expect((figures?["per_class"] as? [String: Double])?.keys.sorted() == ["sky", "wall"])
        let records = try String(decoding: retort.artifact("street", "splits/test.jsonl"), as: UTF8.self)
        #expect(records.split(separator: "\n").allSatisfy { $0.contains("\"mask\":\"") })
        let exported = try retort.run(
            "export", "model", "student", "--to", "onnx", "--out", "out/student.onnx", "--verify", "never")
        #expect(exported.code == 0, "\(exported.errors)")
        let again = try retort.run("run", file)
        #expect(again.code == 0 && again.output.contains(": 3 cached in "), "\(again.output)")

        // Another mask is other content, though the image is the same.
        let mask = Mask(width: 24, height: 20, pixels: [UInt8](repeating: 1, count: 480))
        try ImageCodec.encodePNG(mask).write(to: retort.folder.appending("street/test/masks/0.png"))
        let rerun = try retort.run("run", file)
        #expect(rerun.code == 0, "\(rerun.errors)")
        #expect(rerun.output.contains(": 3 ran in "), "\(rerun.output)")
    }

    @Test func `a student learns to name pixels from a teacher, from its classes or from its features`()
        throws
    {
        let retort = try Retort()
        try write(12, "train", in: retort)
        try write(4, "test", in: retort)
        let distil =
            "uses: distill, teacher: student, images: street.train, student: dwcnn_xs, image_size: 16, "
            + "steps: 4, batch_size: 8"
        let file = try write(
            student + """

                  oriented: {\(distil), answers: online, val: street.test}
                  agnostic: {\(distil), answers: online, objective: task-agnostic, head: psp}
                  tuned: {uses: fine-tune, model: agnostic, train: street.train, steps: 2, batch_size: 8}
                  test: {uses: evaluate-masks, models: [oriented, tuned], images: street.test}
                """, in: retort)
        let outcome = try retort.run("run", file)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let text = try String(decoding: retort.artifact("oriented", "artifact.json"), as: UTF8.self)
        #expect(text.contains("teacher_miou") && text.contains("teacher_floor"))
        let stored = try retort.run(
            "run", try write(student + "\n  stored: {\(distil)}", in: retort))
        #expect(stored.code == 65)
        #expect(
            stored.errors.contains("answers for every pixel, and such answers are not stored as labels"),
            "\(stored.errors)")
    }

    @Test(arguments: [
        (
            "  student: {uses: fine-tune, architecture: resnet_xs, train: street.train, head: mlp}",
            "head: mlp answers for whole images, and these have masks or other maps"
        ),
        (
            "  student: {uses: pretrain, architecture: resnet_xs, images: street.train}",
            "have a class for every pixel"
        ),
    ])
    func `what needs other images says so`(stages: String, text: String) throws {
        let retort = try Retort()
        try write(2, "train", in: retort)
        let outcome = try retort.run("run", try write(stages, in: retort))
        #expect(outcome.code != 0 && outcome.errors.contains(text), "\(outcome.errors)")
    }

    @Test func `a mask that does not fit stops the scan`() throws {
        let retort = try Retort()
        try write(2, "train", in: retort)
        let mask = Mask(width: 24, height: 20, pixels: [UInt8](repeating: 7, count: 480))
        try ImageCodec.encodePNG(mask).write(to: retort.folder.appending("street/train/masks/1.png"))
        let outcome = try retort.run("run", try write(student.replacing("test", with: "train"), in: retort))
        #expect(outcome.code == 65)
        #expect(
            outcome.errors.contains(
                "train/images/1.png (its mask does not fit: it has a class 7, and there are 2 from 0)"),
            "\(outcome.errors)")
    }
}
