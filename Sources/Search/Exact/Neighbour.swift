/// A row and how similar it is to what was asked for.
public struct Neighbour: Hashable, Sendable {
    /// The row in the gallery that was searched.
    public var row: Int
    /// The inner product of the two unit vectors.
    public var similarity: Float

    /// Creates a neighbour.
    public init(row: Int, similarity: Float) {
        self.row = row
        self.similarity = similarity
    }
}

/// A total order over rows that decides between equal similarities.
///
/// Made from content ids, it makes every result independent of the order in which rows are stored.
public struct TieOrder: Hashable, Sendable {
    private let positions: [Int32]?

    /// Rows in the order in which they are stored.
    public static let byRow = TieOrder(positions: nil)

    /// Rows by their id; equal ids by row.
    public init(ids: [String]) {
        let sorted = ids.indices.sorted { ids[$0] == ids[$1] ? $0 < $1 : ids[$0] < ids[$1] }
        var positions = [Int32](repeating: 0, count: ids.count)
        for (position, row) in sorted.enumerated() { positions[row] = Int32(position) }
        self.positions = positions
    }

    /// Rows in a given order.
    init(_ rows: [Int32]) {
        var positions = [Int32](repeating: 0, count: rows.count)
        for (position, row) in rows.enumerated() { positions[Int(row)] = Int32(position) }
        self.positions = positions
    }

    private init(positions: [Int32]?) { self.positions = positions }

    /// Adds this order to what tells it from others.
    func add(to hash: inout RowsHash) {
        hash.add(positions == nil ? 1 : 2)
        for position in positions ?? [] { hash.add(UInt64(position)) }
    }

    /// Calls `body` with the place of each row; nil where rows are in the order in which they are stored.
    func withPositions<Result>(_ body: (UnsafePointer<Int32>?) throws -> Result) rethrows -> Result {
        guard let positions else { return try body(nil) }
        return try positions.withUnsafeBufferPointer { try body($0.baseAddress) }
    }

    /// The place of a row in this order.
    public subscript(row: Int) -> Int { positions.map { Int($0[row]) } ?? row }

    /// Whether `a` comes before `b`: the more similar first, then in this order.
    public func precedes(_ a: Neighbour, _ b: Neighbour) -> Bool {
        a.similarity != b.similarity ? a.similarity > b.similarity : self[a.row] < self[b.row]
    }
}

/// The best so many neighbours among those offered, in a list that is cut back when it has doubled.
struct BestNeighbours {
    private let capacity: Int
    private let order: TieOrder
    private var kept: [Neighbour] = []
    /// Nothing below this similarity can enter any more.
    private(set) var threshold = -Float.infinity

    init(capacity: Int, order: TieOrder) {
        self.capacity = capacity
        self.order = order
    }

    mutating func offer(_ neighbour: Neighbour) {
        guard neighbour.similarity >= threshold else { return }
        kept.append(neighbour)
        if kept.count >= 2 * capacity { cut() }
    }

    /// Sorts what is kept, best first, and drops the rest.
    @discardableResult
    mutating func cut() -> [Neighbour] {
        kept.sort(by: order.precedes)
        if kept.count >= capacity {
            kept.removeLast(kept.count - capacity)
            threshold = kept.last?.similarity ?? threshold
        }
        return kept
    }
}
