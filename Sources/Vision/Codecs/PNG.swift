import CImageCodecs
public import Foundation

extension ImageCodec {
    static func decodePNG(_ bytes: UnsafeRawBufferPointer) throws(ImageError) -> (Image, Orientation) {
        guard let context = spng_ctx_new(0) else { throw .corrupt(.png, reason: "the decoder cannot start") }
        defer { spng_ctx_free(context) }
        // A damaged comment spoils no pixel; a profile of gigabytes is an attack.
        spng_set_crc_action(context, Int32(SPNG_CRC_ERROR.rawValue), Int32(SPNG_CRC_DISCARD.rawValue))
        spng_set_chunk_limits(context, 1 << 26, 1 << 26)
        try png(spng_set_png_buffer(context, bytes.baseAddress, bytes.count))
        var header = spng_ihdr()
        try png(spng_get_ihdr(context, &header))
        let (width, height) = (Int(header.width), Int(header.height))
        try check(width: width, height: height)
        var transparency = spng_trns()
        let hasAlpha =
            header.color_type & UInt8(SPNG_COLOR_TYPE_GRAYSCALE_ALPHA.rawValue) != 0
            || spng_get_trns(context, &transparency) == 0
        let format = hasAlpha ? SPNG_FMT_RGBA8 : SPNG_FMT_RGB8
        let count = width * height * (hasAlpha ? 4 : 3)
        var status: Int32 = 0
        let decoded = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            buffer.initialize(repeating: 0)
            status = spng_decode_image(
                context, buffer.baseAddress, count, Int32(format.rawValue),
                hasAlpha ? Int32(SPNG_DECODE_TRNS.rawValue) : 0)
            initialized = count
        }
        try png(status)
        // All pixels are there; without the end marker and its checksum the file was cut all the same.
        let end: [UInt8] = [0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82]
        if !tail(of: bytes, contains: end) { throw .truncated(.png) }
        // Reads the chunks that follow the pixels; a damaged one cannot hurt them any more.
        _ = spng_decode_chunks(context)
        var exif = spng_exif()
        var orientation = Orientation.upright
        if spng_get_exif(context, &exif) == 0 {
            orientation = Orientation(tiff: UnsafeRawBufferPointer(start: exif.data, count: exif.length))
        }
        let pixels = hasAlpha ? overWhite(decoded) : decoded
        return (Image(width: width, height: height, pixels: pixels), orientation)
    }

    private static func png(_ status: Int32) throws(ImageError) {
        guard status != 0 else { return }
        if status == SPNG_IO_EOF.rawValue { throw .truncated(.png) }
        throw .corrupt(.png, reason: String(cString: spng_strerror(status)))
    }

    /// Encodes an image as an RGB PNG.
    public static func encodePNG(_ image: Image) throws(ImageError) -> Data {
        try encodePNG(image.pixels, image.width, image.height, SPNG_COLOR_TYPE_TRUECOLOR)
    }

    /// Encodes a mask as a grey PNG.
    public static func encodePNG(_ mask: Mask) throws(ImageError) -> Data {
        try encodePNG(mask.pixels, mask.width, mask.height, SPNG_COLOR_TYPE_GRAYSCALE)
    }

    private static func encodePNG(
        _ pixels: [UInt8], _ width: Int, _ height: Int, _ colours: spng_color_type
    ) throws(ImageError) -> Data {
        guard let context = spng_ctx_new(Int32(SPNG_CTX_ENCODER.rawValue)) else {
            throw .encoding(.png, reason: "the encoder cannot start")
        }
        defer { spng_ctx_free(context) }
        var header = spng_ihdr()
        header.width = UInt32(width)
        header.height = UInt32(height)
        header.color_type = UInt8(colours.rawValue)
        header.bit_depth = 8
        spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1)
        var status = spng_set_ihdr(context, &header)
        if status == 0 {
            status = pixels.withUnsafeBytes {
                spng_encode_image(
                    context, $0.baseAddress, $0.count, Int32(SPNG_FMT_PNG.rawValue),
                    Int32(SPNG_ENCODE_FINALIZE.rawValue))
            }
        }
        var count = 0
        guard status == 0, let output = spng_get_png_buffer(context, &count, &status) else {
            throw .encoding(.png, reason: String(cString: spng_strerror(status)))
        }
        defer { free(output) }
        return Data(bytes: output, count: count)
    }
}
