import Stages

/// What learning from experts brought, arm by arm, with what is needed to judge it beside it.
struct ClaimsSection {
    private let claims: ExpertClaims

    init(_ claims: ExpertClaims) { self.claims = claims }

    /// The section; nil where no probed arm learned from experts.
    var section: Page.Section? {
        guard !claims.claims.isEmpty else { return nil }
        return Page.Section(
            id: "claims", title: "Claims",
            lead:
                "Every arm that learned from experts beside the arm that did not: probes of frozen features, how wrong "
                + "the experts are, and what became of the zero-shot accuracy. ‘Better’ and ‘worse’ are said where the "
                + "95 % interval of the paired difference excludes zero.",
            content: .group(claims.claims.map(card) + [order]))
    }

    /// Which arm comes first over all probes.
    private var order: Markup {
        guard let order = claims.order else { return .empty }
        return Block.card(
            "Order of the arms", note: "Ranks by the metric of each probe that decides; 1 is best."
        ) {
            Block.table(
                ["arm", "mean rank"] + order.evaluations, numeric: Set(1...order.evaluations.count + 1),
                rows: order.places.map { place in
                    [HTML.strong { place.name }, .text(Format.fixed(place.meanRank, 2))]
                        + place.ranks.map { .text(Format.short($0)) }
                })
            Markup.group(claims.orderTexts.dropFirst().map { Block.note($0 + ".") })
        }
    }

    private func card(_ claim: ExpertClaims.Claim) -> Markup {
        Block.card("\(claim.arm) against \(claim.control)", note: "\(claim.seeds): \(claim.tally).") {
            Block.table(
                [
                    "probe", "metric", claim.start.map { "before: \($0)" } ?? "before", claim.control,
                    claim.arm,
                    "difference", "95 % CI", "verdict",
                ],
                numeric: [2, 3, 4, 5], rows: claim.measures.map(row))
            Markup.group((claim.expertTexts + claim.zeroShotTexts).map { Block.note($0 + ".") })
        }
    }

    private func row(_ measure: ExpertClaims.Measure) -> [Markup] {
        let versus = measure.versus
        return [
            .text(measure.probe), measure.isDecisive ? HTML.strong { measure.name } : .text(measure.name),
            .text(measure.start.map { Format.short($0.mean) } ?? "–"),
            .text(Format.short(measure.control.mean)), HTML.strong { Format.short(measure.arm.mean) },
            .text((versus.difference > 0 ? "+" : "") + Format.short(versus.difference)),
            .text(versus.ci95.map { "\(Format.short($0[0])) to \(Format.short($0[1]))" } ?? "–"),
            .text(versus.ci95 == nil ? "one seed" : versus.verdictName),
        ]
    }
}
