import Report
import Search

/// The images that a step of curation dropped, with reasons.
struct DroppedPage {
    let set: InspectedSet
    let marks: Marks
    let step: String?
    let reason: String?
    let page: Int

    private static let size = 60

    func markup() throws -> Markup {
        guard set.dropped.count > 0 else {
            return Block.note("The artifact lists no dropped image: nothing was ruled out.")
        }
        var fields = Fields()
        fields["step"] = step
        fields["reason"] = reason
        let rows = set.dropped.rows(step: step, reason: reason)
        let shown = try rows.dropFirst(min(rows.count, page * Self.size)).prefix(Self.size).map(
            set.dropped.image)
        let reasons = set.dropped.reasons.filter { step == nil || $0.step == step }
        return .group([
            MarkButtons.form(back: Piece.address("/dropped", fields)),
            HTML.form(.class("controls filters"), Attribute("method", "get"), Attribute("action", "/dropped"))
            {
                Piece.choice(
                    "step", "Step", [("", "all")] + set.dropped.steps.map { ($0, $0) }, chosen: step ?? "")
                if reasons.count > 1, reasons.count <= 40 {
                    Piece.choice(
                        "reason", "Reason",
                        [("", "all")]
                            + reasons.map { ($0.reason, "\($0.reason) (\(Format.count($0.count)))") },
                        chosen: reason ?? "")
                }
                HTML.button(.type("submit"), .class("primary")) { "Show" }
            },
            HTML.p(.class("count")) { Format.plural(rows.count, "image") },
            HTML.div(.class("grid")) {
                for image in shown {
                    ImageCard(
                        id: image.id, source: image.source, caption: image.step,
                        note: image.similarity.map { Format.fixed($0, 3) } ?? image.reason,
                        mark: marks[image.id]
                    ).markup
                }
            },
            Piece.pager("/dropped", fields, page: page, size: Self.size, count: rows.count), Help.keys,
        ])
    }
}

/// Images that were dropped because another is the same, beside that other.
struct DuplicatesPage {
    let set: InspectedSet
    let marks: Marks
    let thumbnails: ThumbnailCache
    let page: Int

    private static let size = 36
    /// The steps of the funnel that take duplicates out.
    private static let steps = ["unique", "dedup", "duplicates"]

    func markup() throws -> Markup {
        let steps = set.dropped.steps.filter(Self.steps.contains)
        let rows = steps.flatMap { set.dropped.rows(step: $0) }
        guard !rows.isEmpty else {
            return Block.note(
                set.funnel.contains { Self.steps.contains($0.step) }
                    ? "No image was dropped as a duplicate."
                    : "The artifact does not say whether duplicates were sought.")
        }
        let shown = try rows.dropFirst(min(rows.count, page * Self.size)).prefix(Self.size).map(
            set.dropped.image)
        return .group([
            MarkButtons.form(back: "/duplicates"),
            HTML.p(.class("count")) { "\(Format.plural(rows.count, "image")) dropped as duplicates" },
            HTML.div(.class("pairs")) { for image in shown { pair(image) } },
            Piece.pager("/duplicates", Fields(), page: page, size: Self.size, count: rows.count),
        ])
    }

    private func pair(_ image: DroppedImage) -> Markup {
        PairCard(
            left: image.id, leftSource: image.source, leftNote: "dropped",
            right: image.other.map { thumbnails.id(of: $0) }, rightSource: image.other ?? "",
            rightNote: "kept",
            similarity: image.similarity, badge: (image.step, "warned"),
            text: image.reason + (image.group.map { ", group \($0)" } ?? ""), mark: marks[image.id]
        ).markup
    }
}

/// Two images side by side, one of which repeats the other.
struct PairCard {
    let left: String
    let leftSource: String
    let leftNote: String
    let right: String?
    let rightSource: String
    let rightNote: String
    let similarity: Double?
    let badge: (word: String, kind: String)
    let text: String
    let mark: Mark?

    var markup: Markup {
        HTML.div(
            .class("item pair-card"), .id("i-\(left)"), .data("image", left),
            .data("mark", mark?.rawValue ?? ""),
            Attribute("tabindex", "0"), Attribute("role", "group"),
            Attribute("aria-label", "\(leftSource) and \(rightSource)")
        ) {
            HTML.div(.class("two")) {
                HTML.a(.class("picture"), .href(Piece.imageAddress(left)), .title(leftSource)) {
                    Piece.picture(left, alt: leftSource)
                    HTML.span(.class("tag")) { leftNote }
                }
                if let right {
                    HTML.div(.class("picture"), .title(rightSource)) {
                        Piece.picture(right, alt: rightSource)
                        HTML.span(.class("tag")) { rightNote }
                    }
                }
            }
            HTML.div(.class("pair-text")) {
                HTML.div {
                    Block.badge(badge.word, badge.kind)
                    HTML.strong { similarity.map { " \(Format.fixed($0, 3))" } ?? "" }
                }
                HTML.div(.class("note")) { text }
                HTML.div(.class("note")) { "\(leftSource) · \(rightSource)" }
            }
            MarkButtons(id: left, mark: mark).markup
        }
    }
}

/// The leakage certificate, and every image it is about beside the evaluated image it repeats.
struct LeakagePage {
    let set: InspectedSet
    let marks: Marks

    private static let limit = 120

    /// Pairs whose pool image is in the set although nobody has accepted it.
    private var left: [LeakageFindings.Pair] {
        (set.leakage?.pairs ?? []).filter { $0.state != .accepted && set.table.row(of: $0.id) != nil }
    }

    /// In a word.
    var verdict: Markup {
        guard set.leakage != nil, set.isChecked else { return Block.badge("not checked", "pending") }
        let left = left
        if !left.isEmpty { return Block.badge("\(left.count) leaks remain", "failed") }
        let open = (set.leakage?.pairs ?? []).count { $0.state == .queued && marks[$0.id] == nil }
        return open > 0 ? Block.badge("\(open) to review", "warned") : Block.badge("certified", "certified")
    }

    func markup() throws -> Markup {
        guard let leakage = set.leakage, set.isChecked else {
            return Block.note("No check against evaluated images is recorded: `exclude:` was not set.")
        }
        let pairs =
            left + leakage.pairs.filter { $0.state == .queued } + leakage.pairs.filter { $0.state != .queued }
        var seen = Set<String>()
        let unique = pairs.filter { seen.insert($0.id).inserted }
        return .group([
            MarkButtons.form(back: "/leakage"),
            HTML.div(.class("card")) {
                HTML.p {
                    verdict
                    " \(sentence(leakage))"
                }
                Block.tiles {
                    for tier in LeakageFindings.Tier.allCases {
                        if let count = leakage.counts[tier] {
                            Block.tile(Format.count(count), tier.rawValue, note: Self.meaning[tier])
                        }
                    }
                    Block.tile(
                        Format.count(left.count), "left in the set", kind: left.isEmpty ? "good" : "bad")
                }
                if let calibration = leakage.calibration { Block.note("Calibration: \(calibration).") }
            },
            unique.isEmpty
                ? .empty
                : HTML.div(.class("pairs")) { for pair in unique.prefix(Self.limit) { card(pair) } },
            unique.count > Self.limit
                ? Block.note("\(Self.limit) of \(Format.count(unique.count)) pairs.") : .empty,
        ])
    }

    private static let meaning: [LeakageFindings.Tier: String] = [
        .exact: "the same content", .perceptual: "nearly the same pixels",
        .embedding: "nearly the same features",
    ]

    private func sentence(_ leakage: LeakageFindings) -> String {
        let threshold =
            leakage.threshold.map { " Features count as the same from a cosine of \(Format.short($0))." }
            ?? ""
        let against = set.comparedWith.map { $0.joined(separator: " and ") } ?? "the evaluated images"
        return "The pool was compared with \(against).\(threshold)"
    }

    private static func badge(_ pair: LeakageFindings.Pair) -> (String, String) {
        switch pair.state {
        case .excluded: (pair.tier.rawValue, "passed")
        case .queued: ("to review", "warned")
        case .accepted: ("accepted", "cached")
        }
    }

    private func card(_ pair: LeakageFindings.Pair) -> Markup {
        let isLeft = pair.state != .accepted && set.table.row(of: pair.id) != nil
        return PairCard(
            left: pair.id, leftSource: pair.source, leftNote: "pool", right: pair.otherID,
            rightSource: pair.other,
            rightNote: pair.split ?? "evaluated", similarity: pair.similarity,
            badge: isLeft ? ("in the set", "failed") : Self.badge(pair),
            text: pair.state == .queued
                ? "Mark it a leak to keep it out, accept to keep it."
                : "\(pair.state == .accepted ? "accepted" : "excluded"): \(pair.tier.rawValue)",
            mark: marks[pair.id]
        ).markup
    }
}
