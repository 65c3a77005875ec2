import Foundation
import FoundationXML
import TestSupport
import Testing
import Vision

/// What experts said of images, as users look at it.
@Suite struct InspectMapsTests {
    private let retort: Retort

    /// Three experts' maps of five photographs of which one breaks the depth expert, and a fourth's of others.
    init() throws {
        retort = try Retort()
        for index in 0..<6 {
            let pixels = (0..<32 * 24 * 3).map { place in
                index == 2 ? 255 : UInt8((place * (index + 3) + place / 96 * 40) % 251)
            }
            let group = index < 5 ? "photos" : "others"
            let url = retort.folder.appending("\(group)/all/some/\(index).png")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try ImageCodec.encodePNG(Image(width: 32, height: 24, pixels: pixels)).write(to: url)
        }
        let script = "architecture: torchscript, output: map, image_size: 24, mean: [0, 0, 0], std: [1, 1, 1]"
        try Data(
            """
            retort: 1
            name: maps
            data:
              photos: {kind: imagefolder, root: photos}
              others: {kind: imagefolder, root: others}
            models:
              colours: {\(script), file: \(Fixtures.url("experts/segmentation.pt").path), output_part: out, task: segmentation, classes: [dark, red, green, blue], licence: MIT}
              names: {\(script), file: \(Fixtures.url("experts/segmentation.pt").path), output_part: out, task: segmentation, classes: [a, b, c, d]}
              brightness: {\(script), file: \(Fixtures.url("experts/depth.pt").path), task: depth}
            stages:
              seg: {uses: pseudo-label, expert: colours, images: photos.all}
              noisy: {uses: pseudo-label, expert: colours, images: photos.all, noise: 0.5}
              named: {uses: pseudo-label, expert: names, images: photos.all}
              depth: {uses: pseudo-label, expert: brightness, images: photos.all}
              elsewhere: {uses: pseudo-label, expert: colours, images: others.all}
            """.utf8
        ).write(to: retort.folder.appending("maps.yaml"))
        let run = try retort.run("run", "maps.yaml")
        #expect(run.code == 0, "\(run.errors)")
    }

    @Test func `counts, yield, reasons and provenance are printed, alone and beside others`() throws {
        let depth = try retort.run("inspect", "depth")
        #expect(depth.code == 0, "\(depth.errors)")
        for line in [
            "Maps depth", "  expert            brightness", "  made from         import depth.pt",
            "  licences          none declared", "  without a map     1", "  bytes an image    1,664",
            "    photos/all/some/2.png: ",
        ] { #expect(depth.output.contains(line), "\(line)\n\(depth.output)") }
        #expect(depth.errors.contains("for images beside their maps: --static FOLDER"))

        let both = try retort.run(
            "inspect", "seg", "--text", "--against", "named", "--against", "noisy", "--against", "depth")
        for line in [
            "  licences          `colours` (checkpoint): MIT", "  misplaced         50.0\u{202F}%",
            "Agreement of seg",
            "  with named: they share no class name, so that their maps cannot be compared",
            "  with noisy: the share of pixels with the same class is 0.",
            "  with depth: they answer different questions", "    red  ",
        ] { #expect(both.output.contains(line), "\(line)\n\(both.output)\(both.errors)") }

        let json = try retort.run("inspect", "depth", "--json").json()
        #expect(json["task"] as? String == "depth" && json["images"] as? Int == 5)
        #expect(json["failures"] as? Int == 1 && json["bytes_per_image"] as? Double == 1664)
        let failed = json["failed"] as? [[String: String]] ?? []
        #expect(failed.map { $0["image"] } == ["photos/all/some/2.png"] && failed[0]["reason"] != nil)
        let compared = try retort.run("inspect", "seg", "--json", "--against", "noisy").json()
        let other = (compared["against"] as? [[String: Any]])?.first
        let value = (other?["agreement"] as? [String: Any])?["value"] as? Double ?? 0
        #expect(other?["node"] as? String == "noisy" && value > 0.1 && value < 1, "\(compared)")
    }

    @Test func `one page shows images beside the maps of all experts`() throws {
        let folder = retort.folder.appending("page")
        let written = try retort.run(
            "inspect", "seg", "--static", folder.path, "--against", "noisy", "--against", "depth", "--images",
            "3")
        #expect(written.code == 0 && written.output == folder.path + "/index.html\n", "\(written.errors)")
        let page = try String(contentsOf: folder.appending(path: "index.html"), encoding: .utf8)
        for text in [
            "Expert maps", "Images beside their maps", "‘seg’ and ‘noisy’: the share of pixels", "MIT",
            "photos/all/some/2.png", "background:rgb(",
        ] { #expect(page.contains(text), "\(text)") }
        // Three images, each beside three maps.
        #expect(page.components(separatedBy: "data:image/png;base64,").count == 10)
        #expect(page.components(separatedBy: "data:image/jpeg;base64,").count == 4)
        for outside in ["http:", "https:", "<script", "thumbs/"] { #expect(!page.contains(outside)) }
        #expect(XMLParser(data: Data(page.utf8)).parse())

        // A name has one colour, whoever says it.
        func colours(_ page: String) -> Int { Set(page.matches(of: /rgb\([0-9,]+\)/).map(\.0)).count }
        #expect(colours(page) == 4)
        _ = try retort.run("inspect", "seg", "--static", folder.path, "--against", "named")
        let named = try String(contentsOf: folder.appending(path: "index.html"), encoding: .utf8)
        #expect(colours(named) == 8)
        #expect(named.contains("‘seg’ and ‘named’: they share no class name"))
    }

    @Test func `maps of other images and other artifacts are refused`() throws {
        let elsewhere = try retort.run("inspect", "seg", "--against", "elsewhere")
        #expect(
            elsewhere.code == 64
                && elsewhere.errors == """
                    error: there is no image of which 'seg' and 'elsewhere' all have a map
                      hint: compare maps of the same images

                    """,
            "\(elsewhere.errors)")
        let model = try retort.run("inspect", "seg", "--against", "colours")
        #expect(
            model.code == 64
                && model.errors.contains("error: 'colours' is of kind checkpoint, and holds no maps"))
    }
}
