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
