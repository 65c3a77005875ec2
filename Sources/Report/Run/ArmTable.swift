import Stages

/// Every arm at every evaluation that has several: a row for each arm, a column for the metric of each evaluation that
/// decides.
///
/// It is what subsets of experts, weights and worse experts are read from side by side.
struct ArmTable {
    fileprivate struct Column {
        var title: String
        var groups: [Stages.EvaluationFigures.Group]
        var floor: Double?
        var isShare: Bool
    }

    private let columns: [Column]
    private let arms: [String]

    /// Takes the evaluations of a run, seeds taken together; nil where no two arms were compared at two evaluations.
    init?(
        _ tasks: [(node: String, figures: TaskEvaluationFigures)],
        _ clips: [(node: String, figures: CLIPFigures)]
    ) {
        func column(_ node: String, _ comparison: TaskEvaluationFigures.Comparison?, isShare: Bool) -> Column?
        {
            guard let comparison, comparison.groups.count > 1 else { return nil }
            let arrow = comparison.lowerIsBetter ? "↓" : "↑"
            return Column(
                title: "\(node): \(comparison.metric) \(arrow)", groups: comparison.groups,
                floor: comparison.floor, isShare: isShare)
        }
        columns =
            tasks.compactMap { column($0.node, $0.figures.comparisons.first, isShare: false) }
            + clips.compactMap { column($0.node, $0.figures.comparisons?.first, isShare: true) }
        var arms: [String] = []
        for group in columns.flatMap(\.groups) where !arms.contains(group.name) { arms.append(group.name) }
        self.arms = arms
        guard columns.count > 1, arms.count > 1 else { return nil }
    }

    /// The titles of the columns.
    var head: [String] { ["arm"] + columns.map(\.title) }

    /// For each arm its mean at each evaluation, with the difference from the baseline and what that comes to; then the
    /// floor.
    var rows: [[String]] {
        var rows = arms.map { arm in [arm] + columns.map { $0.text(of: arm) } }
        if columns.contains(where: { $0.floor != nil }) {
            rows.append(["floor: without looking"] + columns.map { $0.text($0.floor) })
        }
        return rows
    }
}

extension ArmTable.Column {
    fileprivate func text(of arm: String) -> String {
        guard let group = groups.first(where: { $0.name == arm }) else { return "–" }
        return text(group.mean) + (group.versus.map { " (\(text($0)))" } ?? "")
    }

    fileprivate func text(_ value: Double?) -> String {
        guard let value else { return "–" }
        return isShare ? Format.percent(value) : Format.short(value)
    }

    fileprivate func text(_ versus: Stages.EvaluationFigures.Versus) -> String {
        let difference =
            isShare
            ? Format.points(versus.difference)
            : (versus.difference > 0 ? "+" : "") + Format.short(versus.difference)
        let verdict = versus.isEquivalent == true ? "equivalent" : versus.verdictName
        return difference + (versus.ci95 == nil ? "" : ", \(verdict)")
    }
}
