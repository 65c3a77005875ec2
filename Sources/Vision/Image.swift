/// An RGB image in memory: eight bits a channel, rows from the top, `pixels[(y * width + x) * 3 + channel]`.
public struct Image: Hashable, Sendable {
    /// The number of columns.
    public let width: Int
    /// The number of rows.
    public let height: Int
    /// Red, green, blue of every pixel, row by row.
    public let pixels: [UInt8]
    /// By how much the decoder shrank the image: 1, 2, 4 or 8.
    ///
    /// Source pixel `x` lies at `x / reduction`; sides are rounded up.
    public let reduction: Int

    /// Creates an image from `width * height * 3` bytes.
    public init(width: Int, height: Int, pixels: [UInt8], reduction: Int = 1) {
        precondition(
            pixels.count == width * height * 3, "Retort bug: \(pixels.count) bytes for \(width)x\(height)")
        self.width = width
        self.height = height
        self.pixels = pixels
        self.reduction = reduction
    }

    /// The smaller of width and height.
    public var shortSide: Int { min(width, height) }
}

/// The pixels of part of an image, and where they belong.
public struct ImagePart: Sendable {
    /// The part as an image of its own.
    public let image: Image
    /// Where the part lies in the image, in pixels of its reduced size.
    let place: PixelRectangle
    /// The columns of the whole image at the same reduction.
    public let width: Int
    /// The rows of the whole image at the same reduction.
    public let height: Int

    init(image: Image, place: PixelRectangle, width: Int, height: Int) {
        precondition(
            image.width == place.width && image.height == place.height,
            "Retort bug: \(image.width)x\(image.height) pixels at \(place)")
        self.image = image
        self.place = place
        self.width = width
        self.height = height
    }

    /// All of an image.
    public init(whole image: Image) {
        self.init(
            image: image, place: PixelRectangle(top: 0, left: 0, height: image.height, width: image.width),
            width: image.width, height: image.height)
    }
}
