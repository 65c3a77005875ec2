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
        let leaks = set.leaks
        let queued = leakage.queued ?? []
        let waiting = Set(queued.map(\.id))
        let pairs = leaks + queued + leakage.found.filter { !waiting.contains($0.id) }
        return .group([
            HTML.p {
                set.leakCount == 0
                    ? Block.badge("certified", "certified") : Block.badge("leaks remain", "failed")
                " \(sentence(leakage))"
            },
            queued.isEmpty
                ? .empty
                : HTML.p {
                    Block.badge("to review", "pending")
                    " \(Format.plural(queued.count, "image")) of the pool may be an evaluated one, by embedding alone. "
                    "They are kept out of the set until a mark decides: ‘accept’ lets one in, ‘leak’ settles it."
                },
            leakage.calibration.map { Block.note(calibration($0, leakage)) } ?? .empty,
            pairs.isEmpty
                ? .empty
                : HTML.div(.class("pairs")) { Markup.group(pairs.prefix(sampleSize).map(pair)) },
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
        return
            "Compared with \(against), the pool held \(leakage.foundInWords) duplicates\(threshold). \(left)"
    }

    private func calibration(_ calibration: Leakage.Calibration, _ leakage: Leakage) -> String {
        let share = Format.percent(calibration.quantile)
        let median = calibration.median.map { ", half below \(Format.fixed($0, 3))" } ?? ""
        return
            "The threshold is calibrated: \(share) of the \(Format.count(calibration.images)) evaluated images are "
            + "less similar than \(Format.short(leakage.threshold ?? 1)) to every other one\(median)."
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
                HTML.strong {
                    pair.tier == "exact"
                        ? "same bytes" : pair.similarity.map { Format.fixed($0, 3) } ?? "same bytes"
                    pair.tier.map { $0 == "exact" ? "" : " \($0)" } ?? ""
                }
                HTML.div { pair.source }
                HTML.div { pair.other }
            }
        }
    }
}
