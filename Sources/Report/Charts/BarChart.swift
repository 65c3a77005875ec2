/// Horizontal bars, one per name.
struct BarChart {
    struct Bar {
        var name: String
        var value: Double
        var note: String?
        var color = 0
    }

    /// A vertical line to compare the bars with.
    struct Mark {
        var value: Double
        var name: String
    }

    var title: String
    var bars: [Bar]
    var marks: [Mark] = []
    var limit: Double?
    var format: (Double) -> String
    var width = 520.0
    var labelWidth = 130.0

    private let rowHeight = 19.0
    private var top: Double { marks.isEmpty ? 4 : 20 }

    var markup: Markup {
        let largest = max(bars.map(\.value).max() ?? 0, marks.map(\.value).max() ?? 0, 1e-9)
        let scale = Scale(Interval(0, limit ?? largest), to: Interval(labelWidth, width - 74))
        let bottom = top + rowHeight * Double(bars.count)
        return Chart.drawing(title, width: width, height: bottom + 4) {
            for mark in marks {
                SVG.line(
                    .class("mark"), .x1(scale(mark.value)), .x2(scale(mark.value)), .y1(top - 4), .y2(bottom))
                Chart.text(mark.name, scale(mark.value), top - 8, .middle, "tick")
            }
            for (row, bar) in bars.enumerated() {
                draw(bar, y: top + rowHeight * Double(row), scale)
            }
        }
    }

    private func draw(_ bar: Bar, y: Double, _ scale: Scale) -> Markup {
        SVG.g(.class(Chart.color(bar.color))) {
            SVG.title { "\(bar.name): \(format(bar.value))" + (bar.note.map { ", \($0)" } ?? "") }
            Chart.label(bar.name, labelWidth - 8, y + 13, .end, "name", width: labelWidth - 10)
            SVG.rect(
                .class("bar"), .x(scale.range.low), .y(y + 3),
                .width(max(1, scale(bar.value) - scale.range.low)),
                .height(rowHeight - 6), .rx(2))
            Chart.text(format(bar.value), scale(bar.value) + 6, y + 13, .start, "tick")
        }
    }
}
