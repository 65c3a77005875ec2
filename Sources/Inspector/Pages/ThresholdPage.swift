import Report

/// What the set would be if images below a similarity were dropped: size, balance, and what the teacher is spared.
struct ThresholdPage {
    let set: InspectedSet
    let summary: SimilaritySummary?
    let before: Balance
    let outcome: ThresholdOutcome?

    var markup: Markup {
        guard let summary, let outcome else {
            return Block.note("No image has a similarity: the set was not chosen by it.")
        }
        return .group([
            HTML.div(.class("card"), .id("threshold-card")) {
                SimilarityChart(set: set, summary: summary, threshold: outcome.threshold).markup
                HTML.form(
                    .class("controls threshold"), .id("threshold"), Attribute("method", "get"),
                    Attribute("action", "/threshold")
                ) {
                    HTML.label(.class("wide")) {
                        HTML.span { "Threshold" }
                        HTML.input(
                            .type("range"), .id("value"), Attribute("name", "threshold"),
                            Attribute("min", "\(summary.edges[0])"),
                            Attribute("max", "\(summary.edges[summary.edges.count - 1])"),
                            Attribute("step", "any"),
                            .value("\(outcome.threshold)"))
                    }
                    HTML.span(.id("shown-value"), .class("big")) { Format.fixed(outcome.threshold, 3) }
                    HTML.button(.type("submit"), .class("primary")) { "Compute" }
                }
                tiles(outcome)
                Block.note(
                    "Nothing is changed here. To have it so, set min_similarity: \(Format.fixed(outcome.threshold, 3)) "
                        + "at the curate stage; images below it are then no candidates, and others take their place where there are any."
                )
            },
            HTML.div(.class("card")) {
                HTML.h3 { "Images per class, before and after" }
                classes(outcome)
            },
        ])
    }

    private func tiles(_ outcome: ThresholdOutcome) -> Markup {
        HTML.div(.class("tiles"), .id("outcome")) {
            tile("kept", Format.count(outcome.kept), "images stay")
            tile("dropped", Format.count(outcome.dropped), "the teacher need not label")
            tile("orphaned", Format.count(outcome.orphaned), "queries lose their last image")
            tile("gini", Format.fixed(outcome.balance.gini, 3), "Gini, now \(Format.fixed(before.gini, 3))")
            tile(
                "effective", Format.fixed(outcome.balance.effective, 0),
                "effective queries, now \(Format.fixed(before.effective, 0))")
        }
    }

    private func tile(_ key: String, _ value: String, _ name: String) -> Markup {
        HTML.div(.class("tile")) {
            HTML.div(.class("value"), .data("figure", key)) { value }
            HTML.div(.class("name")) { name }
        }
    }

    private func classes(_ outcome: ThresholdOutcome) -> Markup {
        let largest = Double(max(before.perClass.map(\.count).max() ?? 1, 1))
        let pairs = Array(zip(before.perClass, outcome.balance.perClass))
        guard !pairs.isEmpty else { return Block.note("The queries have no classes.") }
        return HTML.div(.class("steps classes"), .data("largest", "\(Int(largest))")) {
            for (old, new) in pairs.prefix(200) {
                HTML.div(.class("step-row"), .data("class", old.name)) {
                    HTML.div(.class("step")) { old.name }
                    SVG.svg(
                        .class("track"), Attribute("viewBox", "0 0 100 10"),
                        Attribute("preserveAspectRatio", "none"), Attribute("aria-hidden", "true")
                    ) {
                        SVG.rect(
                            .class("was"), .x(0), .y(0), .width(100 * Double(old.count) / largest),
                            .height(10))
                        SVG.rect(
                            .class("kept"), .x(0), .y(0), .width(100 * Double(new.count) / largest),
                            .height(10))
                    }
                    HTML.div(.class("kept-count")) { Format.count(new.count) }
                    HTML.div(.class("gone")) { "of \(Format.count(old.count))" }
                }
            }
        }
    }
}
