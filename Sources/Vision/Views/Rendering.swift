public import Tensors

/// The square in which a model sees images, and how they are resized to it.
public struct ViewSize: Hashable, Sendable, ExpressibleByIntegerLiteral {
    /// The square's side in pixels.
    public var side: Int
    /// How pixels between pixels are made up.
    public var interpolation: ImageResize.Interpolation

    /// Creates a size.
    public init(_ side: Int, interpolation: ImageResize.Interpolation = .bilinear) {
        self.side = side
        self.interpolation = interpolation
    }

    /// A side in pixels, with bilinear resizing.
    public init(integerLiteral side: Int) { self.init(side) }
}

/// Shows one view of an image in a square: crop, antialiased resize, flip, colours.
///
/// The bytes depend on the arguments only. The same parameters may be rendered at several sizes; all show the same
/// part of the image.
public func render(_ image: Image, _ parameters: ViewParameters, size: ViewSize) throws -> Image {
    let count = size.side * size.side * 3
    let pixels = try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        try render(
            ImagePart(whole: image), parameters, size: size,
            into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
        initialized = count
    }
    return Image(width: size.side, height: size.side, pixels: pixels)
}

/// Renders into `side * side * 3` bytes that belong to the caller; the part must hold what the view shows.
func render(
    _ part: ImagePart, _ parameters: ViewParameters, size: ViewSize,
    into output: UnsafeMutableBufferPointer<UInt8>
) throws {
    let reduction = part.image.reduction
    guard var crop = parameters.crop(width: part.width, height: part.height, reduction: reduction) else {
        throw ImageError.changed(
            reason: "the view at \(parameters.left),\(parameters.top) of \(parameters.width)x"
                + "\(parameters.height) is not within \(part.width * reduction)x\(part.height * reduction)")
    }
    crop.top -= part.place.top
    crop.left -= part.place.left
    if parameters.centre == nil {
        try part.image.resample(
            crop, width: size.side, height: size.side, flip: parameters.flip,
            interpolation: size.interpolation, into: output)
    } else {
        try part.image.renderCentre(of: crop, parameters, size: size, into: output)
    }
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
        interpolation: ImageResize.Interpolation = .bilinear,
        into output: UnsafeMutableBufferPointer<UInt8>
    ) throws {
        let resize = ImageResize(
            width: self.width, height: self.height, crop: (crop.top, crop.left, crop.height, crop.width),
            outputHeight: height, outputWidth: width, flip: flip, interpolation: interpolation)
        try pixels.withUnsafeBytes { try resize($0, into: UnsafeMutableRawBufferPointer(output)) }
    }
}
