internal import CTorch

/// A crop, an antialiased resize and a flip of one RGB image, in that order.
public struct ImageResize: Hashable, Sendable {
    /// How pixels between pixels are made up.
    public enum Interpolation: String, Codable, CaseIterable, Hashable, Sendable {
        case bilinear, bicubic
    }

    /// The source's size.
    public var width, height: Int
    /// The part of the source that is kept.
    public var top, left, cropHeight, cropWidth: Int
    /// The size of the result.
    public var outputHeight, outputWidth: Int
    /// Whether the result is mirrored left to right.
    public var flip: Bool
    /// How pixels between pixels are made up.
    public var interpolation: Interpolation

    /// Plans a resize of a `width` × `height` image; the whole of it where no crop is given.
    public init(
        width: Int, height: Int, crop: (top: Int, left: Int, height: Int, width: Int)? = nil,
        outputHeight: Int, outputWidth: Int, flip: Bool = false, interpolation: Interpolation = .bilinear
    ) {
        self.width = width
        self.height = height
        top = crop?.top ?? 0
        left = crop?.left ?? 0
        cropHeight = crop?.height ?? height
        cropWidth = crop?.width ?? width
        self.outputHeight = outputHeight
        self.outputWidth = outputWidth
        self.flip = flip
        self.interpolation = interpolation
    }

    /// Fills `output` with RGB bytes, row by row, from the RGB bytes of the source.
    ///
    /// Within one of what PIL gives. Any thread may call it; it uses that thread only and keeps no state.
    public func callAsFunction(
        _ source: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(TorchError) {
        try checkSizes(source: source.count, output: output.count)
        try check(run(source.baseAddress, into: output.baseAddress), operation: "ImageResize")
    }

    /// The RGB bytes of the result, from those of the source.
    public func callAsFunction(_ source: [UInt8]) throws(TorchError) -> [UInt8] {
        let count = Swift.max(0, outputWidth) * Swift.max(0, outputHeight) * 3
        try checkSizes(source: source.count, output: count)
        var status = CT_OK
        let result = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            status = source.withUnsafeBytes { run($0.baseAddress, into: buffer.baseAddress) }
            initialized = status == CT_OK ? count : 0
        }
        try check(status, operation: "ImageResize")
        return result
    }

    private func checkSizes(source: Int, output: Int) throws(TorchError) {
        guard width > 0, height > 0, outputWidth > 0, outputHeight > 0, source == width * height * 3,
            output == outputWidth * outputHeight * 3
        else {
            throw TorchError(
                code: .shape, operation: "ImageResize",
                message: "\(source) bytes for \(width)x\(height) pixels to \(output) bytes for "
                    + "\(outputWidth)x\(outputHeight); a pixel takes three")
        }
    }

    private func run(_ source: UnsafeRawPointer?, into output: UnsafeMutableRawPointer?) -> CTStatus {
        let plan = CTResize(
            width: Int64(width), height: Int64(height), top: Int64(top), left: Int64(left),
            crop_height: Int64(cropHeight), crop_width: Int64(cropWidth), output_height: Int64(outputHeight),
            output_width: Int64(outputWidth), flip: flip, cubic: interpolation == .bicubic)
        return ct_resize_rgb8(
            source?.assumingMemoryBound(to: UInt8.self), plan, output?.assumingMemoryBound(to: UInt8.self))
    }
}
