import Foundation

/// When each node worked: one row per family, one bar per matrix point.
struct GanttChart {
    var run: ReportedRun
    var width = 1020.0

    private let labelWidth = 170.0
    private let rowHeight = 20.0
    private let top = 6.0

    var markup: Markup {
        let rows = run.families.filter { $0.nodes.contains { $0.started != nil && $0.seconds != nil } }
        guard !rows.isEmpty else {
            return HTML.p(.class("note")) { "No stage ran: everything came from the store." }
        }
        let end = rows.flatMap(\.nodes).map { offset(of: $0) + ($0.seconds ?? 0) }.max() ?? 1
        let (unit, name): (Double, String) =
            end < 180 ? (1, "seconds") : end < 7_200 ? (60, "minutes") : (3_600, "hours")
        let scale = Scale(Interval(0, max(end, 0.01) / unit), to: Interval(labelWidth, width - 66))
        let bottom = top + rowHeight * Double(rows.count)
        return Chart.drawing("When each stage ran", width: width, height: bottom + 36) {
            for tick in scale.ticks(8) {
                SVG.line(.class("grid"), .x1(scale(tick)), .x2(scale(tick)), .y1(top), .y2(bottom))
                Chart.text(Format.short(tick), scale(tick), bottom + 14, .middle, "tick")
            }
            Chart.text(
                "\(name) since the start", (scale.range.low + scale.range.high) / 2, bottom + 31, .middle,
                "axis-title")
            for (number, family) in rows.enumerated() {
                draw(family, y: top + rowHeight * Double(number), scale, unit)
            }
        }
    }

    private func draw(_ family: ReportedRun.Family, y: Double, _ scale: Scale, _ unit: Double) -> Markup {
        let worked = family.nodes.filter { $0.started != nil && $0.seconds != nil }
        let last = worked.map { offset(of: $0) + ($0.seconds ?? 0) }.max() ?? 0
        return SVG.g {
            Chart.label(family.name, labelWidth - 10, y + 14, .end, "name", width: labelWidth - 12)
            for node in worked {
                let start = scale(offset(of: node) / unit)
                SVG.g(.class("state-\(node.state.rawValue)")) {
                    SVG.title { "\(node.name): \(Format.duration(node.seconds ?? 0))" }
                    SVG.rect(
                        .class("span"), .x(start + 0.5), .y(y + 4),
                        .width(max(1.5, scale((offset(of: node) + (node.seconds ?? 0)) / unit) - start - 1)),
                        .height(rowHeight - 7), .rx(2))
                }
            }
            Chart.text(Format.duration(family.seconds), scale(last / unit) + 6, y + 14, .start, "tick")
        }
    }

    private func offset(of node: ReportedRun.Node) -> Double {
        max(0, node.started?.timeIntervalSince(run.started) ?? 0)
    }
}
