internal import Engine

/// The figures of an evaluation, which can be taken together with those of the same evaluation at other seeds.
///
/// An evaluation that is in the matrix measures one seed of every arm at each of its points; only together do they
/// have intervals.
public protocol PooledFigures {
    /// Joins evaluations of the same arms on the same images; there must be one at least.
    init(pooling parts: [Self])
}

extension PooledFigures {
    /// The evaluations of nodes that differ in their seed only, together; in the order of the first of each.
    public static func pooled(
        _ evaluations: [(node: String, figures: Self)]
    ) -> [(node: String, figures: Self)] {
        var families: [(name: String, parts: [(node: String, figures: Self)])] = []
        for evaluation in evaluations {
            let name = Graph.Node.family(of: evaluation.node)
            if let index = families.firstIndex(where: { $0.name == name }) {
                families[index].parts.append(evaluation)
            } else {
                families.append((name, [evaluation]))
            }
        }
        return families.map { family in
            family.parts.count == 1
                ? family.parts[0] : (family.name, Self(pooling: family.parts.map(\.figures)))
        }
    }
}
