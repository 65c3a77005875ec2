/// The transfer sets of a run: compared, then each with its funnel, pictures, balance and leakage certificate.
struct TransferSection {
    private let contents: RunContents
    private let sink: any ThumbnailSink

    init(_ contents: RunContents, _ sink: any ThumbnailSink) {
        self.contents = contents
        self.sink = sink
    }

    var section: Page.Section {
        let sets = contents.transferSets
        guard let principal = contents.principalTransferSet else {
            return Page.Section(id: "transfer", title: "Transfer set", lead: nil, content: .empty)
        }
        let others = sets.filter { $0.node != principal.node }
        return Page.Section(
            id: "transfer", title: sets.count > 1 ? "Transfer sets" : "Transfer set",
            lead:
                "The unlabelled images that the student learned from. ‘retort inspect \(principal.node)’ shows all "
                + "of them.",
            content: .group([
                sets.count > 1 ? comparison : .empty, detail(principal.node, principal.files, excerpt: 12),
                .group(
                    others.map { other in
                        Block.folded("Transfer set ‘\(other.node)’") {
                            detail(other.node, other.files, excerpt: 12)
                        }
                    }),
            ]))
    }

    private var comparison: Markup {
        Block.card("Side by side") {
            Block.table(
                [
                    "transfer set", "images", "queries", "classes", "mean similarity", "effective queries",
                    "Gini", "leaks left",
                ],
                numeric: [1, 2, 3, 4, 5, 6, 7],
                rows: contents.transferSets.map { node, set in
                    let similarities = set.rows.compactMap(\.similarity)
                    let mean = similarities.reduce(0, +) / Double(max(similarities.count, 1))
                    return [
                        HTML.strong { node }, .text(Format.count(set.rows.count)),
                        .text(Format.count(set.queryCount)),
                        .text("\(set.retrievedClasses.count)"),
                        .text(similarities.isEmpty ? "–" : Format.fixed(mean, 3)),
                        .text(set.balance.perQuery.map { Format.fixed($0.effective, 0) } ?? "–"),
                        .text(set.balance.perQuery.map { Format.fixed($0.gini, 3) } ?? "–"),
                        .text(
                            !set.isChecked
                                ? "unchecked"
                                : "\(set.leakCount)"),
                    ]
                })
        }
    }

    private func detail(_ node: String, _ set: TransferSetFiles, excerpt: Int) -> Markup {
        let similarity = SimilarityView(set: set).markup
        let funnel = FunnelView(set: set, sink: sink, sampleSize: 12).markup
        return .group([
            funnel.isEmpty ? .empty : Block.card("From pool to ‘\(node)’") { funnel },
            pictures(set, excerpt),
            similarity.isEmpty ? .empty : Block.card("Similarity") { similarity },
            BalanceView(set: set).markup,
            Block.card("Leakage certificate") { LeakageView(set: set, sink: sink, sampleSize: 6).markup },
        ])
    }

    private func pictures(_ set: TransferSetFiles, _ count: Int) -> Markup {
        let ranked = set.rows.filter { $0.similarity != nil }.sorted { left, right in
            ((right.similarity ?? 0), left.id) < ((left.similarity ?? 0), right.id)
        }
        let queries = set.queries.spreadOverClasses(excerptQueries)
        let sources = set.querySources
        return Block.card("What is in it") {
            if !ranked.isEmpty {
                Block.note("Most similar to their query")
                Block.strip(ranked.prefix(count).map { thumbnail($0, sources) }, kind: "even")
                HTML.p(.class("note gap-above")) { "Least similar" }
                Block.strip(ranked.suffix(count).reversed().map { thumbnail($0, sources) }, kind: "even")
            }
            HTML.p(.class("note gap-above")) { "At random" }
            Block.strip(Sampling.scattered(set.rows, count * 2).map { thumbnail($0, sources) }, kind: "even")
            if !queries.isEmpty {
                Block.folded("Queries and their neighbours across the cut line", isOpen: true) {
                    for query in queries { NeighbourView(query: query, sink: sink, missedLimit: 5).markup }
                }
            }
        }
    }

    private let excerptQueries = 6

    private func thumbnail(_ row: TransferRow, _ sources: [String: String]) -> Markup {
        Block.thumbnail(
            row.image, in: sink,
            caption: [row.similarity.map { Format.fixed($0, 3) }, row.queryClass].compactMap { $0 }.joined(
                separator: " "),
            hover: [row.source, row.query.map { "found for \(sources[$0] ?? $0)" }, row.reason].compactMap {
                $0
            }.joined(
                separator: "\n"))
    }
}
