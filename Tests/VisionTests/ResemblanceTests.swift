import Foundation
import Testing

@testable import Vision

@Suite struct ResemblanceTests {
    private func photo() throws -> Image { try ImageCodec.decode(Fixture.data("large.jpg")) }

    private func crop(_ image: Image, left: Double, top: Double, side: Double) -> Image {
        let (columns, rows) = (Int(side * Double(image.width)), Int(side * Double(image.height)))
        let (x, y) = (Int(left * Double(image.width)), Int(top * Double(image.height)))
        var pixels: [UInt8] = []
        for row in y..<y + rows {
            let start = (row * image.width + x) * 3
            pixels += image.pixels[start..<start + columns * 3]
        }
        return Image(width: columns, height: rows, pixels: pixels)
    }

    @Test func `the mean of a cell is that of its pixels, and of parts of them`() {
        // Three columns of luma 0, 100 and 200; the middle one belongs half to each of two cells.
        let row = [0, 100, 200].flatMap { [UInt8](repeating: $0, count: 3) }
        let table = LumaTable(Image(width: 3, height: 2, pixels: row + row))
        let means = table.means(columns: 2, rows: 1)
        #expect(zip(means, [100_000.0 / 3, 500_000.0 / 3]).allSatisfy { abs($0 - $1) < 1e-6 })
        let part = table.means(columns: 1, rows: 1, in: ImageWindow(left: 1 / 3.0, top: 0, side: 1 / 3.0))
        #expect(abs(part[0] - 100_000) < 1e-6)
    }

    @Test func `an image shows itself changed, mirrored and cropped, from either side`() throws {
        let image = try photo()
        let look = Resemblance(image)
        let changed = try [
            ImageCodec.decode(ImageCodec.encodeJPEG(image, quality: 30)),
            image.resized(width: 60, height: 45),
            image.oriented(.mirrored), crop(image, left: 0.07, top: 0.02, side: 0.9),
            crop(image.oriented(.mirrored), left: 0, top: 0.13, side: 0.85),
            Image(
                width: image.width, height: image.height,
                pixels: image.pixels.map { UInt8(min(255, Double($0) * 1.2)) }),
        ]
        for other in changed {
            let resemblance = look(Resemblance(other))
            #expect(resemblance > 0.96, "\(other.width)x\(other.height)")
            #expect(abs(Resemblance(other)(look) - resemblance) < 1e-6)
        }
    }

    @Test func `another image does not, and a flat one shows nothing`() throws {
        let image = try photo()
        let noise = Image(
            width: 64, height: 64,
            pixels: (0..<64 * 64 * 3).map { UInt8(truncatingIfNeeded: ($0 / 192) * ($0 % 192) / 24) })
        #expect(Resemblance(image)(Resemblance(noise)) < 0.9)
        let flat = Image(width: 20, height: 20, pixels: [UInt8](repeating: 90, count: 1200))
        #expect(Resemblance(image)(Resemblance(flat)) == 0)
        #expect(Resemblance(flat)(Resemblance(flat)) == 0)
    }

    @Test
    func
        `a fingerprint has two words for each window, and the mirrored ones are those of the mirrored image`()
        throws
    {
        let image = try photo()
        let own = PerceptualHash.fingerprint(of: image)
        let mirrored = PerceptualHash.fingerprint(of: image.oriented(.mirrored))
        #expect(own.count == 4 * PerceptualHash.windows.count)
        for (a, b) in zip(own.prefix(2), mirrored[12...]) { #expect(PerceptualHash.distance(a, b) <= 1) }
        #expect(own[0] == PerceptualHash.difference(of: image))
    }
}
