/// The leakage certificate: what was found between the pool and the evaluated images, and whether any of it is left.
struct LeakageView {
    let set: TransferSetFiles
    let sink: any ThumbnailSink
    /// How many pairs are shown.
    let sampleSize: Int

    var markup: Markup {
        guard let leakage = set.leakage else {
            return Block.note("No check against evaluated images is recorded: `exclude:` was not set.")
        }
        let pairs = leakage.pairs ?? []
        return .group([
            HTML.p {
                set.leaks.isEmpty
                    ? Block.badge("certified", "certified") : Block.badge("leaks remain", "failed")
                " \(sentence(leakage))"
            },
            pairs.isEmpty
                ? .empty
                : HTML.div(.class("pairs")) {
                    Markup.group((set.leaks + pairs).prefix(sampleSize).map(pair))
                },
            pairs.count > sampleSize
                ? Block.note("\(sampleSize) of \(Format.count(pairs.count)) pairs.") : .empty,
        ])
    }

    private func sentence(_ leakage: Leakage) -> String {
        let threshold = leakage.threshold.map { " (similarity at least \(Format.short($0)))" } ?? ""
        let found =
            "The pool held \(Format.plural(leakage.exact, "exact duplicate")) and "
            + "\(Format.plural(leakage.near, "near duplicate"))\(threshold) of evaluated images. "
        return found
            + (set.leaks.isEmpty
                ? "None of the \(Format.count(set.rows.count)) transfer images is among them."
                : "\(Format.count(set.leaks.count)) of them are in the transfer set.")
    }

    private func pair(_ pair: Leakage.Pair) -> Markup {
        HTML.div(.class("pair")) {
            Block.thumbnail(
                ImageReference(id: pair.id, source: pair.source), in: sink, caption: "pool",
                hover: pair.source)
            Block.thumbnail(
                ImageReference(id: pair.other, source: pair.other), in: sink,
                caption: pair.split ?? "evaluated",
                hover: pair.other)
            HTML.div(.class("text")) {
                HTML.strong { pair.similarity.map { Format.fixed($0, 3) } ?? "same bytes" }
                HTML.div { pair.source }
                HTML.div { pair.other }
            }
        }
    }
}
