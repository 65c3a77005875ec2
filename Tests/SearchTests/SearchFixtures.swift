import Foundation
import Search

/// A file of Tests/Fixtures/search, made by Scripts/fixtures/search.py.
func fixture(_ name: String) -> URL {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/search/\(name)")
}

/// A folder that goes away with the test.
final class TemporaryFolder {
    let url = FileManager.default.temporaryDirectory.appending(path: "retort-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func file(_ name: String) -> URL { url.appending(path: name) }
}

/// SplitMix64: small, and the same everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// Random unit vectors; about a tenth of the rows repeat an earlier one, so that similarities tie.
func randomVectors(
    _ count: Int, dimension: Int = 8, repeats: Bool = true, using generator: inout SeededGenerator
) -> VectorTable {
    var rows: [[Float]] = []
    for row in 0..<count {
        if repeats, row > 0, Int.random(in: 0..<10, using: &generator) == 0 {
            rows.append(rows[Int.random(in: 0..<row, using: &generator)])
        } else {
            rows.append(unitVector((0..<dimension).map { _ in Float.random(in: -1...1, using: &generator) }))
        }
    }
    return VectorTable(rows.flatMap { $0 }, dimension: dimension)
}

func unitVector(_ values: [Float]) -> [Float] {
    let length = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    return values.map { Float(Double($0) / length) }
}

/// A vector whose cosine with the unit vector `row` is `cosine`.
func vector(at cosine: Double, from row: ArraySlice<Float>, using generator: inout SeededGenerator) -> [Float]
{
    let base = row.map(Double.init)
    var other = base.map { _ in Double.random(in: -1...1, using: &generator) }
    let along = zip(base, other).reduce(0) { $0 + $1.0 * $1.1 }
    other = zip(base, other).map { $1 - along * $0 }
    let length = other.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let sine = (1 - cosine * cosine).squareRoot()
    return zip(base, other).map { Float(cosine * $0 + sine * $1 / length) }
}

/// Ids in random order, all different.
func randomIDs(_ count: Int, using generator: inout SeededGenerator) -> [String] {
    (0..<count).map { "id\(1000 + $0)" }.shuffled(using: &generator)
}

/// The similarity of every pair, by the plainest code.
func similarities(_ a: VectorTable, _ b: VectorTable) -> [[Float]] {
    func unit(_ row: ArraySlice<Float>) -> [Float] { unitVector(Array(row)) }
    return (0..<a.count).map { i in
        (0..<b.count).map { j in
            let sum = zip(unit(a[i]), unit(b[j])).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            return Float(min(1, max(-1, sum)))
        }
    }
}

/// A source that refuses to be read in large pieces, as a gallery on disk would be.
struct CountingSource: VectorSource {
    let base: VectorTable
    let limit: Int

    var count: Int { base.count }
    var dimension: Int { base.dimension }
    var name: String { "a counting source" }

    func read(_ rows: Range<Int>, into buffer: UnsafeMutableBufferPointer<Float>) throws {
        guard rows.count <= limit else { throw CocoaError(.fileReadTooLarge) }
        base.read(rows, into: buffer)
    }
}
