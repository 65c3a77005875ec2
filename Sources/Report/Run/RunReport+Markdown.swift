extension RunReport {
    /// The short report: verdict, arms, stages.
    public static func markdown(_ run: ReportedRun) -> String {
        let contents = RunContents(run)
        var parts = [
            "# \(plain(run.pipeline)): \(run.outcome.rawValue)",
            Verdict(of: contents).phrases.map { phrase in
                let text = plain(phrase.text)
                return phrase.isStrong ? "**\(text)**" : text
            }.joined(),
            "Run `\(code(run.id))`, \(Format.moment(run.started)).",
        ]
        parts += run.nodes.compactMap { node in node.error.map { "> \(plain(node.name)): \(plain($0))" } }
        if let metrics = contents.decisive?.files.metrics { parts.append(arms(metrics)) }
        if let arms = ArmTable(contents.taskEvaluations, contents.clipEvaluations) {
            parts.append("## Arms\n\n" + table(arms.head.map(plain), arms.rows.map { $0.map(plain) }))
        }
        parts.append(claims(contents.claims))
        parts += contents.transferSets.map { transferSet($0.node, $0.files) }
        parts.append(stages(run))
        if !run.gates.isEmpty {
            parts.append(
                "## Gates\n\n"
                    + run.gates.map { gate in
                        let word = gate.passed.map { $0 ? "passed" : "FAILED" } ?? "not reached"
                        return "- \(word): `\(code(gate.text))`"
                            + (gate.found.map { ", found \(plain($0))" } ?? "")
                    }.joined(separator: "\n"))
        }
        if !run.commands.isEmpty {
            parts.append("## Commands\n\n" + run.commands.map { "    \($0)" }.joined(separator: "\n"))
        }
        return parts.filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n"
    }

    private static func arms(_ metrics: EvaluationMetrics) -> String {
        var rows = (metrics.groups ?? []).sorted { $0.mean > $1.mean }.map { group in
            [
                plain(group.name), Format.fixed(group.mean * 100, 1), group.ci95.map(Format.interval) ?? "–",
                "\(group.values.count)", group.versus.map { Format.points($0.difference) } ?? "baseline",
                group.versus?.ci95.map(Format.difference) ?? "–",
            ]
        }
        if let ceiling = metrics.ceiling {
            rows.append([
                "ceiling: \(plain(ceiling.name))", Format.fixed(ceiling.top1 * 100, 1), "–", "–", "–", "–",
            ])
        }
        if let floor = metrics.floor?.majority {
            rows.append(["floor: most frequent class", Format.fixed(floor * 100, 1), "–", "–", "–", "–"])
        }
        guard !rows.isEmpty else { return "" }
        return "## Results\n\n"
            + table(["arm", "top-1, %", "95 % CI", "seeds", "difference", "95 % CI"], rows)
    }

    private static func claims(_ claims: ExpertClaims) -> String {
        claims.claims.isEmpty
            ? ""
            : "## Claims\n\n"
                + claims.claims.map { claim in
                    "**\(plain(claim.arm))** against \(plain(claim.control)), \(claim.seeds): \(plain(claim.tally)).\n\n"
                        + (claim.measures.map(\.text) + claim.expertTexts + claim.zeroShotTexts)
                        .map { "- \(plain($0))" }.joined(separator: "\n")
                }.joined(separator: "\n\n") + claims.orderTexts.map { "\n\n\(plain($0))." }.joined()
    }

    private static func transferSet(_ node: String, _ set: TransferSetFiles) -> String {
        let steps = set.funnel.map { "\(plain($0.step)) \(Format.count($0.kept))" }.joined(separator: " → ")
        let leakage = (set.isChecked ? set.leakage : nil).map { leakage in
            " Duplicates of evaluated images: \(leakage.foundInWords) in the pool, \(set.leakCount) in the set."
        }
        return "## Transfer set \(plain(node))\n\n\(Format.plural(set.rows.count, "image")). \(steps)."
            + (leakage ?? "")
    }

    private static func stages(_ run: ReportedRun) -> String {
        "## Stages\n\n"
            + table(
                ["stage", "kind", "state", "reason", "time"],
                run.nodes.map { node in
                    [
                        plain(node.name), plain(node.stage), node.state.rawValue, plain(node.reason),
                        node.seconds.map(Format.duration) ?? "–",
                    ]
                })
    }

    private static func table(_ head: [String], _ rows: [[String]]) -> String {
        ([head, head.map { _ in "---" }] + rows).map { "| \($0.joined(separator: " | ")) |" }.joined(
            separator: "\n")
    }

    /// Text in which nothing is markup and nothing ends a table cell.
    private static func plain(_ text: String) -> String {
        var escaped = ""
        for character in text {
            if character.isNewline {
                escaped += " "
            } else {
                if "\\`*_[]<>|#".contains(character) { escaped += "\\" }
                escaped.append(character)
            }
        }
        return escaped
    }

    private static func code(_ text: String) -> String {
        text.replacing("`", with: "'").replacing("\n", with: " ")
    }
}
