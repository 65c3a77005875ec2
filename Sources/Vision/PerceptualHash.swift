/// Fingerprints that survive resizing and recompression; near duplicates differ in few bits.
///
/// The difference hash: part of an image is averaged down to 9 × 8 grey cells, and each of 64 bits says whether a cell
/// is brighter than its right neighbour. A fingerprint adds 64 bits for the neighbour below, and several windows.
public enum PerceptualHash {
    /// The parts of an image that are hashed: all of it, then the corners and the centre that a crop may have kept.
    public static let windows: [ImageWindow] =
        [.whole]
        + [(0.0, 0.0), (0.1, 0.0), (0.0, 0.1), (0.1, 0.1), (0.05, 0.05)].map {
            ImageWindow(left: $0.0, top: $0.1, side: 0.9)
        }

    /// How much brighter, in thousandths of luma, a cell must be: below that is noise, and flat areas have no bits.
    private static let margin = 1000.0

    /// The difference hash of an image; rows from the top, columns from the left, first bit the highest.
    public static func difference(of image: Image) -> UInt64 {
        across(LumaTable(image).means(columns: 9, rows: 8))
    }

    /// The difference hashes of an image's ``windows``, each across and down, then of the same windows mirrored.
    public static func fingerprint(of image: Image) -> [UInt64] {
        let table = LumaTable(image)
        let cells = windows.map { window in
            (table.means(columns: 9, rows: 8, in: window), table.means(columns: 8, rows: 9, in: window))
        }
        // A mirrored hash is not the hash with its bits turned around: equal cells have no bit either way.
        return cells.flatMap { [across($0), down($1)] }
            + cells.flatMap { [across(mirrored($0, columns: 9)), down(mirrored($1, columns: 8))] }
    }

    /// The number of bits in which two hashes differ.
    public static func distance(_ a: UInt64, _ b: UInt64) -> Int { (a ^ b).nonzeroBitCount }

    /// Whether each of 9 × 8 cells is brighter than its right neighbour.
    private static func across(_ cells: [Double]) -> UInt64 {
        bits { row, column in cells[row * 9 + column] > cells[row * 9 + column + 1] + margin }
    }

    /// Whether each of 8 × 9 cells is brighter than the one below.
    private static func down(_ cells: [Double]) -> UInt64 {
        bits { row, column in cells[row * 8 + column] > cells[(row + 1) * 8 + column] + margin }
    }

    private static func bits(_ isSet: (_ row: Int, _ column: Int) -> Bool) -> UInt64 {
        (0..<64).reduce(0) { hash, bit in hash << 1 | (isSet(bit / 8, bit % 8) ? 1 : 0) }
    }

    private static func mirrored(_ cells: [Double], columns: Int) -> [Double] {
        stride(from: 0, to: cells.count, by: columns).flatMap { cells[$0..<$0 + columns].reversed() }
    }
}
