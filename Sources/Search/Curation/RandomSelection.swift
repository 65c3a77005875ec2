/// A uniform sample that ignores similarity.
///
/// Every image draws a number from its content id and the seed, and the lowest numbers win. The sample therefore
/// does not depend on the order of the pool, and a larger sample contains the smaller one. A selection's rank is
/// the image's place in the draw; its query is the nearest one.
public struct RandomSelection: CurationStrategy {
    /// The word for it in a pipeline file.
    public static let name = "random"

    /// The seed of the draw.
    public var seed: UInt64

    /// Creates the strategy.
    public init(seed: UInt64 = 0) { self.seed = seed }

    /// Chooses `count` different eligible images.
    public func select(_ count: Int, from pool: CandidatePool) throws -> StrategyResult {
        try pool.checkBudget(count)
        let nearest = try pool.nearest()
        // With parts of images, more have to be drawn than are wanted, and how many is not known before.
        var drawn = Self.draw(
            pool.crops == nil ? count : pool.eligibleCount,
            of: pool.galleryIDs.indices.lazy.filter { pool.eligible[$0] }, ids: pool.galleryIDs,
            seed: seed)
        if var parts = pool.crops?.firstParts() {
            drawn = Array(
                drawn.filter { parts.admits($0, nearest.isEmpty ? 0 : nearest[$0].row) }.prefix(count))
            guard drawn.count == count else { throw pool.shortage(count, drawn.count) }
        }
        return StrategyResult(
            drawn.enumerated().map { place, row in
                let query = nearest.isEmpty ? nil : nearest[row]
                return Selection(
                    galleryRow: row, queryRow: query?.row, rank: place + 1,
                    similarity: query?.similarity,
                    reason: "draw \(place + 1) of \(pool.eligibleCount)")
            })
    }

    /// The rows with the lowest numbers, in their order; memory is that of the sample.
    static func draw(_ count: Int, of rows: some Sequence<Int>, ids: PoolIDs, seed: UInt64) -> [Int] {
        guard count > 0 else { return [] }
        typealias Draw = (number: UInt64, place: Int, row: Int)
        func precedes(_ a: Draw, _ b: Draw) -> Bool { (a.number, a.place) < (b.number, b.place) }
        var drawn: [Draw] = []
        var limit = UInt64.max
        func cut() {
            drawn.sort(by: precedes)
            drawn.removeLast(max(0, drawn.count - count))
            if drawn.count == count { limit = drawn[count - 1].number }
        }
        for row in rows {
            let number = number(ids[row], seed: seed)
            guard number <= limit else { continue }
            drawn.append((number, ids.order[row], row))
            if drawn.count >= 2 * count + 1024 { cut() }
        }
        cut()
        return drawn.map(\.row)
    }

    /// FNV-1a over the id, then SplitMix64's finaliser, which spreads the seed over all bits.
    static func number(_ id: String, seed: UInt64) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in id.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash ^= seed &* 0x9e37_79b9_7f4a_7c15
        hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
        hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
        return hash ^ (hash >> 31)
    }
}
