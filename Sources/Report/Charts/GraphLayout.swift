/// Places the nodes of an acyclic graph in layers, so that edges run downwards and few of them cross.
///
/// Sugiyama's method, small: longest-path layers, a placeholder wherever an edge passes a layer, a few sweeps that
/// order each layer by the middle of its neighbours.
struct GraphLayout {
    struct Edge: Hashable {
        var from: Int
        var to: Int
    }

    /// The middle of each node and of each placeholder, in units of one column and one layer.
    private(set) var position: [(x: Double, layer: Int)]
    /// For every edge of the graph the nodes and placeholders it passes.
    private(set) var routes: [[Int]]
    private(set) var columnCount: Double = 1
    private(set) var layerCount: Int

    /// How wide a placeholder is, in columns.
    private static let placeholderWidth = 0.22

    /// Lays out `nodeCount` nodes; an edge must lead from a lower to a higher index.
    init(nodeCount: Int, edges: [Edge]) {
        var layer = [Int](repeating: 0, count: nodeCount)
        for edge in edges.sorted(by: { $0.to < $1.to }) {
            layer[edge.to] = max(layer[edge.to], layer[edge.from] + 1)
        }
        layerCount = (layer.max() ?? 0) + 1
        Self.pullDown(&layer, edges)

        var links: [Edge] = []
        routes = []
        for edge in edges {
            var route = [edge.from]
            for passed in (layer[edge.from] + 1)..<max(layer[edge.to], layer[edge.from] + 1) {
                layer.append(passed)
                route.append(layer.count - 1)
            }
            route.append(edge.to)
            links += zip(route, route.dropFirst()).map { Edge(from: $0, to: $1) }
            routes.append(route)
        }

        var order = (0..<layerCount).map { number in layer.indices.filter { layer[$0] == number } }
        let above = Dictionary(grouping: links, by: \.to).mapValues { $0.map(\.from) }
        let below = Dictionary(grouping: links, by: \.from).mapValues { $0.map(\.to) }
        for sweep in 0..<8 {
            let neighbours = sweep.isMultiple(of: 2) ? above : below
            let layers = sweep.isMultiple(of: 2) ? Array(0..<layerCount) : Array((0..<layerCount).reversed())
            for number in layers { Self.arrange(&order, number, neighbours) }
        }

        position = layer.map { (0, $0) }
        place(order, nodeCount: nodeCount, above: above, below: below)
    }

    /// Moves a node down to just above its first reader where that shortens more edges than it lengthens.
    private static func pullDown(_ layer: inout [Int], _ edges: [Edge]) {
        let below = Dictionary(grouping: edges, by: \.from)
        let above = Dictionary(grouping: edges, by: \.to)
        for node in layer.indices.reversed() where (below[node]?.count ?? 0) > (above[node]?.count ?? 0) {
            if let nearest = below[node]?.map({ layer[$0.to] }).min() { layer[node] = nearest - 1 }
        }
    }

    private static func arrange(_ order: inout [[Int]], _ number: Int, _ neighbours: [Int: [Int]]) {
        var place: [Int: Double] = [:]
        for layer in order {
            for (index, node) in layer.enumerated() {
                place[node] = (Double(index) + 0.5) / Double(layer.count)
            }
        }
        let middle = order[number].map { node -> (Int, Double) in
            let places = (neighbours[node] ?? []).compactMap { place[$0] }
            return (node, places.isEmpty ? place[node] ?? 0 : places.reduce(0, +) / Double(places.count))
        }
        order[number] = middle.enumerated().sorted { ($0.element.1, $0.offset) < ($1.element.1, $1.offset) }
            .map(\.element.0)
    }

    private mutating func place(_ order: [[Int]], nodeCount: Int, above: [Int: [Int]], below: [Int: [Int]]) {
        let width = { (node: Int) in node < nodeCount ? 1.0 : Self.placeholderWidth }
        columnCount = order.map { $0.reduce(0) { $0 + width($1) } }.max() ?? 1
        for layer in order {
            var x = (columnCount - layer.reduce(0) { $0 + width($1) }) / 2
            for node in layer {
                position[node].x = x + width(node) / 2
                x += width(node)
            }
        }
        // Draw each node towards its neighbours as far as its own neighbours in the layer let it; a line through
        // placeholders pulls hardest, because that is what makes it straight.
        for _ in 0..<40 {
            for layer in order {
                for (index, node) in layer.enumerated() {
                    let linked = (above[node] ?? []) + (below[node] ?? [])
                    guard !linked.isEmpty else { continue }
                    let weights = linked.map {
                        $0 >= nodeCount && node >= nodeCount ? 6.0 : $0 >= nodeCount ? 0.3 : 1
                    }
                    let wish =
                        zip(linked, weights).reduce(0) { $0 + position[$1.0].x * $1.1 } / weights.reduce(0, +)
                    let low =
                        index == 0
                        ? width(node) / 2
                        : position[layer[index - 1]].x + (width(layer[index - 1]) + width(node)) / 2
                    let high =
                        index == layer.count - 1
                        ? columnCount - width(node) / 2
                        : position[layer[index + 1]].x - (width(layer[index + 1]) + width(node)) / 2
                    position[node].x = min(max(wish, low), max(low, high))
                }
            }
        }
    }
}
