import Foundation
import TestSupport
import Testing
import Vision

/// A student leaves the store, and says what it sees.
@Suite(.serialized) struct ExportTests {
    private func trained() throws -> Retort {
        let retort = try Retort()
        let file = try retort.folder.write(
            """
            retort: 1
            name: exported
            data:
              world: {kind: world, splits: {train: 16}}
            stages:
              student: {uses: fine-tune, architecture: dwcnn_xs, train: world.train, steps: 2, batch_size: 8}
            """, to: "p.yaml")
        let run = try retort.run("run", file.path)
        #expect(run.code == 0, "\(run.errors)")
        for (number, shade) in [UInt8(20), 200].enumerated() {
            let pixels = (0..<48 * 40 * 3).map { UInt8($0 % 3 == number ? shade : 60) }
            let name = "images/deep/\(number).png"
            try retort.folder.write("", to: name)
            try ImageCodec.encodePNG(Image(width: 48, height: 40, pixels: pixels))
                .write(to: retort.folder.appending(name))
        }
        try retort.folder.write("no image", to: "images/bad.jpg")
        return retort
    }

    @Test func `a student is exported in both forms, and predicts from either place alike`() throws {
        let retort = try trained()
        let onnx = try retort.run(
            "export", "model", "student", "--to", "onnx", "--out", "out/student.onnx", "--verify", "never",
            "--json")
        #expect(onnx.code == 0, "\(onnx.errors)")
        let summary = try onnx.json()
        #expect(summary["architecture"] as? String == "dwcnn_xs")
        #expect(summary["verified"] as? Bool == false)
        let weights = try retort.run(
            "export", "model", "student", "--to", "safetensors", "--out", "out/student.safetensors")
        #expect(weights.code == 0 && weights.output.contains("sha256"), "\(weights.errors)")
        let card = try retort.folder.read("out/student.onnx.md")
        #expect(card.contains("fine-tune student") && card.contains("`world.train` (images)"), "\(card)")

        let stored = try retort.run("predict", "--checkpoint", "student", "--images", "images", "--json")
        #expect(stored.code == 0)
        #expect(stored.errors.contains("bad.jpg is left out"), "\(stored.errors)")
        let exported = try retort.run(
            "predict", "--checkpoint", "out/student.safetensors", "--images", "images", "--json", "--batch",
            "1")
        #expect(exported.code == 0, "\(exported.errors)")
        let rows = try #require(
            JSONSerialization.jsonObject(with: Data(stored.output.utf8)) as? [[String: Any]])
        #expect(rows.map { $0["image"] as? String } == ["deep/0.png", "deep/1.png"])
        let top = try #require(rows[0]["top"] as? [[String: Any]])
        #expect(top.count == 5 && top[0]["class"] as? String == rows[0]["class"] as? String)
        #expect(top[0]["confidence"] as? Double == rows[0]["confidence"] as? Double)
        let again = try #require(
            JSONSerialization.jsonObject(with: Data(exported.output.utf8)) as? [[String: Any]])
        #expect(again.map { $0["class"] as? String } == rows.map { $0["class"] as? String })
        let text = try retort.run("predict", "--checkpoint", "student", "--images", "images").output
        #expect(text.contains(/deep\/0\.png  .+  0\.\d\d\n/), "\(text)")
    }

    @Test func `licences of weights and images stand on the card, and change without a run`() throws {
        let retort = try Retort()
        for number in 0..<4 {
            let name = "photos/train/\(number % 2)/\(number).png"
            try retort.folder.write("", to: name)
            let pixels = [UInt8](repeating: UInt8(60 * number), count: 32 * 32 * 3)
            try ImageCodec.encodePNG(Image(width: 32, height: 32, pixels: pixels))
                .write(to: retort.folder.appending(name))
        }
        func pipeline(_ licence: String) throws -> String {
            try retort.folder.write(
                """
                retort: 1
                name: licensed
                models:
                  vfm: {file: \(Fixtures.url("torchscript/scripted.pt").path), architecture: torchscript,
                        output: features, image_size: 32, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5],
                        licence: Apache-2.0}
                data:
                  photos: {kind: imagefolder, root: photos\(licence)}
                stages:
                  teacher: {uses: fine-tune, model: vfm, train: photos.train, steps: 2, batch_size: 4}
                  student: {uses: distill, teacher: teacher, images: photos.train, student: dwcnn_xs, steps: 2, batch_size: 4}
                """, to: "p.yaml"
            ).path
        }
        let first = try retort.run("run", pipeline(", licence: CC-BY-4.0"))
        #expect(first.code == 0, "\(first.errors)")
        func card(_ out: String) throws -> String {
            let export = try retort.run(
                "export", "model", "student", "--to", "safetensors", "--out", "\(out)/s.safetensors")
            #expect(export.code == 0, "\(export.errors)")
            return try retort.folder.read("\(out)/s.safetensors.md")
        }
        #expect(
            try card("first").contains(
                "## Licences\n\n- `photos` (images): CC-BY-4.0\n- `vfm` (checkpoint): Apache-2.0\n"))
        let json = try JSONSerialization.jsonObject(with: Data(retort.folder.read("first/model.json").utf8))
        #expect(
            (json as? [String: Any])?["licences"] as? [String]
                == ["`photos` (images): CC-BY-4.0", "`vfm` (checkpoint): Apache-2.0"])
        let second = try retort.run("run", pipeline(", licence: CC0-1.0"), "--json")
        let states = try second.json()["stages"] as? [String: [String: Any]] ?? [:]
        #expect(Set(states.values.compactMap { $0["state"] as? String }) == ["cached"])
        #expect(try card("second").contains("- `photos` (images): CC0-1.0\n"))
        #expect(try retort.run("run", pipeline("")).code == 0)
        #expect(try !card("third").contains("`photos` (images):"))
        #expect(try retort.run("verify").code == 0)
    }

    @Test func `what cannot be exported or run is refused with a way out`() throws {
        let retort = try trained()
        let world = try retort.run("export", "model", "world", "--to", "onnx", "--out", "w.onnx")
        #expect(world.code == 64 && world.errors.contains("'world' is no checkpoint"), "\(world.errors)")
        let missing = try retort.run("export", "model", "studnet", "--to", "onnx", "--out", "w.onnx")
        #expect(missing.code == 64 && missing.errors.contains("did you mean 'student'?"), "\(missing.errors)")
        let nowhere = try retort.run("predict", "--checkpoint", "no.safetensors", "--images", "images")
        #expect(nowhere.code == 66 && nowhere.errors.contains("no file"), "\(nowhere.errors)")

        for form in ["onnx", "safetensors"] {
            let code = try retort.run(
                "export", "model", "student", "--to", form, "--out", "out/a.\(form)"
            ).code
            #expect(code == 0)
        }
        let onnx = try retort.run("predict", "--checkpoint", "out/a.onnx", "--images", "images")
        #expect(onnx.code == 64)
        #expect(onnx.errors.contains("a.onnx is an ONNX file"), "\(onnx.errors)")
        #expect(onnx.errors.contains("out/a.safetensors"), "\(onnx.errors)")

        try FileManager.default.removeItem(at: retort.folder.appending("images/deep"))
        let bad = try retort.run("predict", "--checkpoint", "student", "--images", "images")
        #expect(bad.code == 65 && bad.errors.contains("none of the 1 images"), "\(bad.errors)")
    }
}
