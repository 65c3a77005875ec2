/// The verdict, the figures that carry it, and whatever went wrong.
struct OverviewSection {
    private let contents: RunContents

    init(_ contents: RunContents) { self.contents = contents }

    private let warningLimit = 20

    var markup: Markup {
        let run = contents.run
        return .group([
            Verdict(of: contents).markup,
            .group(run.nodes.filter { $0.error != nil }.map(alert)),
            .group(
                run.problems.prefix(warningLimit).map { problem in
                    HTML.div(.class("alert mild")) { problem.limited(to: 1_000) }
                }),
            run.problems.count > warningLimit
                ? Block.note("\(run.problems.count - warningLimit) more warnings stand in the run's journal.")
                : .empty,
            .group(
                contents.unreadable.map { problem in
                    HTML.div(.class("alert mild")) { "This artifact could not be read. \(problem)" }
                }),
            Block.tiles { Markup.group(tiles) },
            gates,
        ])
    }

    private func alert(_ node: ReportedRun.Node) -> Markup {
        HTML.div(.class("alert")) {
            HTML.strong { node.name }
            ": \((node.error ?? "").limited(to: 4_000))"
        }
    }

    private var tiles: [Markup] {
        var tiles: [Markup] = []
        if let metrics = contents.decisive?.files.metrics {
            if let best = metrics.bestGroup {
                tiles.append(
                    Block.tile(
                        Format.percent(best.mean), "top-1, \(best.name)",
                        note: best.ci95.map { "95 % CI \(Format.interval($0))" }, kind: "accent"))
                if let versus = best.versus {
                    let isResolved = versus.ci95.map { !$0.contains(0) } ?? false
                    tiles.append(
                        Block.tile(
                            Format.points(versus.difference), "points against \(versus.baseline)",
                            note: versus.ci95.map { "95 % CI \(Format.difference($0))" },
                            kind: isResolved ? (versus.difference > 0 ? "good" : "bad") : ""))
                }
            } else if let top1 = metrics.figures.top1 {
                tiles.append(Block.tile(Format.percent(top1), "top-1", kind: "accent"))
            }
            if let ceiling = metrics.ceiling {
                tiles.append(Block.tile(Format.percent(ceiling.top1), "ceiling", note: ceiling.name))
            }
        }
        if let set = contents.principalTransferSet?.files {
            let pool = set.funnel.first.map { "of \(Format.count($0.kept)) in the pool" }
            tiles.append(Block.tile(Format.count(set.rows.count), "transfer images", note: pool))
            if let leakage = set.leakage, set.isChecked {
                let left = set.leakCount
                tiles.append(
                    Block.tile(
                        Format.count(left), "leaks in the transfer set",
                        note: "\(leakage.foundInWords) found",
                        kind: left == 0 ? "" : "bad"))
            }
        }
        let done = contents.run.nodes.filter(\.state.isDone).count
        tiles.append(
            Block.tile(
                "\(done)/\(contents.run.nodes.count)", "stages complete",
                note: "\(contents.run.nodes.filter { $0.state == .cached }.count) from the store"))
        return tiles
    }

    private var gates: Markup {
        guard !contents.run.gates.isEmpty else { return .empty }
        return Block.card("Gates") {
            Block.table(
                ["condition", "found", ""],
                rows: contents.run.gates.map { gate in
                    let (word, kind) =
                        gate.passed.map { $0 ? ("passed", "passed") : ("failed", "failed") }
                        ?? ("not reached", "pending")
                    return [HTML.code { gate.text }, .text(gate.found ?? "–"), Block.badge(word, kind)]
                })
        }
    }
}
