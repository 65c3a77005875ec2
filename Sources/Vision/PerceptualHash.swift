/// A 64-bit fingerprint that survives resizing and recompression; near duplicates differ in few bits.
///
/// The difference hash: the image is averaged down to 9 × 8 grey cells, and each bit says whether a cell is brighter
/// than its right neighbour.
public enum PerceptualHash {
    /// The difference hash of an image; rows from the top, columns from the left, first bit the highest.
    public static func difference(of image: Image) -> UInt64 {
        let cells = averages(of: image, columns: 9, rows: 8)
        var hash: UInt64 = 0
        for row in 0..<8 {
            for column in 0..<8 {
                hash = hash << 1 | (cells[row * 9 + column] > cells[row * 9 + column + 1] ? 1 : 0)
            }
        }
        return hash
    }

    /// The number of bits in which two hashes differ.
    public static func distance(_ a: UInt64, _ b: UInt64) -> Int { (a ^ b).nonzeroBitCount }

    /// Mean luma of each cell in 1/1000; a cell that covers less than a pixel takes the pixel it lies in.
    private static func averages(of image: Image, columns: Int, rows: Int) -> [Int] {
        func bounds(_ cell: Int, _ cells: Int, _ length: Int) -> Range<Int> {
            let first = cell * length / cells
            return first..<max(first + 1, (cell + 1) * length / cells)
        }
        var cells: [Int] = []
        image.pixels.withUnsafeBufferPointer { pixels in
            for row in 0..<rows {
                let ys = bounds(row, rows, image.height)
                for column in 0..<columns {
                    let xs = bounds(column, columns, image.width)
                    var sum = 0
                    for y in ys {
                        for x in xs {
                            let pixel = (y * image.width + x) * 3
                            sum += 299 * Int(pixels[pixel]) + 587 * Int(pixels[pixel + 1])
                            sum += 114 * Int(pixels[pixel + 2])
                        }
                    }
                    cells.append(sum / (ys.count * xs.count))
                }
            }
        }
        return cells
    }
}
