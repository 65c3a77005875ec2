import Foundation
import Testing

@testable import Vision

@Suite struct PhiloxTests {
    @Test func `blocks equal the known answers of Random123`() {
        #expect(
            Philox.encrypt(SIMD4(repeating: 0), SIMD2(repeating: 0))
                == SIMD4(0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8))
        #expect(
            Philox.encrypt(SIMD4(repeating: .max), SIMD2(repeating: .max))
                == SIMD4(0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD))
        #expect(
            Philox.encrypt(
                SIMD4(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344), SIMD2(0xA409_3822, 0x299F_31D0))
                == SIMD4(0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1))
    }

    @Test func `streams differ by seed, stream and substream, and repeat exactly`() {
        func draw(_ seed: UInt64, _ stream: UInt64, _ substream: UInt32) -> [UInt32] {
            var random = Philox(seed: seed, stream: stream, substream: substream)
            return (0..<9).map { _ in random.next32() }
        }
        let streams = [
            draw(0, 0, 0), draw(1, 0, 0), draw(1 << 40, 0, 0), draw(0, 1, 0), draw(0, 1 << 40, 0),
            draw(0, 0, 1),
        ]
        #expect(Set(streams).count == streams.count)
        #expect(draw(7, 8, 9) == draw(7, 8, 9))
    }

    @Test func `uniform numbers fill their range and permutations hold everything once`() {
        var random = Philox(seed: 1, stream: 2)
        let numbers = (0..<4000).map { _ in random.uniform(in: 2...4) }
        #expect(numbers.allSatisfy { $0 >= 2 && $0 < 4 })
        #expect(abs(numbers.reduce(0, +) / 4000 - 3) < 0.05)
        let order = Philox.permutation(of: 100, seed: 1, stream: 0)
        #expect(order.sorted() == Array(0..<100) && order != Array(0..<100))
        #expect(order != Philox.permutation(of: 100, seed: 1, stream: 1))
        #expect(Philox.permutation(of: 0, seed: 1, stream: 0).isEmpty)
    }

    @Test func `an id's stream is its first digits, or a hash of any other text`() {
        #expect(Philox.stream(of: "00000000000000ff0000000000000000") == 255)
        #expect(Philox.stream(of: "scene-1") != Philox.stream(of: "scene-2"))
    }
}

@Suite struct ViewPolicyTests {
    private let id = "0123456789abcdef0123456789abcdef"

    @Test func `a view depends on id, number and seed, and on nothing drawn before`() {
        let policy = ViewPolicy.training(TrainingViews(brightness: 0.4, contrast: 0.4, saturation: 0.4))
        func view(_ id: String, _ number: Int, _ seed: UInt64) -> ViewParameters {
            policy.parameters(id: id, view: number, seed: seed, width: 64, height: 48)
        }
        let first = view(id, 3, 5)
        let others = [view(id, 4, 5), view(id, 3, 6), view("1" + id.dropFirst(), 3, 5)]
        #expect(view(id, 3, 5) == first && !others.contains(first))
    }

    @Test func `crops have the area and shape asked for`() {
        let policy = ViewPolicy.training(TrainingViews(scale: 0.2...0.6, ratio: 0.75...1.25))
        var flips = 0
        for number in 0..<500 {
            let view = policy.parameters(id: id, view: number, seed: 1, width: 500, height: 375)
            #expect(view.top >= 0 && view.top + view.height <= 375)
            #expect(view.left >= 0 && view.left + view.width <= 500)
            let area = Double(view.width * view.height) / (500 * 375)
            let shape = Double(view.width) / Double(view.height)
            #expect(area > 0.195 && area < 0.605 && shape > 0.74 && shape < 1.26)
            #expect(view.brightness == 1 && view.contrast == 1 && view.saturation == 1)
            flips += view.flip ? 1 : 0
        }
        #expect(abs(flips - 250) < 60)
    }

    @Test func `an image of an impossible shape gets its largest central crop`() {
        let views = TrainingViews(scale: 0.9...1, ratio: 0.75...4.0 / 3, flip: 0)
        let wide = ViewPolicy.training(views).parameters(id: id, view: 0, seed: 1, width: 1000, height: 30)
        #expect(wide == ViewParameters(top: 0, left: 480, height: 30, width: 40))
        let tall = ViewPolicy.training(views).parameters(id: id, view: 0, seed: 1, width: 30, height: 1000)
        #expect(tall == ViewParameters(top: 480, left: 0, height: 40, width: 30))
        let pixel = ViewPolicy.training.parameters(id: id, view: 0, seed: 1, width: 1, height: 1)
        #expect(pixel.width == 1 && pixel.height == 1)
    }

    @Test func `evaluation shows the centre whatever the id`() {
        let whole = ViewPolicy.evaluation.parameters(id: id, view: 0, seed: 9, width: 500, height: 375)
        #expect(whole == ViewParameters(top: 0, left: 62, height: 375, width: 375))
        let centre = ViewPolicy.evaluation(ratio: 256.0 / 224).parameters(
            id: "x", view: 1, seed: 0, width: 256, height: 300)
        #expect(centre == ViewParameters(top: 38, left: 16, height: 224, width: 224))
    }

    @Test func `policies and views survive JSON`() throws {
        for policy in [
            ViewPolicy.training(TrainingViews(scale: 0.3...1, brightness: 0.4)), .evaluation(ratio: 1.14),
        ] {
            #expect(try JSONDecoder().decode(ViewPolicy.self, from: JSONEncoder().encode(policy)) == policy)
        }
        let view = ViewPolicy.training(TrainingViews(brightness: 0.4, contrast: 0.3, saturation: 0.2))
            .parameters(
                id: id, view: 0, seed: 1, width: 90, height: 70)
        #expect(try JSONDecoder().decode(ViewParameters.self, from: JSONEncoder().encode(view)) == view)
    }
}

@Suite struct RenderingTests {
    @Test func `crops, resizes and flips equal Pillow's within one`() throws {
        let image = try ImageCodec.decode(Fixture.data("rgb.png"))
        for view in try Fixture.manifest().views {
            let parameters = ViewParameters(
                top: view.top, left: view.left, height: view.height, width: view.width, flip: view.flip)
            let found = try render(image, parameters, size: ViewSize(view.size))
            #expect(
                difference(found.pixels, try Fixture.pixels("view-\(view.name).rgb")).largest <= 1,
                "\(view.name)")
        }
    }

    @Test func `colours equal torchvision's within one`() throws {
        let image = try ImageCodec.decode(Fixture.data("rgb.png"))
        for colour in try Fixture.manifest().colours {
            let parameters = ViewParameters(
                top: 0, left: 0, height: image.height, width: image.width, brightness: colour.brightness,
                contrast: colour.contrast, saturation: colour.saturation)
            var pixels = image.pixels
            pixels.withUnsafeMutableBufferPointer { parameters.adjustColours(of: $0) }
            let found = difference(pixels, try Fixture.pixels("colour-\(colour.name).rgb"))
            #expect(found.largest <= 1 && found.mean < 0.1, "\(colour.name) \(found)")
        }
    }

    @Test func `the same parameters give the same bytes, at any size the same part`() throws {
        let image = gradient(90, 70)
        let policy = ViewPolicy.training(
            TrainingViews(scale: 0.3...0.7, brightness: 0.2, contrast: 0.2, saturation: 0.2))
        for number in 0..<20 {
            let view = policy.parameters(id: "a", view: number, seed: 1, width: 90, height: 70)
            let large = try render(image, view, size: 48)
            #expect(try render(image, view, size: 48) == large)
            let small = try render(image, view, size: 12)
            #expect(difference(try large.resized(width: 12, height: 12).pixels, small.pixels).mean < 2)
        }
    }

    @Test func `a reduced decode shows the same part as a whole one`() throws {
        let data = try Fixture.data("large.jpg")
        let whole = try ImageCodec.decode(data)
        let reduced = try ImageCodec.decode(data, atLeast: 100)
        #expect(reduced.reduction == 2)
        for view in [
            ViewParameters(top: 31, left: 57, height: 181, width: 203, flip: true),
            ViewParameters(top: 0, left: 0, height: 270, width: 333),
            ViewParameters(top: 269, left: 332, height: 1, width: 1),
        ] {
            let found = difference(
                try render(whole, view, size: 24).pixels, try render(reduced, view, size: 24).pixels)
            #expect(found.mean < 4)
        }
    }

    @Test func `a view of another image is refused`() {
        let view = ViewParameters(top: 0, left: 50, height: 20, width: 20)
        let error = #expect(throws: ImageError.self) { try render(gradient(60, 40), view, size: 8) }
        #expect(
            error?.description
                == "changed since it was scanned: the view at 50,0 of 20x20 is not within 60x40")
    }

    @Test func `only large images are decoded at a reduced size`() {
        let view = ViewParameters(top: 0, left: 0, height: 256, width: 256)
        #expect(view.shortSide(for: 32, width: 256, height: 256) == nil)
        #expect(view.shortSide(for: 64, width: 1024, height: 512) == 128)
    }
}

@Suite struct PerceptualHashTests {
    @Test func `a resized or recompressed image keeps its hash, another image does not`() throws {
        let image = try ImageCodec.decode(Fixture.data("large.jpg"))
        let hash = PerceptualHash.difference(of: image)
        let recompressed = try ImageCodec.decode(ImageCodec.encodeJPEG(image, quality: 40))
        #expect(PerceptualHash.distance(hash, PerceptualHash.difference(of: recompressed)) <= 4)
        let smaller = try image.resized(width: 90, height: 73)
        #expect(PerceptualHash.distance(hash, PerceptualHash.difference(of: smaller)) <= 4)
        let mirrored = image.oriented(.mirrored)
        #expect(PerceptualHash.distance(hash, PerceptualHash.difference(of: mirrored)) > 16)
    }

    @Test func `bits say whether a cell is brighter than its right neighbour`() {
        #expect(PerceptualHash.difference(of: gradient(90, 8)) == 0)
        #expect(PerceptualHash.difference(of: gradient(90, 8).oriented(.mirrored)) == .max)
        #expect(PerceptualHash.difference(of: Image(width: 1, height: 1, pixels: [1, 2, 3])) == 0)
    }
}
