import Tensors
import Testing

@Suite struct ImageResizeTests {
    private static func source() throws -> (pixels: [UInt8], height: Int, width: Int) {
        let source = try Goldens("resize.safetensors")["source"]
        return (try source.bytes(), source.shape[0], source.shape[1])
    }

    @Test(arguments: [
        ("resize.safetensors", ImageResize.Interpolation.bilinear), ("resize.bicubic.safetensors", .bicubic),
    ])
    func `every crop and size is within one of PIL`(
        file: String, interpolation: ImageResize.Interpolation
    ) throws {
        let goldens = try Goldens(file)
        let (pixels, height, width) = try Self.source()
        for name in goldens.names where name != "source" {
            let numbers = name.split(separator: ",").compactMap { Int($0) }
            let resize = ImageResize(
                width: width, height: height, crop: (numbers[0], numbers[1], numbers[2], numbers[3]),
                outputHeight: numbers[4], outputWidth: numbers[5], interpolation: interpolation)
            let result = try resize(pixels)
            let golden = try goldens[name].bytes()
            #expect(result.count == golden.count)
            let largest = zip(result, golden).map { abs(Int($0) - Int($1)) }.max()
            #expect(largest.map { $0 <= 1 } == true, "\(name) differs by \(largest ?? -1)")
        }
    }

    @Test func `a flip mirrors the resized rows`() throws {
        let (pixels, height, width) = try Self.source()
        for (toHeight, toWidth) in [(20, 31), (height, width)] {
            var resize = ImageResize(
                width: width, height: height, outputHeight: toHeight, outputWidth: toWidth)
            let plain = try resize(pixels)
            resize.flip = true
            let flipped = try resize(pixels)
            for y in 0..<toHeight {
                for x in 0..<toWidth {
                    let left = (y * toWidth + x) * 3, right = (y * toWidth + toWidth - 1 - x) * 3
                    #expect(plain[left..<left + 3] == flipped[right..<right + 3])
                }
            }
        }
    }

    @Test func `the source is never written`() throws {
        let (pixels, height, width) = try Self.source()
        let before = pixels
        for crop in [(0, 0, height, width), (0, 0, 20, width), (4, 4, 20, 20)] {
            _ = try ImageResize(
                width: width, height: height, crop: crop, outputHeight: 20, outputWidth: 20, flip: true)(
                    pixels)
        }
        #expect(pixels == before)
    }

    @Test func `it equals the operation on a channels-last tensor`() throws {
        let (pixels, height, width) = try Self.source()
        let image = try Tensor(bytes: pixels, shape: [1, height, width, 3]).permute(0, 3, 1, 2)
        #expect(image.isChannelsLast)
        let resized = try image.resizeBilinearAA(height: 24, width: 30).permute(0, 2, 3, 1)
        let direct = try ImageResize(width: width, height: height, outputHeight: 24, outputWidth: 30)(pixels)
        #expect(try resized.bytes() == direct)
    }

    @Test func `a crop outside of the image and a short buffer are refused`() throws {
        let pixels = [UInt8](repeating: 0, count: 4 * 4 * 3)
        let outside = ImageResize(
            width: 4, height: 4, crop: (2, 2, 3, 2), outputHeight: 2, outputWidth: 2)
        let error = #expect(throws: TorchError.self) { try outside(pixels) }
        #expect(error?.code == .shape)
        #expect(error?.message == "crop of size 2x3 at 2,2 does not lie in an image of size 4x4")
        let whole = ImageResize(width: 4, height: 4, outputHeight: 2, outputWidth: 2)
        #expect(throws: TorchError.self) { try whole(Array(pixels.dropLast())) }
    }
}
