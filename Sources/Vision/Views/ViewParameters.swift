/// Everything that was random about one view of an image; with the image and a size it gives the same bytes again.
///
/// The crop is in pixels of the whole, upright image, so that one view can be shown to two models at two sizes.
public struct ViewParameters: Codable, Hashable, Sendable {
    /// The crop's first row.
    public var top: Int
    /// The crop's first column.
    public var left: Int
    /// The crop's rows.
    public var height: Int
    /// The crop's columns.
    public var width: Int
    /// Whether left and right change places.
    public var flip: Bool
    /// The factor on every value; 1 changes nothing.
    public var brightness: Float
    /// The factor on the distance from the image's mean grey; 1 changes nothing.
    public var contrast: Float
    /// The factor on the distance from each pixel's own grey; 1 changes nothing.
    public var saturation: Float
    /// The share of the resized crop's short side that the square in its centre takes; without one, the crop is
    /// stretched to the square.
    public var centre: Double?

    /// Creates parameters; without colours and flip they are a plain crop.
    public init(
        top: Int, left: Int, height: Int, width: Int, flip: Bool = false, brightness: Float = 1,
        contrast: Float = 1, saturation: Float = 1, centre: Double? = nil
    ) {
        self.top = top
        self.left = left
        self.height = height
        self.width = width
        self.flip = flip
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.centre = centre
    }

    /// The short side to which a `width` × `height` image must be decoded for this view at `size`.
    ///
    /// Nil means whole. Small images are always decoded whole: it costs little, and one decode then serves every
    /// view. The answer depends on nothing but the arguments, hence so do the view's bytes.
    public func shortSide(for size: Int, width: Int, height: Int) -> Int? {
        let shortSide = min(width, height)
        if shortSide <= 256 { return nil }
        let crop = max(1, min(self.width, self.height))
        return (resizedShortSide(for: size) * shortSide + crop - 1) / crop
    }

    /// The short side to which the crop is resized, before a square is cut out of its centre.
    func resizedShortSide(for size: Int) -> Int { centre.map { Int(Double(size) / $0) } ?? size }

    /// The crop in the pixels of an image of which so many are left after decoding it at 1/`reduction`; nil where it
    /// does not lie within it.
    func crop(width: Int, height: Int, reduction: Int) -> PixelRectangle? {
        guard top >= 0, left >= 0, self.height > 0, self.width > 0,
            (top + self.height + reduction - 1) / reduction <= height,
            (left + self.width + reduction - 1) / reduction <= width
        else { return nil }
        func scaled(_ start: Int, _ length: Int) -> (start: Int, length: Int) {
            let first = (start + reduction / 2) / reduction
            let last = (start + length + reduction / 2) / reduction
            return (min(first, max(0, last - 1)), max(1, last - first))
        }
        let (rows, columns) = (scaled(top, self.height), scaled(left, self.width))
        return PixelRectangle(
            top: rows.start, left: columns.start, height: rows.length, width: columns.length)
    }
}

/// A rectangle of whole pixels.
struct PixelRectangle: Hashable, Sendable {
    var top, left, height, width: Int
}
