import Foundation

/// The static page of a transfer set.
struct InspectorPage {
    let set: TransferSetFiles
    let sink: any ThumbnailSink
    let options: TransferSetInspector.Options

    var page: Page {
        let leakage = LeakageView(set: set, sink: sink, sampleSize: options.pairLimit)
        return Page(
            title: set.name, kind: "Transfer set",
            facts: [
                HTML.span { Format.plural(set.rows.count, "image") },
                HTML.span { Format.plural(set.queryCount, "query", "queries") },
                HTML.span { Format.plural(set.retrievedClasses.count, "class", "classes") },
                HTML.code { String((set.record?.digest ?? "").prefix(16)) },
            ],
            sections: [
                Page.Section(id: "overview", title: "Overview", content: overview),
                Page.Section(
                    id: "funnel", title: "Funnel",
                    lead: "What each step of curation kept and dropped, and why.",
                    content: set.funnel.isEmpty
                        ? .empty
                        : Block.card("From pool to transfer set") {
                            FunnelView(set: set, sink: sink, sampleSize: options.droppedLimit).markup
                        }),
                Page.Section(
                    id: "images", title: "Contact sheet",
                    lead:
                        "Look at the least similar first: mistakes gather there. Click an image for its sample card.",
                    content: ContactSheet(set: set, sink: sink, limit: options.imageLimit).markup),
                Page.Section(
                    id: "queries", title: "Queries",
                    lead:
                        "Each query with its neighbours in order of rank. Faded images were not chosen.",
                    content: queries),
                Page.Section(
                    id: "similarity", title: "Similarity",
                    lead: "A useful transfer set lies to the right of a random one.",
                    content: similarity),
                Page.Section(
                    id: "balance", title: "Balance", lead: nil,
                    content: BalanceView(set: set).markup),
                Page.Section(
                    id: "leakage", title: "Leakage", lead: nil,
                    content: Block.card("Certificate") { leakage.markup }),
            ],
            script: Script.inspector,
            footnote:
                "Written by Retort. The pictures lie in ‘thumbs’ beside this file; nothing is fetched from any network."
        )
    }

    private var overview: Markup {
        let similarities = set.rows.compactMap(\.similarity).sorted()
        return Block.tiles {
            Block.tile(
                Format.count(set.rows.count), "images",
                note: set.funnel.first.map { "of \(Format.count($0.kept)) in the pool" }, kind: "accent")
            Block.tile(Format.count(set.queryCount), "queries with images")
            if !similarities.isEmpty {
                Block.tile(
                    Format.fixed(similarities[similarities.count / 2], 3), "median similarity",
                    note: "from \(Format.fixed(similarities[0], 3)) to "
                        + Format.fixed(similarities[similarities.count - 1], 3))
            }
            if let balance = set.balance.perQuery {
                Block.tile(
                    Format.fixed(balance.effective, 0), "effective queries",
                    note: "Gini \(Format.fixed(balance.gini, 3))")
            }
            if let found = set.leakage?.foundInWords, set.isChecked {
                Block.tile(
                    Format.count(set.leakCount), "leaks in the set",
                    note: "\(found) in the pool",
                    kind: set.leakCount == 0 ? "good" : "bad")
            }
        }
    }

    private var queries: Markup {
        let shown = set.queries.spreadOverClasses(options.queryLimit)
        guard !shown.isEmpty else { return .empty }
        let classes = Set(shown.compactMap(\.className)).sorted()
        return .group([
            HTML.div(.class("controls")) {
                HTML.label {
                    "class"
                    HTML.select(.id("cuts")) {
                        HTML.option(.value("")) { "all" }
                        for name in classes { HTML.option(.value(name)) { name } }
                    }
                }
                if shown.count < set.queries.count {
                    HTML.span { "\(shown.count) of \(Format.count(set.queries.count)) queries" }
                }
            },
            HTML.div(.class("card")) {
                for query in shown {
                    NeighbourView(query: query, sink: sink, missedLimit: options.missedLimit).markup
                }
            },
        ])
    }

    private var similarity: Markup {
        let view = SimilarityView(set: set).markup
        return view.isEmpty ? .empty : Block.card("To the nearest query") { view }
    }
}
