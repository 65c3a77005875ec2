import Foundation
import TestSupport
import Testing

/// TorchScript modules as teachers, as users meet them.
@Suite struct ScriptedTeacherTests {
    private func write(_ text: String, in retort: Retort) throws -> String {
        let file = retort.folder.appending("scripted.yaml")
        try Data(text.utf8).write(to: file)
        return file.path
    }

    private func script(_ name: String, _ more: String = "") -> String {
        "{file: \(Fixtures.url("torchscript/\(name).pt").path), architecture: torchscript, image_size: 32, "
            + "mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5]\(more)}"
    }

    @Test func `a script is fine-tuned, labels images, and is distilled`() throws {
        let retort = try Retort()
        let file = try write(
            """
            retort: 1
            name: scripted
            models:
              body: \(script("scripted", ", output: features"))
              frozen: \(script("frozen", ", output: features"))
              classifier: \(script("logits", ", output: logits, classes: [one, two, three, four, five]"))
            data:
              target: {kind: world, seed: 2, splits: {train: 16, test: 8}}
              pool: {kind: world, seed: 3, splits: {all: 24}}
            stages:
              teacher: {uses: fine-tune, model: body, train: target.train, steps: 3, batch_size: 8, ema: 0.9}
              probe: {uses: fine-tune, model: frozen, train: target.train, steps: 2, batch_size: 8, mode: probe, precision: bf16}
              labels: {uses: label, teacher: teacher, images: pool.all, views: 2, precision: bf16}
              cached: {uses: distill, labels: labels, student: dwcnn_xs, steps: 2, batch_size: 8}
              online: {uses: distill, teacher: probe, images: pool.all, student: dwcnn_xs, steps: 2, batch_size: 8}
              five: {uses: distill, teacher: classifier, images: pool.all, student: dwcnn_xs, steps: 2, batch_size: 8}
              embed: {uses: embed, model: body, images: [pool]}
              eval: {uses: evaluate, models: [teacher, probe, cached, online], images: target.test}
            """, in: retort)
        let outcome = try retort.run("run", file)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("scripted.pt brings code of its own"), "\(outcome.errors)")
        let classes = try JSONSerialization.jsonObject(with: retort.artifact("five", "model.json"))
        #expect(
            (classes as? [String: Any])?["classes"] as? [String] == ["one", "two", "three", "four", "five"])
        let original = try Data(contentsOf: Fixtures.url("torchscript/scripted.pt"))
        #expect(try retort.artifact("teacher", "model.pt") == original)

        // What it cost: 16 x 16 places of 8 x 27 products, 8 x 8 of 16 x 72, and ten classes.
        let operations = 2 * (16 * 16 * 8 * 27 + 8 * 8 * 16 * 72 + 16 * 10)
        for (stage, file) in [("teacher", "metrics.jsonl"), ("labels", "artifact.json")] {
            let record = try JSONSerialization.jsonObject(with: retort.artifact(stage, "artifact.json"))
            let counts = (record as? [String: Any])?["counts"] as? [String: Int]
            #expect(counts?["flops_per_image"] == operations)
            let text = String(decoding: try retort.artifact(stage, file), as: UTF8.self)
            #expect(text.contains("images_per_second") && text.contains("tflops"), "\(text)")
        }

        let bare = try retort.run("model", "info", Fixtures.url("torchscript/frozen.pt").path)
        #expect(bare.code == 0 && bare.output.contains("frozen        its weights are constants of its code"))
        #expect(bare.errors.contains("brings code of its own"), "\(bare.errors)")

        let folder = try retort.run("path", "teacher").output.trimmingCharacters(in: .whitespacesAndNewlines)
        let info = try retort.run("model", "info", folder, "--json")
        #expect(info.code == 0, "\(info.errors)")
        let json = try info.json()
        #expect(json["dialect"] as? String == "torchscript")
        #expect(json["loaded"] as? Int == 11 && json["total"] as? Int == 11)
        #expect(json["coverage"] as? Double == 1)
        #expect(json["frozen"] as? Bool == false)

        let images = retort.folder.appending("images")
        try FileManager.default.createDirectory(at: images, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            at: Fixtures.url("vision/rgb.png"), to: images.appending(path: "a.png"))
        let embedded = try retort.run(
            "embed", "--checkpoint", folder, "--images", images.path, "--out", "e.npy")
        #expect(embedded.code == 0 && embedded.output.contains("1 x 16"), "\(embedded.errors)")
        let predicted = try retort.run("predict", "--checkpoint", "teacher", "--images", images.path)
        #expect(predicted.code == 0 && predicted.output.contains("a.png"), "\(predicted.errors)")
        let exported = try retort.run("export", "model", "teacher", "--to", "onnx", "--out", "t.onnx")
        #expect(exported.code == 69)
        #expect(
            exported.errors.contains("a TorchScript model cannot be exported as onnx"), "\(exported.errors)")
        #expect(try retort.run("verify").code == 0)
    }

    @Test func `a training that is killed goes on to the same bytes`() throws {
        func pipeline(in retort: Retort) throws -> String {
            try write(
                """
                retort: 1
                name: scripted
                models:
                  body: \(script("logits", ", output: features"))
                data:
                  target: {kind: world, seed: 2, splits: {train: 16}}
                stages:
                  teacher: {uses: fine-tune, model: body, train: target.train, steps: 60, batch_size: 16, ema: 0.9}
                """, in: retort)
        }
        let undisturbed = try Retort()
        #expect(try undisturbed.run("run", pipeline(in: undisturbed), "--threads", "1").code == 0)
        let stopped = try Retort()
        let file = try pipeline(in: stopped)
        let process = try stopped.start(["run", file, "--threads", "1"])
        Thread.sleep(forTimeInterval: 1.5)
        process.interrupt()
        process.waitUntilExit()
        #expect(try stopped.run("run", file, "--threads", "1").code == 0)
        let weights = "model.safetensors"
        #expect(try stopped.artifact("teacher", weights) == undisturbed.artifact("teacher", weights))
    }

    @Test func `what a script's file does not say has to be declared`() throws {
        let retort = try Retort()
        let path = Fixtures.url("torchscript/scripted.pt").path
        let file = try write(
            """
            retort: 1
            name: scripted
            models:
              body: {file: \(path), architecture: torchscript, mean: [0.5, 0.5, 0.5]}
            """, in: retort)
        let outcome = try retort.run("run", file)
        #expect(outcome.code == 78)
        #expect(
            outcome.errors.contains("a TorchScript file does not say its output, image_size, std"),
            "\(outcome.errors)")
    }

    @Test func `a frozen script is not fine-tuned, and pickled weights are no script`() throws {
        let retort = try Retort()
        let file = try write(
            """
            retort: 1
            name: scripted
            models:
              frozen: \(script("frozen", ", output: features"))
              pickled: \(script("state_dict", ", output: features"))
            data:
              target: {kind: world, seed: 2, splits: {train: 16}}
            stages:
              teacher: {uses: fine-tune, model: frozen, train: target.train, steps: 2, batch_size: 8}
            """, in: retort)
        let frozen = try retort.run("run", file, "--until", "teacher")
        #expect(frozen.errors.contains("torch.jit.freeze made constants of them"), "\(frozen.errors)")
        let pickled = try retort.run("run", file, "--until", "pickled")
        #expect(pickled.code == 65)
        #expect(pickled.errors.contains("scripted.yaml:5:"), "\(pickled.errors)")
        #expect(pickled.errors.contains("holds pickled weights, and no code"), "\(pickled.errors)")
    }
}
