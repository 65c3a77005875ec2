import Foundation
import Report
import Search

/// What the set holds, on one page: the funnel, the balance, the similarities, the certificate, the marks.
struct OverviewPage {
    let set: InspectedSet
    let balance: Balance
    let similarity: SimilaritySummary?
    let marks: Marks
    let audit: AuditedShare

    var markup: Markup {
        .group([
            tiles, funnel,
            Block.card("Similarity to the query") {
                if let similarity {
                    HTML.a(.href("/threshold"), Attribute("aria-label", "Choose a threshold")) {
                        SimilarityChart(set: set, summary: similarity, threshold: nil).markup
                    }
                } else {
                    Block.note("No image has a similarity: the set was not chosen by it.")
                }
            },
            Block.columns {
                Block.card("Images per class") { classes }
                Block.card("Balance and certificate") { Block.facts(facts) }
            },
        ])
    }

    private var tiles: Markup {
        Block.tiles {
            Block.tile(
                Format.count(set.table.count), "images",
                note: set.funnel.first.map { "of \(Format.count($0.kept)) in the pool" }, kind: "accent")
            Block.tile(Format.count(balance.queryCount), "queries with images")
            if let similarity {
                Block.tile(
                    Format.fixed(similarity.median, 3), "median similarity",
                    note:
                        "from \(Format.fixed(similarity.lowest, 3)) to \(Format.fixed(similarity.highest, 3))"
                )
            }
            Block.tile(
                Format.count(marks.all.count), "marks",
                note: marks.all.isEmpty
                    ? "none yet" : "\(Format.count(marks.all.count { $0.mark.rulesOut })) take images out")
            if let share = audit.share, let interval = audit.interval {
                Block.tile(
                    Format.percent(share, 0), "audited precision",
                    note: "\(Format.fixed(interval.low * 100, 0))–\(Format.fixed(interval.high * 100, 0)), "
                        + "n = \(audit.count)")
            }
        }
    }

    private var funnel: Markup {
        guard let first = set.funnel.first else { return .empty }
        let total = max(1, first.kept + (first.dropped ?? 0))
        return Block.card(
            "Funnel", note: "What each step of curation kept; a number leads to the images it dropped."
        ) {
            HTML.div(.class("steps")) {
                for step in set.funnel { row(step, of: total) }
            }
        }
    }

    private func row(_ step: Report.FunnelStep, of total: Int) -> Markup {
        let kept = 100 * Double(step.kept) / Double(total)
        let lost = 100 * Double(step.dropped ?? 0) / Double(total)
        let listed = set.dropped.steps.contains(step.step)
        var fields = Fields()
        fields["step"] = step.step
        return HTML.div(.class("step-row")) {
            HTML.div(.class("step")) { step.step }
            SVG.svg(
                .class("track"), Attribute("viewBox", "0 0 100 10"), Attribute("preserveAspectRatio", "none"),
                Attribute("aria-hidden", "true")
            ) {
                SVG.rect(.class("ground"), .x(0), .y(0), .width(100), .height(10))
                SVG.rect(.class("kept"), .x(0), .y(0), .width(max(kept, 0.3)), .height(10))
                SVG.rect(.class("lost"), .x(kept), .y(0), .width(lost), .height(10))
            }
            HTML.div(.class("kept-count")) { Format.count(step.kept) }
            HTML.div(.class("gone")) {
                if let dropped = step.dropped, dropped > 0 {
                    listed
                        ? HTML.a(.href(Piece.address("/dropped", fields))) { "−\(Format.count(dropped))" }
                        : HTML.span { "−\(Format.count(dropped))" }
                }
            }
            HTML.div(.class("why")) { step.note ?? "" }
        }
    }

    private var classes: Markup {
        let counts = balance.perClass.sorted { ($1.count, $0.name) < ($0.count, $1.name) }
        guard !counts.isEmpty else { return Block.note("The queries have no classes.") }
        let shown = counts.count > 48 ? Array(counts.prefix(24) + counts.suffix(24)) : counts
        return .group([
            BarChart(
                title: "Images per class",
                bars: shown.map { BarChart.Bar(name: $0.name, value: Double($0.count), note: "images") },
                format: { Format.short($0) }
            ).markup,
            shown.count < counts.count
                ? Block.note("The 24 largest and smallest of \(counts.count) classes.") : .empty,
        ])
    }

    private var facts: [(name: String, value: Markup)] {
        var facts: [(String, Markup)] = []
        if balance.queryCount > 0 {
            facts = [
                (
                    "Images per query",
                    .text("\(balance.smallest) to \(balance.largest), mean \(Format.fixed(balance.mean, 2))")
                ),
                ("Gini", .text("\(Format.fixed(balance.gini, 3)) (0 is perfectly even)")),
                ("Effective queries", .text(Format.fixed(balance.effective, 0))),
            ]
        }
        facts.append(("Leakage", LeakagePage(set: set, marks: marks).verdict))
        if let leakage = set.leakage, set.isChecked {
            facts.append(
                (
                    "Found in the pool",
                    HTML.a(.href("/leakage")) {
                        LeakageFindings.Tier.allCases.compactMap { tier in
                            leakage.counts[tier].map { "\(Format.count($0)) \(tier.rawValue)" }
                        }.joined(separator: ", ")
                    }
                ))
        }
        facts.append(("Artifact", HTML.code { set.folder.path }))
        return facts
    }
}
