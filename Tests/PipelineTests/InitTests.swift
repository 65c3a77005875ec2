import Foundation
import TestSupport
import Testing
import Vision

@testable import retort

/// Templates of pipeline files, through the built program.
@Suite struct InitTests {
    @Test(arguments: PipelineTemplate.allCases, [true, false])
    func `every template is a valid pipeline`(_ template: PipelineTemplate, demo: Bool) throws {
        let retort = try Retort()
        let written = try retort.run(
            "init", "p.yaml", "--template", template.rawValue, demo ? "--demo" : "--quiet")
        #expect(written.code == 0 && written.output == "p.yaml\n", "\(written.errors)")
        let validated = try retort.run("validate", "p.yaml")
        #expect(validated.code == 0, "\(validated.errors)")
        let again = try retort.run("init", "p.yaml")
        #expect(again.code == 64 && again.errors.contains("error: there is a file p.yaml already"))
        guard demo else { return }
        let plan = try retort.run("plan", "p.yaml")
        #expect(plan.code == 0 && plan.output.contains("RUN"), "\(plan.errors)")
    }

    @Test func `a demonstration of curation runs as it is written`() throws {
        let retort = try Retort()
        #expect(try retort.run("init", "--template", "curate", "--demo").code == 0)
        let run = try retort.run(
            "run", "-s", "generic.splits={train: 200}", "-s", "pool.splits={all: 300}", "-s", "vfm.epochs=1",
            "-s", "target.splits={train: 20, val: 10, test: 10}", "-s", "curate.size=60", "-s",
            "curate.leakage=null")
        #expect(run.code == 0, "\(run.errors)")
    }

    // MARK: As their users run them

    /// Captioned pictures as a user has them, in shards: `data/captions/{train,val}-000000.tar`.
    private func writeCaptions(in retort: Retort) throws {
        for (split, count) in [("train", 12), ("val", 4)] {
            let folder = retort.folder.appending("loose-\(split)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            for index in 0..<count {
                try picture(index * 2 + split.count).write(to: folder.appending(path: "\(index).png"))
                let caption = "picture \(index) of \(split), with stripes\n"
                try Data(caption.utf8).write(to: folder.appending(path: "\(index).txt"))
            }
            let shards = retort.folder.appending("data/captions")
            try FileManager.default.createDirectory(at: shards, withIntermediateDirectories: true)
            try writeTar(of: folder, to: shards.appending(path: "\(split)-000000.tar"))
        }
    }

    private func picture(_ seed: Int) throws -> Data {
        let pixels = (0..<40 * 30 * 3).map { UInt8(($0 * (seed + 3) + $0 / 120 * 31) % 251) }
        return try ImageCodec.encodePNG(Image(width: 40, height: 30, pixels: pixels))
    }

    /// Labelled images and masks, for those who have some.
    private func writeLabelled(in retort: Retort) throws {
        func write(_ data: Data, _ path: String) throws {
            let url = retort.folder.appending("data/\(path)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try data.write(to: url)
        }
        for index in 0..<6 {
            try write(picture(50 + index), "names/test/\(index % 2 == 0 ? "even" : "odd")/\(index).png")
        }
        for (split, start) in [("train", 100), ("test", 200)] {
            for index in start..<start + 8 {
                let classes = (0..<40 * 30).map { UInt8(($0 / 300 + index) % 4) }
                try write(picture(index), "maps/\(split)/images/\(index).png")
                try write(
                    ImageCodec.encodePNG(Mask(width: 40, height: 30, pixels: classes)),
                    "maps/\(split)/masks/\(index).png")
            }
        }
        try write(Data("dark\nred\ngreen\nblue\n".utf8), "maps/classes.txt")
    }

    /// The user's own expert, behind a link as many keep large files: red, green and blue have channels of a result named
    /// `out`, beside another.
    private func writeExpert(in retort: Retort) throws {
        let models = retort.folder.appending("models")
        try FileManager.default.createDirectory(at: models, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            at: models.appending(path: "expert.pt"),
            withDestinationURL: Fixtures.url("experts/segmentation.pt"))
    }

    private static let short = [
        "clip.architecture=clip_mobilenetv2_mini", "clip.image_size=32", "clip.steps=2", "clip.batch_size=8",
        "clip-ft.steps=2", "clip-ft.batch_size=8",
    ]
    private static let expert = [
        "expert.image_size=24", "expert.classes=[dark, red, green, blue]", "clip-experts.steps=2",
        "clip-experts.batch_size=8",
    ]

    private func run(_ retort: Retort, _ overrides: [String]) throws -> Retort.Outcome {
        try retort.run(["run"] + overrides.flatMap { ["-s", $0] })
    }

    private func evaluation(_ retort: Retort) throws -> [String: Any] {
        let data = try retort.artifact("evaluation", "metrics.json")
        return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    }

    @Test func `shards with captions are all that the clip template needs`() throws {
        let retort = try Retort()
        try writeCaptions(in: retort)
        #expect(try retort.run("init", "--template", "clip").code == 0)
        let outcome = try run(retort, Self.short)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let evaluation = try evaluation(retort)
        #expect((evaluation["retrieval"] as? [String: Any])?["images"] as? Int == 4)
        #expect(evaluation["zero_shot_top1"] == nil && (evaluation["models"] as? [Any])?.count == 2)
    }

    @Test func `captions and an expert of one's own are all that the clip-experts template needs`() throws {
        let retort = try Retort()
        try writeCaptions(in: retort)
        try writeExpert(in: retort)
        #expect(try retort.run("init", "--template", "clip-experts").code == 0)
        // Without output_part the hint says what the module returns.
        let unclear = try run(retort, Self.short + Self.expert + ["expert.output_part=null"])
        #expect(
            unclear.code == 65
                && unclear.errors.contains(
                    """
                    the script returned a dictionary of 'aux': [2, 3, 24, 24], 'out': [2, 4, 24, 24], not one tensor
                      hint: set output_part to the one with the map: its key, or its number
                    """),
            "\(unclear.errors)")
        let outcome = try run(retort, Self.short + Self.expert)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let evaluation = try evaluation(retort)
        #expect((evaluation["models"] as? [Any])?.count == 3)
        let comparison = (evaluation["comparisons"] as? [[String: Any]])?.first
        #expect((comparison?["groups"] as? [Any])?.count == 3, "\(evaluation)")
        #expect(try retort.run("inspect", "expert-labels").output.contains("not declared"))
    }

    @Test func `whoever has labels takes the signs before the optional lines away`() throws {
        let retort = try Retort()
        try writeCaptions(in: retort)
        try writeExpert(in: retort)
        try writeLabelled(in: retort)
        #expect(try retort.run("init", "--template", "clip-experts").code == 0)
        let file = retort.folder.appending("retort.yaml")
        let lines = try String(contentsOf: file, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        let all = lines.map { line in
            // Prose has one space behind its sign; YAML none, or those of its own indentation.
            guard let match = line.wholeMatch(of: /( *)#(?! \S)(.*)/) else { return String(line) }
            return "\(match.1)\(match.2)"
        }
        try Data(all.joined(separator: "\n").utf8).write(to: file)
        let outcome = try run(retort, Self.short + Self.expert + ["probe.steps=2", "probe.batch_size=8"])
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try evaluation(retort)["zero_shot_top1"] is Double)
        for text in ["clip-experts against clip-ft, 1 seed", "expert expert: miou"] {
            #expect(outcome.output.contains(text), "\(text)\n\(outcome.output)")
        }
    }

    @Test(arguments: [PipelineTemplate.clip, .clipExperts])
    func `a demonstration of captions runs as it is written, but shorter`(_ template: PipelineTemplate) throws
    {
        let retort = try Retort()
        #expect(try retort.run("init", "--template", template.rawValue, "--demo").code == 0)
        var overrides = [
            "captions.splits={all: 48}", "held-out.splits={all: 8}", "names.splits={test: 20}",
            "clip.steps=2", "clip.batch_size=16", "clip-ft.steps=2", "clip-ft.batch_size=16",
        ]
        if template == .clipExperts {
            overrides += [
                "labelled.splits={train: 16}", "expert-labels.confidence=0",
                "maps.splits={train: 16, test: 8}", "expert.steps=2",
                "expert.batch_size=8", "clip-experts.steps=2", "clip-experts.batch_size=16", "probe.steps=2",
                "probe.batch_size=8",
            ]
        }
        let outcome = try run(retort, overrides)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try evaluation(retort)["zero_shot_top1"] is Double)
    }
}
