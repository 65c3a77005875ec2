import CImageCodecs

extension ImageCodec {
    static func decodeWebP(_ bytes: UnsafeRawBufferPointer) throws(ImageError) -> (Image, Orientation) {
        let source = bytes.bindMemory(to: UInt8.self)
        var configuration = WebPDecoderConfig()
        guard WebPInitDecoderConfig(&configuration) != 0 else {
            throw .corrupt(.webp, reason: "the decoder cannot start")
        }
        try webp(WebPGetFeatures(source.baseAddress, source.count, &configuration.input))
        let (width, height) = (Int(configuration.input.width), Int(configuration.input.height))
        try check(width: width, height: height)
        if configuration.input.has_animation != 0 {
            throw .unsupported(.webp, reason: "it is an animation")
        }
        let hasAlpha = configuration.input.has_alpha != 0
        let channels = hasAlpha ? 4 : 3
        let count = width * height * channels
        var status = VP8_STATUS_OK
        let decoded = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            buffer.initialize(repeating: 0)
            configuration.output.colorspace = hasAlpha ? MODE_RGBA : MODE_RGB
            configuration.output.is_external_memory = 1
            configuration.output.u.RGBA.rgba = buffer.baseAddress
            configuration.output.u.RGBA.stride = Int32(width * channels)
            configuration.output.u.RGBA.size = count
            status = WebPDecode(source.baseAddress, source.count, &configuration)
            WebPFreeDecBuffer(&configuration.output)
            initialized = count
        }
        try webp(status)
        let pixels = hasAlpha ? overWhite(decoded) : decoded
        return (Image(width: width, height: height, pixels: pixels), Orientation(webp: bytes))
    }

    private static func webp(_ status: VP8StatusCode) throws(ImageError) {
        switch status {
        case VP8_STATUS_OK: return
        case VP8_STATUS_NOT_ENOUGH_DATA, VP8_STATUS_SUSPENDED: throw .truncated(.webp)
        case VP8_STATUS_UNSUPPORTED_FEATURE:
            throw .unsupported(.webp, reason: "libwebp does not know its feature")
        case VP8_STATUS_OUT_OF_MEMORY: throw .corrupt(.webp, reason: "decoding it takes too much memory")
        default: throw .corrupt(.webp, reason: "libwebp reports error \(status.rawValue)")
        }
    }
}
