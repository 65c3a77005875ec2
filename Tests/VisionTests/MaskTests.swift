import Diagnostics
import Foundation
import Tensors
import Testing
import Vision

@Suite struct MaskTests {
    /// What `Scripts/fixtures/masks.py` wrote.
    struct Expected: Decodable {
        struct View: Decodable {
            let left, top, width, height, side: Int
            let flip: Bool
            let pixels: [UInt8]
        }
        let width, height: Int
        let pixels: [UInt8]
        let views: [View]
    }

    private let folder = Fixture.directory.deletingLastPathComponent().appending(path: "masks")

    private func data(_ name: String) throws -> Data { try Data(contentsOf: folder.appending(path: name)) }

    private func expected() throws -> Expected {
        try JSONDecoder().decode(Expected.self, from: data("masks.json"))
    }

    @Test(arguments: ["grey.png", "palette.png"]) func `numbers are read, not colours`(file: String) throws {
        let (mask, expected) = try (Mask(png: data(file)), expected())
        #expect(mask == Mask(width: expected.width, height: expected.height, pixels: expected.pixels))
        #expect(try Mask(png: ImageCodec.encodePNG(mask)) == mask)
    }

    @Test(arguments: ["bits.png", "colours.png"]) func `other kinds of PNG are refused`(file: String) throws {
        #expect {
            try Mask(png: data(file))
        } throws: {
            "\($0)" == "this PNG is not supported: a mask has one byte a pixel, grey or with a palette"
        }
    }

    @Test func `a damaged mask is no mask`() throws {
        #expect(throws: ImageError.self) { try Mask(png: data("grey.png").prefix(60)) }
        #expect(throws: ImageError.self) { try Mask(png: Data("mask".utf8)) }
    }

    @Test func `crops, sizes and flips are PIL's nearest ones`() throws {
        let (mask, expected) = try (Mask(png: data("grey.png")), expected())
        for view in expected.views {
            let parameters = ViewParameters(
                top: view.top, left: view.left, height: view.height, width: view.width, flip: view.flip)
            #expect(try mask.rendered(parameters, side: view.side).pixels == view.pixels)
        }
    }

    @Test(arguments: [0.5, 0.9, 1]) func `a centre is where the image's is`(share: Double) throws {
        // Large squares, so that a pixel in the middle of one is unmixed in the image.
        let (width, height) = (64, 48)
        let numbers = (0..<width * height).map { UInt8($0 % width / 16 + 4 * ($0 / width / 16)) }
        let image = Image(width: width, height: height, pixels: numbers.flatMap { [$0 * 20, 0, 0] })
        let mask = Mask(width: width, height: height, pixels: numbers)
        for flip in [false, true] {
            var view = ViewPolicy.centreCrop(share: share).parameters(
                id: "", view: 0, seed: 0, width: width, height: height)
            view.flip = flip
            let shown = try render(image, view, size: 24)
            let classes = try mask.rendered(view, side: 24).pixels
            let same = classes.indices.count { Int(classes[$0]) * 20 == Int(shown.pixels[3 * $0]) }
            #expect(same > 24 * 24 / 2)
            #expect(
                classes.indices.allSatisfy { abs(Int(classes[$0]) * 20 - Int(shown.pixels[3 * $0])) <= 100 })
        }
    }

    @Test func `a mask must be its image's`() throws {
        let mask = Mask(width: 2, height: 1, pixels: [1, 255])
        try mask.check(width: 2, height: 1, classCount: 2)
        #expect {
            try mask.check(width: 1, height: 2, classCount: 2)
        } throws: {
            "\($0)" == "its mask does not fit: it has 2x1 pixels, the image 1x2"
        }
        #expect {
            try mask.check(width: 2, height: 1, classCount: 1)
        } throws: {
            "\($0)" == "its mask does not fit: it has a class 1, and there are 1 from 0"
        }
    }
}

@Suite struct MaskFolderSourceTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Writes an image of two halves and its mask.
    private func write(_ split: String, _ name: String, hasMask: Bool = true) throws {
        let image = Image(width: 4, height: 2, pixels: (0..<24).map { $0 % 12 < 6 ? 40 : 0 })
        try folder.write("\(split)/images/\(name).png", ImageCodec.encodePNG(image))
        guard hasMask else { return }
        let mask = Mask(width: 4, height: 2, pixels: [1, 1, 0, 0, 1, 1, 0, 255])
        try folder.write("\(split)/masks/\(name).png", ImageCodec.encodePNG(mask))
    }

    @Test func `images have the masks of their names, and classes their names in order`() throws {
        for name in ["b", "a"] { try write("train", name) }
        try write("test", "c")
        try folder.write("classes.txt", "0 sky 0 128 128\n1 red car 128 0 0\n")
        let source = try MaskFolderSource(root: folder.url, splits: ["train"])
        #expect(source.classes == ["sky", "red car"])
        #expect(source.members().map(\.member) == ["train/images/a.png", "train/images/b.png"])
        let bytes = try #require(try source.maskBytes(of: "train/images/a.png"))
        #expect(try Mask(png: bytes).pixels == [1, 1, 0, 0, 1, 1, 0, 255])
        #expect(source.contentFiles().count == 5)
        try folder.write("classes.txt", "sky\ncar\n")
        let all = try MaskFolderSource(root: folder.url)
        #expect(all.classes == ["sky", "car"] && all.members().map(\.split) == ["test", "train", "train"])
    }

    @Test func `everything that is missing is said at once`() throws {
        try write("train", "a", hasMask: false)
        let problem = #expect(throws: Problems.self) {
            try MaskFolderSource(root: folder.url, splits: ["train", "val"])
        }
        let root = folder.url.path
        #expect(
            problem?.all.map(\.message) == [
                "there is no \(root)/classes.txt that names the classes in the masks",
                "'train/images/a.png' has no mask 'train/masks/a.png' in \(root)",
                "there is no folder val/images in \(root)",
            ])
    }

    @Test func `batches crop and mirror images and masks alike`() throws {
        try write("train", "a")
        try folder.write("classes.txt", "sky\ncar\n")
        let source = try MaskFolderSource(root: folder.url)
        let mask = try #require(try source.maskBytes(of: "train/images/a.png"))
        let record = ImageRecord(
            id: "a", dataset: "d", member: "train/images/a.png", mask: ContentID.of(mask), width: 4, height: 2
        )
        let views = [false, true].map {
            ImageView(record, ViewParameters(top: 0, left: 1, height: 2, width: 2, flip: $0))
        }
        let provider = ImageProvider(["d": source])
        let masks = RecordedTargets(provider, .segmentation)
        let loader = BatchLoader(
            provider, batches: 0..<1, sizes: [2], targets: [masks], targetSide: 2
        ) { _ in views }
        let batch = try #require(try loader.next())
        let numbers = try #require(batch.maps[.segmentation])
        #expect(numbers == [1, 0, 1, 0, 0, 1, 0, 1])
        #expect(
            batch.pixels[0].enumerated().filter { $0.offset % 3 == 0 }.map {
                Float($0.element / 40)
            } == numbers)
        #expect(batch.part(1..<2).maps[.segmentation] == [0, 1, 0, 1])
        #expect(try batch.target(.segmentation).shape == [2, 1, 2, 2])
        var other = record
        other.mask = "00"
        let stale = BatchLoader(
            provider, batches: 0..<1, sizes: [2], targets: [masks], targetSide: 2
        ) { [other] _ in [ImageView(other, views[0].parameters)] }
        #expect(throws: ImageLoadError.self) { try stale.next() }
    }
}
