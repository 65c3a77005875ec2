import CImageCodecs
public import Foundation

/// The class of every pixel of an image: a byte each, row by row from the top.
public struct Mask: Hashable, Sendable {
    /// The byte of pixels that nobody named.
    public static let unnamed: UInt8 = 255

    /// The number of columns.
    public let width: Int
    /// The number of rows.
    public let height: Int
    /// The classes' numbers, `pixels[y * width + x]`.
    public let pixels: [UInt8]

    /// Creates a mask from `width * height` bytes.
    public init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(
            pixels.count == width * height, "Retort bug: \(pixels.count) bytes for \(width)x\(height)")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// Reads a PNG of one byte a pixel, grey or with a palette: its numbers, not its colours.
    public init(png data: Data) throws(ImageError) {
        guard let context = spng_ctx_new(0) else { throw .corrupt(.png, reason: "the decoder cannot start") }
        defer { spng_ctx_free(context) }
        let bytes = [UInt8](data)
        var header = spng_ihdr()
        var pixels: [UInt8] = []
        let status = bytes.withUnsafeBytes { bytes -> Int32 in
            spng_set_png_buffer(context, bytes.baseAddress, bytes.count)
            let status = spng_get_ihdr(context, &header)
            guard status == 0, Self.isReadable(header) else { return status }
            let count = Int(header.width) * Int(header.height)
            pixels = [UInt8](repeating: 0, count: count)
            return spng_decode_image(context, &pixels, count, Int32(SPNG_FMT_RAW.rawValue), 0)
        }
        guard status == 0 else { throw .corrupt(.png, reason: String(cString: spng_strerror(status))) }
        guard Self.isReadable(header) else {
            throw .unsupported(.png, reason: "a mask has one byte a pixel, grey or with a palette")
        }
        self.init(width: Int(header.width), height: Int(header.height), pixels: pixels)
    }

    private static func isReadable(_ header: spng_ihdr) -> Bool {
        let kinds = [SPNG_COLOR_TYPE_GRAYSCALE, SPNG_COLOR_TYPE_INDEXED].map { UInt8($0.rawValue) }
        let (width, height) = (Int(header.width), Int(header.height))
        return header.bit_depth == 8 && kinds.contains(header.color_type)
            && max(width, height) <= ImageCodec.sideLimit && width * height <= ImageCodec.pixelLimit
    }

    /// Throws unless this can be the mask of an image of that size, with so many classes.
    public func check(width: Int, height: Int, classCount: Int) throws(ImageError) {
        guard (self.width, self.height) == (width, height) else {
            throw .unfitMask(
                reason: "it has \(self.width)x\(self.height) pixels, the image \(width)x\(height)")
        }
        if let wrong = pixels.first(where: { $0 >= classCount && $0 != Self.unnamed }) {
            throw .unfitMask(reason: "it has a class \(wrong), and there are \(classCount) from 0")
        }
    }

    /// Shows what `render` shows of the image, without mixing classes: each pixel is the nearest one.
    func render(_ view: ViewParameters, side: Int, into output: UnsafeMutableBufferPointer<UInt8>) throws {
        let places = try NearestPlaces(
            of: view, width: width, height: height, side: side, in: (width, height))
        for (row, place) in places.rows.enumerated() {
            for (column, from) in places.columns.enumerated() {
                output[row * side + column] = pixels[place * width + from]
            }
        }
    }

    /// One view of the mask in a square.
    public func rendered(_ view: ViewParameters, side: Int) throws -> Mask {
        var pixels = [UInt8](repeating: 0, count: side * side)
        try pixels.withUnsafeMutableBufferPointer { try render(view, side: side, into: $0) }
        return Mask(width: side, height: side, pixels: pixels)
    }
}
