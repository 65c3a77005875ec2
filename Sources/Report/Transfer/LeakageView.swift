/// The leakage certificate: what was found between the pool and the evaluated images, and whether any of it is left.
struct LeakageView {
    let set: TransferSetFiles
    let sink: any ThumbnailSink
    /// How many pairs are shown.
    let sampleSize: Int

    var markup: Markup {
        guard let leakage = set.leakage, set.isChecked else {
            return Block.note("No check against evaluated images is recorded: `exclude:` was not set.")
        }
        let pairs = leakage.pairs ?? []
        return .group([
            HTML.p {
                set.leakCount == 0
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
        let threshold = leakage.threshold.map { " (cosine of \(Format.short($0)) or more)" } ?? ""
        let against = set.comparedWith.map { $0.joined(separator: " and ") } ?? "the evaluated images"
        let left =
            set.leakCount == 0
            ? "None of the \(Format.count(set.rows.count)) transfer images is one of them."
            : "\(Format.count(set.leakCount)) of them are in the transfer set."
        return "Compared with \(against), the pool held \(leakage.found) duplicates\(threshold). \(left)"
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
