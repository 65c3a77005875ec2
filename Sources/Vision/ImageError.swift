/// Why one image cannot be used; the rest of its data set still can.
public enum ImageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file has no bytes.
    case empty
    /// The bytes are not those of a JPEG, PNG or WebP file; what they look like instead, where that is known.
    case unknownFormat(String)
    /// The file ends before the image does.
    case truncated(ImageFormat)
    /// The decoder found damage, in its own words.
    case corrupt(ImageFormat, reason: String)
    /// A legal file of a kind that Retort does not read, such as an animation.
    case unsupported(ImageFormat, reason: String)
    /// The image is larger than Retort reads.
    case tooLarge(width: Int, height: Int)
    /// The bytes could not be read from the disk.
    case unreadable(reason: String)
    /// The image is not the one that was scanned.
    case changed(reason: String)
    /// A mask that cannot be its image's.
    case unfitMask(reason: String)
    /// An image could not be written as a file.
    case encoding(ImageFormat, reason: String)

    /// One line without a full stop, as it stands in `quarantine.jsonl`.
    public var description: String {
        switch self {
        case .empty: "the file is empty"
        case .unknownFormat(let looks): "not a JPEG, PNG or WebP file (\(looks))"
        case .truncated(let format): "the \(format) data is truncated"
        case .corrupt(let format, let reason): "the \(format) data is corrupt: \(reason)"
        case .unsupported(let format, let reason): "this \(format) is not supported: \(reason)"
        case .tooLarge(let width, let height):
            "\(width)x\(height) is more than \(ImageCodec.sideLimit) a side or \(ImageCodec.pixelLimit) pixels"
        case .unreadable(let reason): "cannot be read: \(reason)"
        case .changed(let reason): "changed since it was scanned: \(reason)"
        case .unfitMask(let reason): "its mask does not fit: \(reason)"
        case .encoding(let format, let reason): "cannot be written as \(format): \(reason)"
        }
    }
}

/// The image file formats that Retort reads.
public enum ImageFormat: String, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    case jpeg = "JPEG"
    case png = "PNG"
    case webp = "WebP"

    /// The format's name as people write it.
    public var description: String { rawValue }
}
