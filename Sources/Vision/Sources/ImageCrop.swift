/// A rectangle of an image, in pixels of the upright, unreduced image, that is taken for an image of its own.
///
/// It is written behind the name of the image, as media fragments are (W3C, *Media Fragments URI 1.0*, section 4.2.2):
/// `shapes/7.jpg#xywh=8,0,16,16`. Whoever opens a member of that name sees those pixels alone.
public struct ImageCrop: Hashable, Sendable {
    /// The first column.
    public var x: Int
    /// The first row.
    public var y: Int
    /// The number of columns.
    public var width: Int
    /// The number of rows.
    public var height: Int

    /// Creates a rectangle.
    public init(x: Int, y: Int, width: Int, height: Int) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }

    /// What stands between the name of an image and the numbers of a rectangle.
    public static let mark = "#xywh="
    private static let digits: ClosedRange<UInt8> = 0x30...0x39

    /// `#xywh=8,0,16,16`.
    public var suffix: String { "\(Self.mark)\(x),\(y),\(width),\(height)" }

    /// The image and the rectangle that a name means; nil for a name without a rectangle.
    public static func split(_ name: String) -> (image: String, crop: ImageCrop)? {
        // Most names have none, and are looked at once.
        guard name.utf8.last.map({ Self.digits.contains($0) }) == true,
            let mark = name.ranges(of: Self.mark).last
        else { return nil }
        let words = name[mark.upperBound...].split(separator: ",", omittingEmptySubsequences: false)
        let numbers = words.compactMap { word in
            word.utf8.allSatisfy(Self.digits.contains) ? Int(word) : nil
        }
        guard words.count == 4, numbers.count == 4, numbers[2] > 0, numbers[3] > 0 else { return nil }
        return (
            String(name[..<mark.lowerBound]),
            ImageCrop(x: numbers[0], y: numbers[1], width: numbers[2], height: numbers[3])
        )
    }

    /// The squares of an image, scale by scale, from left to right and from top to bottom.
    ///
    /// A scale is the side of its squares as a share of the image's shorter side. Along each axis they begin at the one
    /// end, end at the other, and are as few as overlap by half of their side or more. A square that is the whole image,
    /// or smaller than `smallest` pixels, is left out, and one that two scales would give comes once.
    public static func grid(width: Int, height: Int, scales: [Double], smallest: Int = 8) -> [ImageCrop] {
        var crops: [ImageCrop] = []
        for scale in scales {
            let side = Int((scale * Double(min(width, height))).rounded())
            guard side >= smallest, side <= min(width, height), side < max(width, height) else { continue }
            for y in places(of: side, along: height) {
                for x in places(of: side, along: width) {
                    let crop = ImageCrop(x: x, y: y, width: side, height: side)
                    if !crops.contains(crop) { crops.append(crop) }
                }
            }
        }
        return crops
    }

    private static func places(of side: Int, along length: Int) -> [Int] {
        let rest = length - side
        let step = max(1, side / 2)
        let steps = (rest + step - 1) / step
        return steps == 0 ? [0] : (0...steps).map { $0 * rest / steps }
    }
}

extension Image {
    /// The pixels of a rectangle.
    ///
    /// - Throws: an `ImageError` where the image does not reach as far: its file is another one than was scanned.
    public func cropped(to crop: ImageCrop) throws(ImageError) -> Image {
        guard crop.width > 0, crop.height > 0, crop.width <= width, crop.height <= height,
            (0...width - crop.width).contains(crop.x), (0...height - crop.height).contains(crop.y)
        else {
            throw .changed(reason: "\(width)x\(height), which does not reach as far as \(crop.suffix)")
        }
        var part: [UInt8] = []
        part.reserveCapacity(crop.width * crop.height * 3)
        for row in crop.y..<crop.y + crop.height {
            let start = (row * width + crop.x) * 3
            part += pixels[start..<start + crop.width * 3]
        }
        return Image(width: crop.width, height: crop.height, pixels: part)
    }
}
