import Report

/// One image of a random sample at a time: is it right for its query? And what the answers say of the whole set.
struct AuditPage {
    let set: InspectedSet
    let sample: AuditSample
    let seed: Int
    let answers: [String: AuditAnswer]
    let last: String?

    /// The answers to the sample's images, in all and by stratum.
    func shares() throws -> (all: AuditedShare, strata: [AuditedShare], next: Int?) {
        var all = AuditedShare()
        var strata = [AuditedShare](repeating: AuditedShare(), count: AuditSample.strata)
        var (next, found) = (Int?.none, 0)
        for (number, row) in sample.rows.enumerated() {
            // Answers come in the sample's order: after the last of them, only the next question is of interest.
            guard found < answers.count || next == nil else { break }
            guard let answer = answers[try set.table.image(row).id] else {
                if next == nil { next = number }
                continue
            }
            found += 1
            all.add(answer)
            strata[sample.stratum[number]].add(answer)
        }
        return (all, strata, next)
    }

    func markup() throws -> Markup {
        let (all, strata, next) = try shares()
        return .group([
            result(all),
            try next.map { try question(set.table.image(sample.rows[$0])) }
                ?? Block.note("Every image of the sample has been judged."),
            Block.card(
                "By similarity", note: "Ten equal groups; precision mostly falls where similarity does."
            ) {
                Block.table(
                    ["group", "yes", "no", "precision"], numeric: [1, 2],
                    rows: strata.enumerated().map { number, share in
                        [
                            .text(
                                number == 0
                                    ? "1, least similar" : number == 9 ? "10, most similar" : "\(number + 1)"),
                            .text("\(share.yes)"), .text("\(share.no)"), .text(Self.text(share)),
                        ]
                    })
            },
        ])
    }

    /// `93 % (89–96, n = 180)`.
    static func text(_ share: AuditedShare) -> String {
        guard let value = share.share, let interval = share.interval else { return "–" }
        return "\(Format.percent(value, 0)) (\(Format.fixed(interval.low * 100, 0))–"
            + "\(Format.fixed(interval.high * 100, 0)), n = \(share.count))"
    }

    private func result(_ share: AuditedShare) -> Markup {
        HTML.p(.class("verdict"), .id("precision"), .data("yes", "\(share.yes)"), .data("no", "\(share.no)"))
        {
            if share.count == 0 {
                "Judge a few images: the precision of the whole set follows with its 95 % interval."
            } else {
                HTML.strong { "Precision \(Self.text(share))" }
                share.unsure > 0 ? ", \(share.unsure) could not be told." : ", 95 % interval of Wilson."
            }
        }
    }

    private func question(_ image: TransferRow) -> Markup {
        HTML.div(.class("card audit"), .data("image", image.id)) {
            HTML.p(.class("ask")) {
                image.queryClass.map {
                    "Is this image right for the query? It was retrieved for the class “\($0)”."
                }
                    ?? "Is this image right for its query?"
            }
            HTML.div(.class("two")) {
                HTML.a(.class("picture"), .href(Piece.imageAddress(image.id))) {
                    Piece.picture(image.id, alt: "the image to judge: \(image.source)", side: 448)
                    HTML.span(.class("tag")) { "image" }
                }
                if let query = image.query, let number = set.queries.number(of: query) {
                    HTML.a(.class("picture query"), .href(Piece.queryAddress(query))) {
                        Piece.query(query, set.queries.entries[number].text, alt: "its query", side: 448)
                        HTML.span(.class("tag")) { "query" }
                    }
                }
            }
            HTML.form(.class("controls answers"), Attribute("method", "post"), Attribute("action", "/audit"))
            {
                Piece.hidden("id", image.id)
                Piece.hidden("seed", "\(seed)")
                button("yes", "Yes", "y")
                button("no", "No", "n")
                button("unsure", "Cannot tell", "?")
                if let last {
                    HTML.button(.type("submit"), .name("undo"), .value(last), .data("key", "u")) {
                        "Undo "
                        HTML.kbd { "u" }
                    }
                }
            }
        }
    }

    private func button(_ answer: String, _ title: String, _ key: String) -> Markup {
        HTML.button(
            .type("submit"), .name("answer"), .value(answer), .class("answer-\(answer)"), .data("key", key)
        ) {
            "\(title) "
            HTML.kbd { key }
        }
    }
}
