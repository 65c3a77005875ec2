internal import Foundation

/// The answers to a dense task for the pixels of an image, row by row from the top.
///
/// A map may be coarser or finer than its image; it always covers the whole of it.
public struct DenseMap: Sendable {
    /// The question.
    public let task: DenseTask
    /// The number of columns.
    public let width: Int
    /// The number of rows.
    public let height: Int
    /// The answers, `values[(y * width + x) * channelCount + channel]`; not a number where nothing is known.
    ///
    /// Classes are whole numbers, and normals have length one.
    public let values: [Float]

    /// Creates a map from `width * height` answers.
    public init(_ task: DenseTask, width: Int, height: Int, values: [Float]) {
        precondition(
            values.count == width * height * task.channelCount,
            "Retort bug: \(values.count) numbers for \(width)x\(height) answers about \(task)")
        self.task = task
        self.width = width
        self.height = height
        self.values = values
    }

    /// The classes of a mask.
    public init(_ mask: Mask) {
        self.init(
            .segmentation, width: mask.width, height: mask.height,
            values: mask.pixels.map { $0 == Mask.unnamed ? .nan : Float($0) })
    }

    /// The classes as a mask.
    public var mask: Mask {
        precondition(task == .segmentation, "Retort bug: a mask of \(task)")
        return Mask(
            width: width, height: height, pixels: values.map { $0.isNaN ? Mask.unnamed : UInt8($0) })
    }

    /// The share of pixels about which something is known.
    public var knownShare: Double {
        let known = stride(from: 0, to: values.count, by: task.channelCount).count { !values[$0].isNaN }
        return Double(known) / Double(max(1, width * height))
    }

    /// The bytes that it takes in memory.
    var byteCount: Int { values.count * MemoryLayout<Float>.stride }

    /// Shows what `render` shows of the image whose map this is, as `[channelCount, side, side]` numbers.
    ///
    /// Nothing is mixed: each pixel is the nearest one, so that edges stay edges. A depth is what it was, however
    /// large the crop is shown; a normal of a mirrored view points to the other side.
    ///
    /// - Parameters:
    ///   - width: the image's columns, in whose pixels the view is given.
    ///   - height: the image's rows.
    func render(
        _ view: ViewParameters, width: Int, height: Int, side: Int,
        into output: UnsafeMutableBufferPointer<Float>
    ) throws {
        let places = try NearestPlaces(
            of: view, width: width, height: height, side: side, in: (self.width, self.height))
        let channels = task.channelCount
        let area = side * side
        for (row, y) in places.rows.enumerated() {
            for (column, x) in places.columns.enumerated() {
                let from = (y * self.width + x) * channels
                let to = row * side + column
                for channel in 0..<channels { output[channel * area + to] = values[from + channel] }
                if task == .normals, view.flip { output[to].negate() }
            }
        }
    }

    /// One view of the map in a square, of an image with so many pixels.
    public func rendered(_ view: ViewParameters, width: Int, height: Int, side: Int) throws -> DenseMap {
        let channels = task.channelCount
        var planes = [Float](repeating: .nan, count: channels * side * side)
        try planes.withUnsafeMutableBufferPointer {
            try render(view, width: width, height: height, side: side, into: $0)
        }
        let values = (0..<planes.count).map { planes[$0 % channels * side * side + $0 / channels] }
        return DenseMap(task, width: side, height: side, values: values)
    }
}

extension ContentID {
    /// The identity of a map: that of its numbers.
    public static func of(_ map: DenseMap) -> String {
        of(map.values.withUnsafeBytes { Data($0) })
    }
}

/// The pixels of a map that a view shows: for each column and row of the view the nearest one.
///
/// As for images: a centre is cut out of the resized crop, and without one the crop is stretched.
struct NearestPlaces {
    let columns, rows: [Int]

    /// Finds the places in a map of another size than the `width` × `height` pixels that the view counts in.
    init(
        of view: ViewParameters, width: Int, height: Int, side: Int, in map: (width: Int, height: Int)
    ) throws {
        guard let crop = view.crop(width: width, height: height, reduction: 1) else {
            throw ImageError.changed(reason: "the view is not within \(width)x\(height) pixels")
        }
        let short = max(side, view.resizedShortSide(for: side))
        func places(
            _ start: Int, _ length: Int, _ other: Int, of whole: Int, in map: Int, isMirrored: Bool
        ) -> [Int] {
            let resized =
                view.centre == nil
                ? side : length <= other ? short : Int(Double(short * length) / Double(other))
            let first = Int((Double(resized - side) / 2).rounded(.toNearestOrEven))
            return (first..<first + side).map { place in
                let place = isMirrored ? resized - 1 - place : place
                // The middle of the view's pixel, in half pixels of the resized crop; no rounding before the last.
                let middle = min((2 * place + 1) * length, 2 * resized * length - 1) + 2 * resized * start
                return min(map - 1, middle * map / (2 * resized * whole))
            }
        }
        columns = places(
            crop.left, crop.width, crop.height, of: width, in: map.width, isMirrored: view.flip)
        rows = places(crop.top, crop.height, crop.width, of: height, in: map.height, isMirrored: false)
    }
}
