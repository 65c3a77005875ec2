/// Part of an image, in shares of its sides.
public struct ImageWindow: Hashable, Sendable {
    /// Where the window begins, as a share of the width.
    public var left: Double
    /// Where the window begins, as a share of the height.
    public var top: Double
    /// The share of both sides that it takes.
    public var side: Double

    /// All of an image.
    public static let whole = ImageWindow(left: 0, top: 0, side: 1)

    /// Creates a window.
    public init(left: Double, top: Double, side: Double) {
        self.left = left
        self.top = top
        self.side = side
    }
}

/// The brightness of an image as a summed-area table, which gives the mean of any rectangle in a few steps.
///
/// An image of more than 128 pixels a side is averaged down first: what is asked of the table are coarse grids, and
/// the table of a large photograph would take more memory than the photograph.
public struct LumaTable: Sendable {
    private static let limit = 128
    private let columns: Int
    private let rows: Int
    /// `(rows + 1) × (columns + 1)` sums of luma in thousandths, over everything above and to the left; the largest
    /// possible, 128 · 128 · 255,000, just fits.
    private let sums: [UInt32]

    /// Sums up an image.
    public init(_ image: Image) {
        let columns = min(Self.limit, image.width)
        let rows = min(Self.limit, image.height)
        self.columns = columns
        self.rows = rows
        sums = image.pixels.withUnsafeBufferPointer { pixels in
            [UInt32](unsafeUninitializedCapacity: (rows + 1) * (columns + 1)) { sums, count in
                sums.update(repeating: 0)
                for row in 0..<rows {
                    let ys = row * image.height / rows..<(row + 1) * image.height / rows
                    var line = 0
                    for column in 0..<columns {
                        let xs = column * image.width / columns..<(column + 1) * image.width / columns
                        var sum = 0
                        for y in ys {
                            for x in xs {
                                let pixel = (y * image.width + x) * 3
                                sum += 299 * Int(pixels[pixel]) + 587 * Int(pixels[pixel + 1])
                                sum += 114 * Int(pixels[pixel + 2])
                            }
                        }
                        line += sum / (ys.count * xs.count)
                        let place = (row + 1) * (columns + 1) + column + 1
                        sums[place] = UInt32(line) + sums[place - columns - 1]
                    }
                }
                count = (rows + 1) * (columns + 1)
            }
        }
    }

    /// The mean luma, in thousandths, of each cell of a grid laid over a window; rows from the top.
    ///
    /// Pixels that a cell covers in part count in part.
    public func means(columns cellColumns: Int, rows cellRows: Int, in window: ImageWindow = .whole)
        -> [Double]
    {
        func edges(_ cells: Int, _ start: Double, _ length: Int) -> [Double] {
            (0...cells).map {
                min(Double(length), max(0, start + window.side * Double($0) / Double(cells)) * Double(length))
            }
        }
        let xs = edges(cellColumns, window.left, columns)
        let ys = edges(cellRows, window.top, rows)
        return sums.withUnsafeBufferPointer { sums in
            /// The sum above and to the left of a point, which may lie within a pixel.
            func sum(_ x: Double, _ y: Double) -> Double {
                let (column, row) = (min(Int(x), columns - 1), min(Int(y), rows - 1))
                let (right, down) = (x - Double(column), y - Double(row))
                let place = row * (columns + 1) + column
                let above = Double(sums[place]) * (1 - right) + Double(sums[place + 1]) * right
                let below =
                    Double(sums[place + columns + 1]) * (1 - right)
                    + Double(sums[place + columns + 2]) * right
                return above * (1 - down) + below * down
            }
            let corners = ys.flatMap { y in xs.map { sum($0, y) } }
            var means: [Double] = []
            means.reserveCapacity(cellColumns * cellRows)
            for row in 0..<cellRows {
                for column in 0..<cellColumns {
                    let place = row * (cellColumns + 1) + column
                    let total =
                        corners[place] + corners[place + cellColumns + 2]
                        - corners[place + 1] - corners[place + cellColumns + 1]
                    means.append(total / ((xs[column + 1] - xs[column]) * (ys[row + 1] - ys[row])))
                }
            }
            return means
        }
    }
}
