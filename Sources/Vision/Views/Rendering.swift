import Tensors

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
        let resize = ImageResize(
            width: self.width, height: self.height, crop: (crop.top, crop.left, crop.height, crop.width),
            outputHeight: height, outputWidth: width, flip: flip)
        try pixels.withUnsafeBytes { try resize($0, into: UnsafeMutableRawBufferPointer(output)) }
    }
}
