/// What `auto` stands for.
///
/// Exact search (`Flat`, 4 bytes a value) is chosen whenever it fits the memory budget. Above that the rows are
/// partitioned into about 4·√n lists (a power of two with at least 39 training rows a list) and coded with the
/// finest code that fits: fp16, 8 bits a value, or product quantisation of 8 bits for every 8 values.
public struct IndexRule: Hashable, Sendable {
    /// The bytes that an index may take in memory.
    public var memoryBudget: Int

    /// Creates the rule with a budget, 2 GiB unless told.
    public init(memoryBudget: Int = 2 << 30) { self.memoryBudget = memoryBudget }

    /// The factory string to use: `factory` itself unless it is `auto`.
    public func factory(_ factory: String, count: Int, dimension: Int) -> String {
        guard factory == "auto" else { return factory }
        let values = count * dimension
        if values * 4 <= memoryBudget { return "Flat" }
        let lists = Self.lists(for: count)
        if values * 2 <= memoryBudget { return "IVF\(lists),SQfp16" }
        if values <= memoryBudget { return "IVF\(lists),SQ8" }
        let parts = max(1, dimension / 8)
        // `np`: without polysemous training, which takes seconds a part and serves no search made here.
        return dimension.isMultiple(of: parts) ? "IVF\(lists),PQ\(parts)np" : "IVF\(lists),SQ4"
    }

    /// The number of lists to look into by default: a sixteenth of them.
    static func probes(for factory: String) -> Int? { lists(in: factory).map { max(1, $0 / 16) } }

    /// The number of lists that a factory string asks for.
    static func lists(in factory: String) -> Int? {
        let part = factory.split(separator: ",").first { $0.hasPrefix("IVF") }
        return part.flatMap { Int($0.dropFirst(3).prefix { $0.isNumber }) }
    }

    static func lists(for count: Int) -> Int {
        let wanted = min(4 * Double(count).squareRoot(), Double(count) / 39)
        var lists = 1
        while Double(lists * 2) <= wanted { lists *= 2 }
        return lists
    }
}
