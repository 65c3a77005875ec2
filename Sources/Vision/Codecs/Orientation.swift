/// How a camera was held, as EXIF tag 0x0112 writes it: what must be done to show the image upright.
enum Orientation: UInt16, Sendable, CaseIterable {
    case upright = 1
    case mirrored, rotated180, flipped, transposed, rotated90, transversed, rotated270

    /// Whether width and height change places.
    var swapsSides: Bool { rawValue >= 5 }
}

extension Orientation {
    /// Where a rectangle of the upright image, whose sides are given, lies in the stored one.
    func stored(_ upright: PixelRectangle, width: Int, height: Int) -> PixelRectangle {
        let right = width - upright.left - upright.width, bottom = height - upright.top - upright.height
        // The first stored row and column, counted along the upright image's sides.
        let (top, left) =
            switch self {
            case .upright: (upright.top, upright.left)
            case .mirrored: (upright.top, right)
            case .rotated180: (bottom, right)
            case .flipped: (bottom, upright.left)
            case .transposed: (upright.left, upright.top)
            case .rotated90: (right, upright.top)
            case .transversed: (right, bottom)
            case .rotated270: (upright.left, bottom)
            }
        return swapsSides
            ? PixelRectangle(top: top, left: left, height: upright.width, width: upright.height)
            : PixelRectangle(top: top, left: left, height: upright.height, width: upright.width)
    }
}

extension Image {
    /// The image as it is to be seen.
    func oriented(_ orientation: Orientation) -> Image {
        if orientation == .upright { return self }
        let (width, height) = orientation.swapsSides ? (self.height, self.width) : (self.width, self.height)
        let turned = [UInt8](unsafeUninitializedCapacity: pixels.count) { output, count in
            for y in 0..<height {
                for x in 0..<width {
                    let (right, bottom) = (width - 1 - x, height - 1 - y)
                    let (sourceX, sourceY) =
                        switch orientation {
                        case .upright: (x, y)
                        case .mirrored: (right, y)
                        case .rotated180: (right, bottom)
                        case .flipped: (x, bottom)
                        case .transposed: (y, x)
                        case .rotated90: (y, right)
                        case .transversed: (bottom, right)
                        case .rotated270: (bottom, x)
                        }
                    let source = (sourceY * self.width + sourceX) * 3
                    let target = (y * width + x) * 3
                    for channel in 0..<3 { output[target + channel] = pixels[source + channel] }
                }
            }
            count = pixels.count
        }
        return Image(width: width, height: height, pixels: turned, reduction: reduction)
    }
}

extension Orientation {
    /// Reads the orientation from a JPEG's first EXIF segment; upright where there is none or it is malformed.
    init(jpeg bytes: UnsafeRawBufferPointer) {
        var offset = 2
        while offset + 4 <= bytes.count, bytes[offset] == 0xFF {
            let marker = bytes[offset + 1]
            // Fill bytes may precede a marker; markers without a length carry no EXIF.
            if marker == 0xFF { offset += 1; continue }
            if marker == 0xDA || marker == 0xD9 { break }
            let length = Int(bytes[offset + 2]) << 8 | Int(bytes[offset + 3])
            let end = offset + 2 + length
            guard length >= 2, end <= bytes.count else { break }
            let body = UnsafeRawBufferPointer(rebasing: bytes[offset + 4..<end])
            if marker == 0xE1, body.starts(with: Array("Exif\0\0".utf8)) {
                self.init(tiff: UnsafeRawBufferPointer(rebasing: body[6...]))
                return
            }
            offset = end
        }
        self = .upright
    }

    /// Reads the orientation from a WebP's `EXIF` chunk.
    init(webp bytes: UnsafeRawBufferPointer) {
        var offset = 12
        while offset + 8 <= bytes.count {
            let length = (0..<4).reduce(0) { $0 | Int(bytes[offset + 4 + $1]) << (8 * $1) }
            let end = offset + 8 + length
            guard end <= bytes.count else { break }
            if bytes[offset..<offset + 4].elementsEqual(Array("EXIF".utf8)) {
                var body = UnsafeRawBufferPointer(rebasing: bytes[offset + 8..<end])
                if body.starts(with: Array("Exif\0\0".utf8)) { body = .init(rebasing: body[6...]) }
                self.init(tiff: body)
                return
            }
            offset = end + length % 2
        }
        self = .upright
    }

    /// Reads tag 0x0112 of the first directory of a TIFF structure.
    init(tiff bytes: UnsafeRawBufferPointer) {
        self = .upright
        guard bytes.count >= 8, bytes[0] == bytes[1], bytes[0] == 0x49 || bytes[0] == 0x4D else { return }
        let isLittleEndian = bytes[0] == 0x49
        func number(_ offset: Int, _ count: Int) -> Int? {
            guard offset >= 0, offset + count <= bytes.count else { return nil }
            return (0..<count).reduce(0) {
                $0 << 8 | Int(bytes[offset + (isLittleEndian ? count - 1 - $1 : $1)])
            }
        }
        guard let directory = number(4, 4), let entries = number(directory, 2) else { return }
        for entry in 0..<entries {
            let offset = directory + 2 + 12 * entry
            guard let tag = number(offset, 2) else { return }
            if tag == 0x0112, let value = number(offset + 8, 2) {
                self = Orientation(rawValue: UInt16(value)) ?? .upright
                return
            }
        }
    }
}
