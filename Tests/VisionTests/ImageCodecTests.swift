import Foundation
import Testing

@testable import Vision

@Suite struct ImageCodecTests {
    @Test(arguments: [
        "rgb.png", "rgba.png", "grey.png", "grey-alpha.png", "bilevel.png", "palette.png",
        "palette-transparent.png", "grey-16.png", "rgb-16.png", "exif.png", "lossless.webp", "alpha.webp",
        "exif.webp",
    ])
    func `lossless files give the pixels that Pillow gives`(name: String) throws {
        let image = try ImageCodec.decode(Fixture.data(name))
        #expect(try Fixture.manifest().images[name] == [image.width, image.height])
        // Blending with white may round differently by one.
        #expect(difference(image.pixels, try Fixture.pixels("\(name).rgb")).largest <= 1)
    }

    @Test(arguments: ["rgb-444.jpg", "rgb-420.jpg", "progressive.jpg", "grey.jpg", "cmyk.jpg", "lossy.webp"])
    func `lossy files give the pixels that Pillow gives but for rounding`(name: String) throws {
        let image = try ImageCodec.decode(Fixture.data(name))
        #expect(try Fixture.manifest().images[name] == [image.width, image.height])
        let found = difference(image.pixels, try Fixture.pixels("\(name).rgb"))
        #expect(found.largest <= 3 && found.mean < 0.1)
    }

    @Test(arguments: 1...8)
    func `a photograph is turned upright as its EXIF orientation says`(orientation: Int) throws {
        let image = try ImageCodec.decode(Fixture.data("exif-\(orientation).jpg"))
        #expect(image.width == (orientation >= 5 ? 20 : 29))
        #expect(difference(image.pixels, try Fixture.pixels("exif-\(orientation).jpg.rgb")).largest <= 3)
    }

    @Test func `an EXIF block with impossible offsets is no orientation`() {
        for count in 0..<40 {
            var tiff: [UInt8] =
                Array("II*\0".utf8) + [8, 0, 0, 0, 255, 255] + Array(repeating: 0x12, count: 30)
            tiff.removeLast(40 - count)
            tiff.withUnsafeBytes { #expect(Orientation(tiff: $0) == .upright) }
        }
    }

    @Test func `a reduced decode never goes below the side asked for`() throws {
        let data = try Fixture.data("large.jpg")
        for (side, reduction) in [
            (nil, 1), (271, 1), (270, 1), (136, 1), (135, 2), (69, 2), (68, 4), (35, 4), (34, 8), (1, 8),
        ] {
            let image = try ImageCodec.decode(data, atLeast: side)
            #expect(image.reduction == reduction)
            #expect(image.height == (270 + reduction - 1) / reduction)
            #expect(image.shortSide >= min(side ?? 270, 270))
            #expect(ImageCodec.reduction(width: 333, height: 270, atLeast: side) == reduction)
        }
        let quarter = try ImageCodec.decode(data, atLeast: 68)
        let found = difference(quarter.pixels, try Fixture.pixels("large.jpg.reduced-4.rgb"))
        #expect(found.largest <= 3 && found.mean < 0.1)
    }

    @Test(arguments: [
        "rgb-444.jpg", "progressive.jpg", "grey.jpg", "rgb.png", "palette.png", "lossless.webp",
    ])
    func `a file cut anywhere is reported, never half an image`(name: String) throws {
        let whole = try Fixture.data(name)
        for count in stride(from: 12, to: whole.count - 1, by: 41) + [whole.count - 2] {
            #expect(throws: ImageError.self, "cut after \(count) of \(whole.count)") {
                _ = try ImageCodec.decode(whole.prefix(count))
            }
        }
        let format = try whole.withUnsafeBytes { try ImageCodec.format(of: $0) }
        #expect(throws: ImageError.truncated(format)) {
            try ImageCodec.decode(whole.prefix(whole.count * 9 / 10))
        }
    }

    @Test func `damage inside a JPEG is reported in the decoder's words`() throws {
        var data = try Fixture.data("rgb-444.jpg")
        data.replaceSubrange(data.count - 300..<data.count - 298, with: [0xFF, 0xD9])
        #expect(
            throws: ImageError.corrupt(.jpeg, reason: "Corrupt JPEG data: premature end of data segment")
        ) {
            _ = try ImageCodec.decode(data)
        }
    }

    @Test func `stray bytes before the end marker hurt nothing`() throws {
        let data = try Fixture.data("rgb-444.jpg")
        let padded = data.dropLast(2) + [0x12, 0x34] + data.suffix(2)
        #expect(try ImageCodec.decode(padded).pixels == ImageCodec.decode(data).pixels)
        #expect(try ImageCodec.decode(data + Data(count: 500)).pixels == ImageCodec.decode(data).pixels)
    }

    @Test func `a wrong checksum in a PNG is damage`() throws {
        var data = try Fixture.data("rgb.png")
        data[data.count / 2] ^= 0xFF
        #expect(throws: ImageError.self) { try ImageCodec.decode(data) }
    }

    @Test func `what is not an image is called what it looks like`() throws {
        func reason(_ data: Data) -> String {
            do throws(ImageError) {
                _ = try ImageCodec.decode(data)
                return "decoded"
            } catch { return error.description }
        }
        #expect(reason(Data()) == "the file is empty")
        #expect(reason(Data("hello".utf8)) == "not a JPEG, PNG or WebP file (it starts with 68656c6c)")
        #expect(
            reason(Data("<html>404".utf8))
                == "not a JPEG, PNG or WebP file (it looks like a web page or an SVG)")
        #expect(
            reason(try Fixture.data("picture.gif")) == "not a JPEG, PNG or WebP file (it looks like a GIF)")
        #expect(reason(try Fixture.data("animated.webp")) == "this WebP is not supported: it is an animation")
    }

    @Test func `an absurd size is refused before memory is asked for`() throws {
        var data = try Fixture.data("rgb-444.jpg")
        let frame = try #require(data.firstRange(of: Data([0xFF, 0xC0])))
        data.replaceSubrange(frame.lowerBound + 5..<frame.lowerBound + 9, with: [0xFF, 0x00, 0xFF, 0x00])
        #expect(throws: ImageError.tooLarge(width: 65_280, height: 65_280)) { try ImageCodec.decode(data) }
    }

    @Test func `PNG and JPEG survive a round trip`() throws {
        let image = gradient(40, 30)
        #expect(try ImageCodec.decode(ImageCodec.encodePNG(image)) == image)
        let jpeg = try ImageCodec.decode(ImageCodec.encodeJPEG(image, quality: 95))
        #expect(jpeg.width == 40 && difference(jpeg.pixels, image.pixels).mean < 1.5)
        let small = try ImageCodec.encodeJPEG(image, quality: 30)
        #expect(try small.count < ImageCodec.encodeJPEG(image, quality: 95).count)
    }

    @Test func `a content id is the first half of the bytes' SHA-256`() {
        #expect(ContentID.of(Data("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223")
        #expect(ContentID.of(gradient(3, 2)) != ContentID.of(gradient(2, 3)))
    }
}
