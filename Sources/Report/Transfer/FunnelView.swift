/// What each step of curation kept and dropped, with pictures of what it dropped.
struct FunnelView {
    let set: TransferSetFiles
    let sink: any ThumbnailSink
    /// How many dropped images are shown for a step.
    let sampleSize: Int

    var markup: Markup {
        guard let first = set.funnel.first, first.kept > 0 else { return .empty }
        let samples = set.funnel.map(\.step).compactMap(sample)
        return .group([
            HTML.div(.class("funnel")) {
                for step in set.funnel { row(step, of: first.kept + (first.dropped ?? 0)) }
            },
            samples.isEmpty
                ? .empty
                : Block.folded("What was dropped", isOpen: sampleSize > 12) { Markup.group(samples) },
        ])
    }

    private func row(_ step: FunnelStep, of total: Int) -> Markup {
        let share = { (count: Int) in "\(Format.coordinate(100 * Double(count) / Double(max(total, 1))))%" }
        let dropped = step.dropped ?? 0
        return .group([
            HTML.div(.class("step")) { step.step },
            HTML.div(.class("track")) {
                HTML.div(.class("kept"), .style("width:\(share(step.kept))"))
                if dropped > 0 {
                    HTML.div(.class("lost"), .style("left:\(share(step.kept));width:\(share(dropped))"))
                }
            },
            HTML.div(.class("left")) { Format.count(step.kept) },
            HTML.div(.class("gone")) { dropped > 0 ? "−\(Format.count(dropped))" : "" },
            (step.note ?? "").isEmpty ? .empty : HTML.div(.class("why")) { step.note ?? "" },
        ])
    }

    private func sample(_ step: String) -> Markup? {
        let dropped = set.dropped.filter { $0.step == step }
        guard !dropped.isEmpty else { return nil }
        let reasons = Dictionary(dropped.map { ($0.reason, 1) }, uniquingKeysWith: +)
            .sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let shown = Sampling.spread(dropped, sampleSize)
        return HTML.div(.class("dropped")) {
            HTML.p(.class("note")) {
                HTML.strong { step }
                ": "
                reasons.prefix(4).map { "\($0.key) (\(Format.count($0.value)))" }.joined(separator: ", ")
            }
            Block.strip(
                shown.map { image in
                    Block.thumbnail(
                        ImageReference(id: image.id, source: image.source), in: sink,
                        caption: image.similarity.map { Format.fixed($0, 3) },
                        hover: [image.source, image.reason, image.other.map { "because of \($0)" } ?? ""]
                            .filter { !$0.isEmpty }.joined(separator: "\n"))
                }, kind: "even")
        }
    }
}

/// Choices that are the same each time.
enum Sampling {
    /// At most `count` elements, evenly spread over the list.
    static func spread<Element>(_ elements: [Element], _ count: Int) -> [Element] {
        guard elements.count > count else { return elements }
        return (0..<count).map { elements[$0 * elements.count / count] }
    }

    /// At most `count` elements in an order that has nothing to do with the list's (a fixed permutation).
    static func scattered<Element>(_ elements: [Element], _ count: Int) -> [Element] {
        let keys = elements.indices.map { index -> (UInt64, Int) in
            var x = UInt64(index) &+ 0x9e37_79b9_7f4a_7c15
            x = (x ^ (x >> 30)) &* 0xbf58_476d_1ce4_e5b9
            x = (x ^ (x >> 27)) &* 0x94d0_49bb_1331_11eb
            return (x ^ (x >> 31), index)
        }
        return keys.sorted { $0 < $1 }.prefix(count).map { elements[$0.1] }
    }
}
