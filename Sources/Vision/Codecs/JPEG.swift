import CImageCodecs
import CJpeg
public import Foundation

extension ImageCodec {
    /// Decodes what a view shows, or everything; by our own decoder where it can, else by libjpeg-turbo.
    static func decodeJPEG(
        _ bytes: UnsafeRawBufferPointer, showing view: ViewParameters?, atLeast shortSide: Int?
    ) throws(ImageError) -> ImagePart {
        if let part = try decodeBaselineJPEG(bytes, showing: view, atLeast: shortSide) { return part }
        let (image, orientation) = try decodeAnyJPEG(bytes, atLeast: shortSide)
        return ImagePart(whole: image.oriented(orientation))
    }

    /// Nil where the file is unusual or damaged; then libjpeg-turbo decodes it or says what is wrong.
    private static func decodeBaselineJPEG(
        _ bytes: UnsafeRawBufferPointer, showing view: ViewParameters?, atLeast shortSide: Int?
    ) throws(ImageError) -> ImagePart? {
        var file: OpaquePointer?
        guard cj_open(bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, &file) == CJ_OK else {
            return nil
        }
        defer { cj_close(file) }
        let (width, height) = (Int(cj_width(file)), Int(cj_height(file)))
        try check(width: width, height: height)
        let orientation = Orientation(jpeg: bytes)
        let reduction = reduction(width: width, height: height, atLeast: shortSide)
        let stored = (
            width: (width + reduction - 1) / reduction, height: (height + reduction - 1) / reduction
        )
        let whole = orientation.swapsSides ? (width: stored.height, height: stored.width) : stored
        let all = PixelRectangle(top: 0, left: 0, height: whole.height, width: whole.width)
        // A view that does not fit is reported by whoever knows the image's recorded size.
        let place = view?.crop(width: whole.width, height: whole.height, reduction: reduction) ?? all
        let part = orientation.stored(place, width: whole.width, height: whole.height)
        var status = CJ_OTHER
        let pixels = [UInt8](unsafeUninitializedCapacity: part.width * part.height * 3) { buffer, count in
            let rectangle = CJRectangle(
                left: Int32(part.left), top: Int32(part.top), width: Int32(part.width),
                height: Int32(part.height))
            status = cj_decode(file, Int32(reduction), rectangle, buffer.baseAddress)
            count = status == CJ_OK ? part.width * part.height * 3 : 0
        }
        guard status == CJ_OK else { return nil }
        let image = Image(width: part.width, height: part.height, pixels: pixels, reduction: reduction)
        return ImagePart(
            image: image.oriented(orientation), place: place, width: whole.width, height: whole.height)
    }

    /// Decodes the whole file by libjpeg-turbo.
    static func decodeAnyJPEG(
        _ bytes: UnsafeRawBufferPointer, atLeast shortSide: Int?
    ) throws(ImageError) -> (Image, Orientation) {
        guard let decoder = tjInitDecompress() else {
            throw .corrupt(.jpeg, reason: "the decoder cannot start")
        }
        defer { tjDestroy(decoder) }
        let source = bytes.bindMemory(to: UInt8.self)
        var (width, height, subsampling, colorspace): (Int32, Int32, Int32, Int32) = (0, 0, -1, -1)
        let header = tjDecompressHeader3(
            decoder, source.baseAddress, UInt(source.count), &width, &height, &subsampling, &colorspace)
        // Unusual subsampling is reported as an error of the header, but decodes all the same.
        if header != 0, width <= 0 || height <= 0 || colorspace < 0 {
            throw jpegError(decoder, in: bytes)
        }
        try check(width: Int(width), height: Int(height))
        let orientation = Orientation(jpeg: bytes)
        let reduction = reduction(width: Int(width), height: Int(height), atLeast: shortSide)
        let scaled = (
            width: (Int(width) + reduction - 1) / reduction, height: (Int(height) + reduction - 1) / reduction
        )
        let isCMYK = colorspace == TJCS_CMYK.rawValue || colorspace == TJCS_YCCK.rawValue
        let format = isCMYK ? TJPF_CMYK : TJPF_RGB
        let count = scaled.width * scaled.height * (isCMYK ? 4 : 3)
        var status: Int32 = 0
        let decoded = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            // Cleared, because a decoder that stops half-way leaves the rest as it was.
            buffer.initialize(repeating: 0)
            status = tjDecompress2(
                decoder, source.baseAddress, UInt(source.count), buffer.baseAddress, Int32(scaled.width), 0,
                Int32(scaled.height), Int32(format.rawValue), TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS)
            initialized = count
        }
        if status != 0, let error = jpegDamage(decoder, in: bytes) { throw error }
        let pixels = isCMYK ? rgb(invertedCMYK: decoded) : decoded
        return (
            Image(width: scaled.width, height: scaled.height, pixels: pixels, reduction: reduction),
            orientation
        )
    }

    /// What the decoder's complaint means for us, or nil where the pixels are whole.
    ///
    /// libjpeg-turbo returns pixels with a *warning* for truncated and damaged data; we count both as errors. Stray
    /// bytes between segments are common in real collections and hurt nothing; as only the first warning is
    /// kept, the end-of-image marker must then be there as well.
    private static func jpegDamage(_ decoder: tjhandle, in bytes: UnsafeRawBufferPointer) -> ImageError? {
        let message = String(cString: tjGetErrorStr2(decoder))
        let isWarning = tjGetErrorCode(decoder) == TJERR_WARNING.rawValue
        let isHarmless = message.contains("extraneous bytes") || message.contains("Invalid SOS parameters")
        if isWarning, isHarmless, tail(of: bytes, contains: [0xFF, 0xD9]) { return nil }
        return jpegError(decoder, in: bytes)
    }

    private static func jpegError(_ decoder: tjhandle, in bytes: UnsafeRawBufferPointer) -> ImageError {
        let message = String(cString: tjGetErrorStr2(decoder))
        let ends = message.contains("Premature end of JPEG") || message.contains("Input file read error")
        return ends || !tail(of: bytes, contains: [0xFF, 0xD9])
            ? .truncated(.jpeg) : .corrupt(.jpeg, reason: message)
    }

    /// Adobe's inverted CMYK, the only kind found in the wild, to RGB with Pillow's rounding.
    private static func rgb(invertedCMYK cmyk: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: cmyk.count / 4 * 3) { rgb, count in
            for pixel in 0..<cmyk.count / 4 {
                let black = Int(cmyk[pixel * 4 + 3])
                for channel in 0..<3 {
                    let product = (255 - Int(cmyk[pixel * 4 + channel])) * black + 128
                    rgb[pixel * 3 + channel] = UInt8(max(0, black - (product + product >> 8) >> 8))
                }
            }
            count = cmyk.count / 4 * 3
        }
    }

    /// Encodes an image as JPEG; `quality` runs from 1 to 100.
    public static func encodeJPEG(_ image: Image, quality: Int = 90) throws(ImageError) -> Data {
        guard let encoder = tjInitCompress() else {
            throw .encoding(.jpeg, reason: "the encoder cannot start")
        }
        defer { tjDestroy(encoder) }
        var output: UnsafeMutablePointer<UInt8>?
        defer { tjFree(output) }
        var size: UInt = 0
        // Chroma at half resolution hurts from quality 90 on, where size is not what the caller wants to save.
        let subsampling = quality >= 90 ? TJSAMP_444 : TJSAMP_420
        let status = image.pixels.withUnsafeBufferPointer { pixels in
            tjCompress2(
                encoder, pixels.baseAddress, Int32(image.width), 0, Int32(image.height),
                Int32(TJPF_RGB.rawValue),
                &output, &size, Int32(subsampling.rawValue), Int32(min(100, max(1, quality))),
                TJFLAG_ACCURATEDCT)
        }
        guard status == 0, let output else {
            throw .encoding(.jpeg, reason: String(cString: tjGetErrorStr2(encoder)))
        }
        return Data(bytes: output, count: Int(size))
    }
}
