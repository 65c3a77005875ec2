import CJpeg
import Foundation
import TestSupport
import Testing

@testable import Vision

/// Files of `Scripts/fixtures/jpeg.py`, and what libjpeg-turbo makes of them.
private enum JPEGFile {
    static let baseline = [
        "444", "422", "420", "grey", "optimized", "best", "restarts", "restart-rows", "grey-restarts",
        "narrow-420", "narrow-422", "one",
    ]
    static let others = ["progressive", "cmyk", "rgb"]

    static func data(_ name: String) throws -> Data {
        try Data(contentsOf: Fixtures.url("jpeg/\(name).jpg"))
    }

    /// The file with an EXIF block that says how the camera was held.
    static func data(_ name: String, _ orientation: Orientation) throws -> Data {
        let tiff =
            Array("II*\0".utf8) + [8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0]
            + [UInt8(orientation.rawValue), 0, 0, 0, 0, 0, 0, 0]
        let body = Array("Exif\0\0".utf8) + tiff
        let data = try data(name)
        return data.prefix(2) + [0xFF, 0xE1, 0, UInt8(body.count + 2)] + body + data.dropFirst(2)
    }

    /// The whole image as libjpeg-turbo decodes it.
    static func reference(_ data: Data, atLeast side: Int? = nil) throws -> Image {
        let (image, orientation) = try ImageCodec.withBytes(data) { (bytes) throws(ImageError) in
            try ImageCodec.decodeAnyJPEG(bytes, atLeast: side)
        }
        return image.oriented(orientation)
    }
}

@Suite struct PartialDecodingTests {
    /// Some views of an image in full size, the smallest and the largest among them.
    private func views(_ width: Int, _ height: Int) -> [ViewParameters] {
        let policy = ViewPolicy.training(TrainingViews(scale: 0.02...0.9, ratio: 0.3...3))
        let drawn = (0..<24).map {
            policy.parameters(id: "jpeg", view: $0, seed: 3, width: width, height: height)
        }
        let corners = [(0, 0), (0, width - 1), (height - 1, 0), (height - 1, width - 1)]
        return drawn + [ViewParameters(top: 0, left: 0, height: height, width: width)]
            + corners.map { ViewParameters(top: $0.0, left: $0.1, height: 1, width: 1) }
    }

    /// The pixels of a part, cut from the whole image.
    private func cut(_ image: Image, _ place: PixelRectangle) -> [UInt8] {
        (place.top..<place.top + place.height).flatMap { y in
            let start = (y * image.width + place.left) * 3
            return Array(image.pixels[start..<start + place.width * 3])
        }
    }

    private func expectPartsOfWhole(_ data: Data) throws {
        let whole = try JPEGFile.reference(data)
        for side in [nil, whole.shortSide / 2, whole.shortSide / 4, max(1, whole.shortSide / 8)] {
            let expected = try JPEGFile.reference(data, atLeast: side)
            #expect(try ImageCodec.decode(data, atLeast: side) == expected)
            for view in views(whole.width, whole.height) {
                let part = try ImageCodec.decode(data, showing: view, atLeast: side)
                #expect(part.width == expected.width && part.height == expected.height)
                #expect(part.image.reduction == expected.reduction)
                #expect(part.image.pixels == cut(expected, part.place), "\(part.place) at \(side ?? 0)")
                let both = try [part, ImagePart(whole: expected)].map { part in
                    try filledArrays([9 * 9 * 3]) { try render(part, view, size: 9, into: $0[0]) }
                }
                #expect(both[0] == both[1])
            }
        }
    }

    @Test(arguments: JPEGFile.baseline)
    func `a part has the pixels of the whole image as libjpeg-turbo decodes it`(name: String) throws {
        try expectPartsOfWhole(JPEGFile.data(name))
    }

    @Test(arguments: JPEGFile.others)
    func `an unusual file is decoded whole, with the same pixels`(name: String) throws {
        try expectPartsOfWhole(JPEGFile.data(name))
    }

    @Test(arguments: Orientation.allCases)
    func `a part of a turned photograph is upright`(orientation: Orientation) throws {
        for name in ["420", "422"] {
            let data = try JPEGFile.data(name, orientation)
            #expect(try ImageCodec.decode(data).width == (orientation.swapsSides ? 61 : 83))
            try expectPartsOfWhole(data)
        }
    }

    @Test func `only what a view shows is decoded, and only where our decoder knows the file`() throws {
        let view = ViewParameters(top: 20, left: 31, height: 17, width: 22)
        for name in ["444", "422", "420", "grey", "restarts"] {
            let part = try ImageCodec.decode(JPEGFile.data(name), showing: view)
            #expect(part.place == PixelRectangle(top: 20, left: 31, height: 17, width: 22))
        }
        let whole = try ImageCodec.decode(JPEGFile.data("progressive"), showing: view)
        #expect(whole.place == PixelRectangle(top: 0, left: 0, height: 61, width: 83))
    }

    @Test(arguments: ["444", "420", "grey", "restarts"])
    func `a file cut anywhere is an error, even below the part`(name: String) throws {
        let data = try JPEGFile.data(name)
        let view = ViewParameters(top: 0, left: 0, height: 3, width: 3)
        for count in stride(from: 12, to: data.count - 1, by: 53) + [data.count - 2, data.count - 1] {
            #expect(throws: ImageError.self, "cut after \(count) of \(data.count)") {
                _ = try ImageCodec.decode(data.prefix(count), showing: view)
            }
        }
        #expect(throws: ImageError.truncated(.jpeg)) {
            try ImageCodec.decode(data.prefix(data.count * 9 / 10), showing: view)
        }
    }

    @Test func `whatever is done to a file, it decodes as by libjpeg-turbo or is an error`() throws {
        var random = Philox(seed: 1, stream: 1)
        for name in JPEGFile.baseline {
            let data = try JPEGFile.data(name)
            for _ in 0..<40 {
                var damaged = data
                damaged[random.index(below: data.count)] = UInt8(truncatingIfNeeded: random.next32())
                guard let found = try? ImageCodec.decode(damaged) else { continue }
                let expected = try JPEGFile.reference(damaged)
                #expect(found.width == expected.width && found.height == expected.height)
            }
        }
    }

    @Test func `the decoder refuses what is not a part`() throws {
        let data = try JPEGFile.data("420")
        try data.withUnsafeBytes { bytes in
            var file: OpaquePointer?
            #expect(cj_open(bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, &file) == CJ_OK)
            defer { cj_close(file) }
            var pixels = [UInt8](repeating: 0, count: 83 * 61 * 3)
            for (reduction, left, top, width, height) in [
                (3, 0, 0, 1, 1), (1, -1, 0, 5, 5), (1, 0, 0, 84, 1), (1, 80, 0, 4, 1), (1, 0, 60, 1, 2),
                (2, 0, 0, 43, 1), (1, 0, 0, 0, 1), (1, 0, 0, .max, 1),
            ] as [(Int32, Int32, Int32, Int32, Int32)] {
                let part = CJRectangle(left: left, top: top, width: width, height: height)
                #expect(cj_decode(file, reduction, part, &pixels) == CJ_OTHER)
            }
            _ = try #require(file)
        }
    }
}
