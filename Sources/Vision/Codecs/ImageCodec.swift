import CImageCodecs
public import Foundation

/// Turns image files into pixels and back; JPEG by `CJpeg` or libjpeg-turbo, PNG by libspng, WebP by libwebp.
///
/// - The format is told by the first bytes, never by the name.
/// - Whatever is not RGB becomes RGB: grey and palette images are expanded, CMYK is converted as Pillow does,
///   16-bit channels keep their upper byte, and transparency is laid over white.
/// - EXIF orientation is applied, so that width and height are those a person sees.
/// - A file with missing or damaged data is an error, although the decoders could return grey rows for it.
public enum ImageCodec {
    /// The longest side that is read; JPEG itself ends here.
    public static let sideLimit = 65_535
    /// The number of pixels above which an image is refused (384 MiB of pixels), whatever its file's size.
    public static let pixelLimit = 1 << 27

    /// Decodes an image file.
    ///
    /// With `atLeast`, a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size, as long as its short side keeps at
    /// least so many pixels; this costs a fraction of the time. `Image.reduction` says what was done.
    public static func decode(_ data: Data, atLeast shortSide: Int? = nil) throws(ImageError) -> Image {
        try decode(data, showing: nil, atLeast: shortSide).image
    }

    /// Decodes what a view shows of an image, or more where that is not cheaper; every pixel is the whole image's.
    ///
    /// Of a baseline JPEG, rows below the view are not looked at: damage there is not noticed, a missing end is.
    public static func decode(
        _ data: Data, showing view: ViewParameters?, atLeast shortSide: Int? = nil
    ) throws(ImageError) -> ImagePart {
        try withBytes(data) { (bytes) throws(ImageError) in
            switch try format(of: bytes) {
            case .jpeg:
                return try decodeJPEG(bytes, showing: view, atLeast: shortSide)
            case .png:
                let (image, orientation) = try decodePNG(bytes)
                return ImagePart(whole: image.oriented(orientation))
            case .webp:
                let (image, orientation) = try decodeWebP(bytes)
                return ImagePart(whole: image.oriented(orientation))
            }
        }
    }

    /// The largest of 1, 2, 4 and 8 by which a JPEG of this size is shrunk in decoding for `atLeast`.
    ///
    /// 5/8 and its like exist, but cost more than a whole decode followed by a resize.
    public static func reduction(width: Int, height: Int, atLeast shortSide: Int?) -> Int {
        guard let shortSide else { return 1 }
        let available = min(width, height)
        return [8, 4, 2].first { (available + $0 - 1) / $0 >= max(1, shortSide) } ?? 1
    }

    /// The format that the first bytes announce.
    static func format(of bytes: UnsafeRawBufferPointer) throws(ImageError) -> ImageFormat {
        if bytes.isEmpty { throw .empty }
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return .jpeg }
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return .png }
        if bytes.starts(with: Array("RIFF".utf8)), bytes.dropFirst(8).starts(with: Array("WEBP".utf8)) {
            return .webp
        }
        let known = [
            ("GIF8", "it looks like a GIF"), ("BM", "it looks like a BMP"), ("II*\0", "it looks like a TIFF"),
            ("MM\0*", "it looks like a TIFF"), ("<", "it looks like a web page or an SVG"),
            ("%PDF", "it looks like a PDF"),
        ]
        let looks = known.first { bytes.starts(with: Array($0.0.utf8)) }?.1
        throw .unknownFormat(looks ?? "it starts with \(hexadecimal(bytes.prefix(4)))")
    }

    /// Refuses sizes that no decoder should be asked to allocate.
    static func check(width: Int, height: Int) throws(ImageError) {
        guard width > 0, height > 0, width <= sideLimit, height <= sideLimit, width * height <= pixelLimit
        else {
            throw .tooLarge(width: width, height: height)
        }
    }

    /// Lays straight-alpha RGBA over white.
    static func overWhite(_ rgba: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: rgba.count / 4 * 3) { rgb, count in
            for pixel in 0..<rgba.count / 4 {
                let alpha = Int(rgba[pixel * 4 + 3])
                for channel in 0..<3 {
                    let value = Int(rgba[pixel * 4 + channel]) * alpha + 255 * (255 - alpha)
                    rgb[pixel * 3 + channel] = UInt8((value + 127) / 255)
                }
            }
            count = rgba.count / 4 * 3
        }
    }

    /// Whether an end marker stands in the last bytes; cameras append previews and padding.
    static func tail(of bytes: UnsafeRawBufferPointer, contains marker: [UInt8]) -> Bool {
        // From the end, where it nearly always is; Foundation's search is a hundred times slower.
        for start in stride(from: bytes.count - marker.count, through: max(0, bytes.count - 1 << 16), by: -1)
        where marker.indices.allSatisfy({ bytes[start + $0] == marker[$0] }) { return true }
        return false
    }

    /// `Data.withUnsafeBytes` with a typed error: Foundation's own rethrows as `any Error`.
    static func withBytes<Value>(
        _ data: Data, _ body: (UnsafeRawBufferPointer) throws(ImageError) -> Value
    ) throws(ImageError) -> Value {
        let result: Result<Value, ImageError> = data.withUnsafeBytes { bytes in
            do throws(ImageError) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
