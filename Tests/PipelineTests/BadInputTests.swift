import Foundation
import TestSupport
import Testing
import Vision

/// Bad input, as users meet it: the message says what, where, why and what to do, and the exit code is right.
@Suite struct BadInputTests {
    private func write(_ text: String, in retort: Retort) throws -> String {
        let file = retort.folder.appending("food.yaml")
        try Data(text.utf8).write(to: file)
        return file.path
    }

    private func image(_ shade: UInt8) -> Image {
        Image(width: 16, height: 16, pixels: [UInt8](repeating: shade, count: 16 * 16 * 3))
    }

    @Test func `a misspelt key is located and corrected`() throws {
        let retort = try Retort()
        let file = try write(
            """
            retort: 1
            name: food
            data:
              food: {kind: world, splits: {train: 8}}
            stages:
              student:
                uses: fine-tune
                architecture: dwcnn_xs
                train: food.train
                learning_rat: 1e-3
            """, in: retort)
        let outcome = try retort.run("run", file)
        #expect(outcome.code == 78)
        #expect(
            outcome.errors.contains("food.yaml:10:5: error: unknown setting 'learning_rat'"),
            "\(outcome.errors)")
        #expect(outcome.errors.contains("did you mean 'learning_rate'?"))
    }

    @Test func `a missing weights file is named where it was named`() throws {
        let retort = try Retort()
        let file = try write(
            """
            retort: 1
            name: food
            models:
              vfm: {file: nowhere.safetensors, architecture: dwcnn_xs}
            data:
              food: {kind: world, splits: {train: 8}}
            stages:
              embed: {uses: embed, model: vfm, images: [food]}
            """, in: retort)
        let outcome = try retort.run("run", file)
        #expect(outcome.code == 66)
        #expect(outcome.errors.contains("food.yaml:4:"), "\(outcome.errors)")
        #expect(outcome.errors.contains("nowhere.safetensors"))
    }

    @Test func `a truncated JPEG stops the scan, or is put aside and listed`() throws {
        let retort = try Retort()
        let folder = retort.folder.appending("food/train/apple")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for number in 0..<3 {
            let whole = try ImageCodec.encodeJPEG(image(UInt8(80 * number)))
            let bytes = number == 1 ? whole.prefix(whole.count / 2) : whole
            try bytes.write(to: folder.appending(path: "\(number).jpg"))
        }
        let text = """
            retort: 1
            name: food
            data:
              food: {kind: imagefolder, root: food}
            """
        let strict = try retort.run("run", try write(text, in: retort))
        #expect(strict.code == 65)
        #expect(
            strict.errors.contains("train/apple/1.jpg") && strict.errors.contains("max_bad"),
            "\(strict.errors)")
        #expect(try retort.run("path", "food").code != 0, "a failed stage leaves no artifact")

        let tolerant = text.replacingOccurrences(of: "root: food}", with: "root: food, max_bad: 1}")
        #expect(try retort.run("run", try write(tolerant, in: retort)).code == 0)
        let quarantine = String(decoding: try retort.artifact("food", "quarantine.jsonl"), as: UTF8.self)
        #expect(quarantine.contains("train/apple/1.jpg") && quarantine.split(separator: "\n").count == 1)
    }

    @Test func `a checkpoint that lacks a tensor is refused by that tensor's name`() throws {
        let retort = try Retort()
        #expect(try retort.run("run", Retort.quickstart, "-p", "smoke", "--until", "vfm").code == 0)
        let whole = try retort.artifact("vfm", "model.safetensors")
        let damaged = retort.folder.appending("damaged.safetensors")
        let text = String(decoding: whole.prefix(200_000), as: UTF8.self)
        let name = try #require(text.firstMatch(of: /"(blocks[.a-z0-9_]*\.weight)"/)).1
        // Renaming keeps the file valid: now one tensor is missing, and an unknown one is there.
        var bytes = whole
        let place = try #require(bytes.range(of: Data("\"\(name)\"".utf8)))
        bytes[place.lowerBound + 1] = UInt8(ascii: "x")
        try bytes.write(to: damaged)
        let images = retort.folder.appending("images")
        try FileManager.default.createDirectory(at: images, withIntermediateDirectories: true)
        try ImageCodec.encodePNG(image(9)).write(to: images.appending(path: "a.png"))
        let outcome = try retort.run(
            "embed", "--checkpoint", damaged.path, "--arch", "dwcnn_m", "--images", images.path, "--out",
            "e.npy")
        #expect(outcome.code == 65)
        #expect(outcome.errors.contains("missing: \(name)"), "\(outcome.errors)")
        #expect(!FileManager.default.fileExists(atPath: retort.folder.appending("e.npy").path))
    }
}
