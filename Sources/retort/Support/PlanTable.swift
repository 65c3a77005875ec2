import Engine

/// A plan as people read it: what happens to each stage, why, and how long it may take.
struct PlanTable {
    let plan: Plan
    let style: TextStyle

    /// A line per stage; without the cached ones when `isBrief`.
    func lines(isBrief: Bool = false) -> [String] {
        var table = TextTable()
        for stage in plan.stages where !isBrief || stage.state != .cached {
            table.add(
                state(stage.state), TextTable.Cell(stage.node, style.bold),
                TextTable.Cell(stage.kind, style.dim),
                "\(estimate(stage.estimate))", "\(reasons(stage.reasons))")
        }
        return table.lines()
    }

    /// `3 stages to run (about 4 min, 120 MB), 11 cached`.
    var summary: String {
        let pending = plan.pending.count
        let cached = plan.stages.count { $0.state == .cached }
        let blocked = plan.stages.count { $0.state == .blocked }
        guard pending + blocked > 0 else { return "nothing to do: \(Wording.count(cached, "stage")) cached" }
        var parts = ["\(Wording.count(pending, "stage")) to run"]
        if let seconds = plan.estimatedSeconds {
            let bytes = plan.pending.compactMap { $0.estimate?.bytes }.reduce(0, +)
            parts[0] += " (about \(Wording.duration(seconds)), \(Wording.bytes(bytes)))"
        }
        if cached > 0 { parts.append("\(cached) cached") }
        if blocked > 0 { parts.append("\(blocked) blocked") }
        return parts.joined(separator: ", ")
    }

    private func state(_ state: PlannedStage.State) -> TextTable.Cell {
        switch state {
        case .run: TextTable.Cell("RUN", style.yellow)
        case .resume(let done): TextTable.Cell("RESUME \(Int(done * 100)) %", style.cyan)
        case .cached: TextTable.Cell("CACHED", style.green)
        case .blocked: TextTable.Cell("BLOCKED", style.red)
        }
    }

    private func estimate(_ estimate: Estimate?) -> String {
        guard let estimate else { return "" }
        let range =
            estimate.least < estimate.most
            ? " (\(Wording.duration(estimate.least))–\(Wording.duration(estimate.most)))" : ""
        let images = estimate.images.map { ", \(Wording.count($0, "image"))" } ?? ""
        let bytes = estimate.bytes.map { ", \(Wording.bytes($0))" } ?? ""
        return "~\(Wording.duration(estimate.seconds))\(range)\(images)\(bytes)"
    }

    /// The first differences; `why` shows them all.
    private func reasons(_ reasons: [KeyDifference]) -> String {
        let shown = reasons.prefix(3).map(\.description).joined(separator: ", ")
        return reasons.count > 3 ? shown + ", … (\(reasons.count - 3) more)" : shown
    }
}
