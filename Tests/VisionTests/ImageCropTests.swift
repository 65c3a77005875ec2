import Foundation
import Testing

@testable import Vision

@Suite struct ImageCropTests {
    @Test func `a name with a rectangle is an image and its part, and no other name is`() throws {
        let (image, crop) = try #require(ImageCrop.split("pool-000.tar#7.jpg#xywh=8,0,16,12"))
        #expect(image == "pool-000.tar#7.jpg" && crop == ImageCrop(x: 8, y: 0, width: 16, height: 12))
        #expect(crop.suffix == "#xywh=8,0,16,12")
        for name in [
            "", "7.jpg", "a#xywh=", "a#xywh=1,2,3", "a#xywh=1,2,3,4,5", "a#xywh=1,2,0,4", "a#xywh=-1,2,3,4",
            "a#xywh=1,2,3,4.jpg", "a#xywh=+1,2,3,4", "a#xywh=1,,3,4", "a#xywh=99999999999999999999,0,1,1",
        ] {
            #expect(ImageCrop.split(name) == nil, "\(name)")
        }
    }

    @Test(arguments: [(32, 32), (64, 48), (48, 64), (33, 100), (500, 375), (17, 16), (9, 400)])
    func `squares cover an image, and overlap by half or more`(_ width: Int, _ height: Int) {
        for scale in [0.5, 0.4, 0.75, 1] {
            let crops = ImageCrop.grid(width: width, height: height, scales: [scale])
            let side = Int((scale * Double(min(width, height))).rounded())
            guard side >= 8, side < max(width, height) else {
                #expect(crops.isEmpty)
                continue
            }
            #expect(crops.allSatisfy { $0.width == side && $0.height == side })
            #expect(Set(crops).count == crops.count)
            for (length, places) in [(width, crops.map(\.x)), (height, crops.map(\.y))] {
                let starts = Set(places).sorted()
                #expect(starts.first == 0 && starts.last == length - side)
                for (a, b) in zip(starts, starts.dropFirst()) { #expect(b - a <= max(1, side / 2)) }
                // As few as that allows: one less would leave a step too long.
                #expect(starts.count < 2 || (starts.count - 2) * max(1, side / 2) < length - side)
            }
        }
    }

    @Test func `scales come in order, and none of their squares twice`() {
        let crops = ImageCrop.grid(width: 32, height: 32, scales: [0.5, 0.51, 0.25])
        #expect(crops.count == 9 + 49)
        #expect(crops[0].suffix == "#xywh=0,0,16,16" && crops[1].suffix == "#xywh=8,0,16,16")
        #expect(crops[9].suffix == "#xywh=0,0,8,8")
        #expect(ImageCrop.grid(width: 32, height: 32, scales: [1, 0.2]).isEmpty)
        #expect(ImageCrop.grid(width: 48, height: 32, scales: [1]).map(\.x) == [0, 16])
    }

    /// An image whose pixels tell their place.
    private struct Ramp: ImageSource {
        var classes: [String] { [] }
        func members() throws -> [SourceMember] { [] }
        func contentFiles() throws -> [URL] { [] }
        func bytes(of member: String) throws -> Data? {
            try ImageCodec.encodePNG(
                Image(
                    width: 40, height: 30,
                    pixels: (0..<30).flatMap { y in (0..<40).flatMap { x in [UInt8(x), UInt8(y), 7] } }))
        }
    }

    @Test func `a part is seen as an image of its own`() throws {
        let crop = ImageCrop(x: 8, y: 5, width: 16, height: 12)
        let provider = ImageProvider(["pool": Ramp()], cacheBytes: 0)
        let record = ImageRecord(
            id: "a" + crop.suffix, dataset: "pool", member: "a.png" + crop.suffix, width: 16, height: 12)
        let image = try provider.image(record, atLeast: 8)
        #expect(image.width == 16 && image.height == 12)
        #expect(image.pixels.prefix(3) == [8, 5, 7] && image.pixels.suffix(3) == [23, 16, 7])
        #expect(try provider.bytes(record) == nil)
        // Its views are those of an image of that size: the whole of it, at its own size, is the part.
        let view = ImageView(record, ViewParameters(top: 0, left: 4, height: 12, width: 12))
        let seen = try provider.render(view, sizes: [12])[0]
        #expect(seen.pixels.prefix(3) == [12, 5, 7] && seen.pixels.suffix(3) == [23, 16, 7])
        for suffix in ["#xywh=30,0,16,12", "#xywh=0,20,16,12", "#xywh=0,0,41,12"] {
            let far = ImageRecord(
                id: "a" + suffix, dataset: "pool", member: "a.png" + suffix, width: 16, height: 12)
            #expect(throws: ImageLoadError.self) { try provider.image(far) }
        }
    }
}
