import Stages

extension ExpertClaims {
    /// The claims as lines of text: for each arm its probes, its experts' errors and its zero-shot accuracy.
    public var lines: [String] {
        claims.flatMap { claim in
            ["\(claim.arm) against \(claim.control), \(claim.seeds)"]
                + (claim.decisive.map(\.text) + claim.expertTexts + claim.zeroShotTexts).map { "  " + $0 }
        } + orderTexts
    }

    /// The arms by their mean rank, and how far probes of one task agree; nothing where no expert taught anyone.
    var orderTexts: [String] {
        guard let order, !claims.isEmpty else { return [] }
        let places = order.places.map { "\($0.name) \(Format.fixed($0.meanRank, 2))" }
        let ranks = "mean rank over \(Format.plural(order.evaluations.count, "probe")): "
        return [ranks + places.joined(separator: ", ")]
            + order.agreements.map {
                "\($0.first) and \($0.second) order \(order.places.count) arms with Kendall's τ "
                    + Format.fixed($0.tau, 2)
            }
    }
}

extension ExpertClaims.Claim {
    /// The metric of each probe that decides.
    var decisive: [ExpertClaims.Measure] { measures.filter(\.isDecisive) }

    /// How often it was tried.
    var seeds: String { Format.plural(measures.first?.arm.values.count ?? 0, "seed") }

    /// How many probes decide for the arm, and how many against it.
    var tally: String {
        let verdicts = decisive.map(\.versus.verdictName)
        let better = verdicts.count { $0 == "better" }, worse = verdicts.count { $0 == "worse" }
        return "better than \(control) at \(better) of \(Format.plural(decisive.count, "probe"))"
            + (worse > 0 ? ", worse at \(worse)" : "")
    }

    var expertTexts: [String] { experts.map(\.text) }

    var zeroShotTexts: [String] {
        zeroShots.isEmpty
            ? ["zero-shot accuracy: not measured; give both arms to one evaluate-clip with a baseline"]
            : zeroShots.map { zeroShot in
                let start =
                    zeroShot.start.map { "\($0.name) \(Format.percent($0.mean)), " }
                    ?? "CLIP before not measured, "
                return "\(zeroShot.node): zero-shot top-1 \(start)\(control) "
                    + "\(Format.percent(zeroShot.control.mean)), \(arm) \(Format.percent(zeroShot.arm.mean)): "
                    + (zeroShot.versus.equivalence ?? zeroShot.versus.verdictName)
            }
    }
}

extension ExpertClaims.Measure {
    /// The metric with the direction in which it improves.
    var name: String { "\(metric) \(lowerIsBetter ? "↓" : "↑")" }

    /// The difference with its interval and what that says.
    var difference: String {
        let sign = versus.difference > 0 ? "+" : ""
        let interval = versus.ci95.map { " (95 % CI \(Format.short($0[0])) to \(Format.short($0[1])))" }
        return "\(sign)\(Format.short(versus.difference))"
            + (interval.map { "\($0), \(versus.verdictName)" } ?? ", one seed")
    }

    var text: String {
        let before = start.map { "\($0.name) \(Format.short($0.mean)), " } ?? ""
        return "\(probe): \(name) \(before)\(control.name) \(Format.short(control.mean)), "
            + "\(arm.name) \(Format.short(arm.mean)): \(difference)"
    }
}

extension ExpertClaims.Expert {
    var text: String {
        guard let node = source.node else { return "\(source.task): learned from the truth" }
        let noise = source.noise > 0 ? ", \(Format.percent(source.noise, 0)) of its answers misplaced" : ""
        let known =
            error.map { error in
                "\(error.metric) \(Format.short(error.value))"
                    + (error.floor.map { ", \(Format.short($0)) without looking" } ?? "") + " (\(error.node))"
            } ?? "error not measured; an evaluate-maps stage would"
        return "expert \(node): \(known)\(noise)"
    }
}
