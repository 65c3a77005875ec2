/// Horizontal bars, one per name.
package struct BarChart {
    package struct Bar {
        package var name: String
        package var value: Double
        package var note: String?
        package var color = 0

        package init(name: String, value: Double, note: String? = nil, color: Int = 0) {
            self.name = name
            self.value = value
            self.note = note
            self.color = color
        }
    }

    /// A vertical line to compare the bars with.
    package struct Mark {
        package var value: Double
        package var name: String
    }

    package var title: String
    package var bars: [Bar]
    var marks: [Mark] = []
    var limit: Double?
    package var format: (Double) -> String
    package var width = 520.0
    package var labelWidth = 130.0

    package init(
        title: String, bars: [Bar], marks: [Mark] = [], limit: Double? = nil,
        format: @escaping (Double) -> String, width: Double = 520, labelWidth: Double = 130
    ) {
        self.title = title
        self.bars = bars
        self.marks = marks
        self.limit = limit
        self.format = format
        self.width = width
        self.labelWidth = labelWidth
    }

    private let rowHeight = 19.0
    private var top: Double { marks.isEmpty ? 4 : 20 }

    package var markup: Markup {
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
