/// How similar the chosen images are to their queries, beside what else could have been chosen.
struct SimilarityView {
    let set: TransferSetFiles

    var markup: Markup {
        guard let counts = set.similarity, counts.edges.count > 1 else { return .empty }
        let all: [(String, Int, [Double]?, Bool)] = [
            ("selected", 0, counts.selected, true), ("random pool", 6, counts.randomPool, false),
            ("candidates", 2, counts.candidates, false), ("test", 1, counts.test, false),
        ]
        return Histogram(
            title: "Similarity to the nearest query", xTitle: "cosine similarity to the nearest query",
            edges: counts.edges,
            series: all.compactMap { name, color, counts, isFilled in
                counts.map { Histogram.Series(name: name, color: color, counts: $0, isFilled: isFilled) }
            }, width: 1020
        ).markup
    }
}

/// How evenly a transfer set is spread over queries and classes.
struct BalanceView {
    let set: TransferSetFiles

    /// More classes than this are shown by their largest and smallest only.
    private static let limit = 48

    var markup: Markup {
        Block.columns {
            Block.card("Images per query") {
                Block.tiles { Markup.group(tiles) }
                perQuery
            }
            Block.card("Images per class", note: classNote) { perClass }
        }
    }

    private var tiles: [Markup] {
        guard let balance = set.balance.perQuery else { return [] }
        return [
            Block.tile(Format.count(set.queryCount), "queries with images"),
            Block.tile(
                Format.fixed(balance.mean, balance.mean == balance.mean.rounded() ? 0 : 2),
                "images per query",
                note: "from \(Format.short(balance.min)) to \(Format.short(balance.max))"),
            Block.tile(Format.fixed(balance.gini, 3), "Gini", note: "0 is perfectly even"),
            Block.tile(Format.fixed(balance.effective, 0), "effective queries"),
        ]
    }

    private var perQuery: Markup {
        let perQuery = Dictionary(set.rows.compactMap(\.query).map { ($0, 1) }, uniquingKeysWith: +)
        let shares = Dictionary(perQuery.values.map { ($0, 1) }, uniquingKeysWith: +).sorted {
            $0.key < $1.key
        }
        guard let only = shares.first else { return Block.note("No image was chosen for a query.") }
        guard shares.count > 1 else {
            return Block.note(
                "Each of \(Format.plural(only.value, "query", "queries")) has exactly \(only.key).")
        }
        return BarChart(
            title: "Images per query",
            bars: Sampling.spread(shares, 24).map {
                BarChart.Bar(
                    name: Format.plural($0.key, "image"), value: Double($0.value), note: "queries", color: 2)
            }, format: { Format.short($0) }, labelWidth: 84
        ).markup
    }

    private var counts: [(name: String, count: Int)] {
        let perClass = set.balance.perClass ?? [:]
        let known = set.classes.filter { perClass[$0] != nil }
        return (known + Set(perClass.keys).subtracting(known).sorted()).map { ($0, perClass[$0] ?? 0) }
    }

    private var classNote: String? {
        guard counts.count > Self.limit else { return nil }
        return "The \(Self.limit / 2) largest and smallest of \(counts.count) classes."
    }

    private var perClass: Markup {
        var counts = counts.sorted { ($1.count, $0.name) < ($0.count, $1.name) }
        guard !counts.isEmpty else { return Block.note("The queries have no classes.") }
        if counts.count > Self.limit {
            counts = counts.prefix(Self.limit / 2) + counts.suffix(Self.limit / 2)
        }
        return BarChart(
            title: "Images per class",
            bars: counts.map { BarChart.Bar(name: $0.name, value: Double($0.count), note: "images") },
            format: { Format.short($0) }
        ).markup
    }
}
