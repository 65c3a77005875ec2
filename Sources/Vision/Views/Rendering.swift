/// Shows one view of an image at `size` × `size`: crop, antialiased bilinear resize, flip, colours.
///
/// The bytes depend on the arguments only. The same parameters may be rendered at several sizes; all show the same
/// part of the image.
public func render(_ image: Image, _ parameters: ViewParameters, size: Int) throws -> Image {
    var pixels = [UInt8](repeating: 0, count: size * size * 3)
    try pixels.withUnsafeMutableBufferPointer { try render(image, parameters, size: size, into: $0) }
    return Image(width: size, height: size, pixels: pixels)
}

/// Renders into `size * size * 3` bytes that belong to the caller.
func render(
    _ image: Image, _ parameters: ViewParameters, size: Int, into output: UnsafeMutableBufferPointer<UInt8>
) throws {
    let crop = try parameters.crop(in: image)
    try image.resample(crop, width: size, height: size, flip: parameters.flip, into: output)
    parameters.adjustColours(of: output)
}

extension Image {
    /// The whole image at another size, antialiased.
    public func resized(width: Int, height: Int) throws -> Image {
        var output = [UInt8](repeating: 0, count: width * height * 3)
        let whole = PixelRectangle(top: 0, left: 0, height: self.height, width: self.width)
        try output.withUnsafeMutableBufferPointer {
            try resample(whole, width: width, height: height, flip: false, into: $0)
        }
        return Image(width: width, height: height, pixels: output)
    }

    /// Resizes part of an image; pixels outside of the part have no influence.
    func resample(
        _ crop: PixelRectangle, width: Int, height: Int, flip: Bool,
        into output: UnsafeMutableBufferPointer<UInt8>
    ) throws {
        func weights(_ start: Int, _ length: Int, _ count: Int) -> [[(Int, Float)]] {
            let scale = Float(length) / Float(count)
            let support = max(1, scale)
            return (0..<count).map { index in
                let center = (Float(index) + 0.5) * scale
                let first = max(0, Int(center - support + 0.5)),
                    last = min(length, Int(center + support + 0.5))
                let taps = (first..<last).map { max(0, 1 - abs((Float($0) + 0.5 - center) / support)) }
                let sum = taps.reduce(0, +)
                return zip(first..<last, taps).map { (start + $0, $1 / sum) }
            }
        }
        let rows = weights(crop.top, crop.height, height), columns = weights(crop.left, crop.width, width)
        for y in 0..<height {
            for x in 0..<width {
                for channel in 0..<3 {
                    var sum: Float = 0
                    for (row, a) in rows[y] {
                        for (column, b) in columns[x] {
                            sum += a * b * Float(pixels[(row * self.width + column) * 3 + channel])
                        }
                    }
                    output[(y * width + (flip ? width - 1 - x : x)) * 3 + channel] = UInt8(sum.rounded())
                }
            }
        }
    }
}
