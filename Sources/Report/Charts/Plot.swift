import Foundation

/// A linear map from data to coordinates, with round tick values.
package struct Scale: Sendable {
    package let domain: Interval
    package let range: Interval

    /// A scale over exactly `domain`.
    package init(_ domain: Interval, to range: Interval) {
        let isPoint = domain.high - domain.low < 1e-12
        self.domain = isPoint ? Interval(domain.low - 0.5, domain.high + 0.5) : domain
        self.range = range
    }

    /// A scale over all `values`, widened to round numbers.
    package init(covering values: some Sequence<Double>, to range: Interval, tickCount: Int = 5) {
        let finite = values.filter(\.isFinite)
        let low = finite.min() ?? 0
        let high = finite.max() ?? 1
        let step = Self.step(over: max(high - low, 1e-9 + abs(high) * 1e-6), tickCount)
        self.init(Interval((low / step).rounded(.down) * step, (high / step).rounded(.up) * step), to: range)
    }

    package func callAsFunction(_ value: Double) -> Double {
        range.low + (value - domain.low) / (domain.high - domain.low) * (range.high - range.low)
    }

    /// Round values inside the domain.
    package func ticks(_ count: Int = 5) -> [Double] {
        let step = Self.step(over: domain.high - domain.low, count)
        let first = Int((domain.low / step - 1e-6).rounded(.up))
        let last = Int((domain.high / step + 1e-6).rounded(.down))
        return first <= last ? (first...last).map { Double($0) * step } : []
    }

    /// 1, 2 or 5 times a power of ten, so that about `count` steps cover `width`.
    private static func step(over width: Double, _ count: Int) -> Double {
        let raw = width / Double(max(count, 1))
        let power = pow(10, log10(raw).rounded(.down))
        let factor = [1, 2, 5, 10].first { raw <= $0 * power * 1.000_001 } ?? 10
        return factor * power
    }
}

/// The rectangle of a chart in which data is drawn, with its axes.
package struct Plot: Sendable {
    package let width: Double
    package let height: Double
    package let x: Scale
    package let y: Scale

    /// A plot that leaves `left` and `bottom` for the labels of its axes.
    package init(
        width: Double, height: Double, left: Double = 44, right: Double = 10, top: Double = 10,
        bottom: Double = 34,
        x: (Interval) -> Scale, y: (Interval) -> Scale
    ) {
        self.width = width
        self.height = height
        self.x = x(Interval(left, width - right))
        self.y = y(Interval(height - bottom, top))
    }

    /// The drawing, with `content` over the axes; screen readers get `label`.
    package func drawing(
        _ label: String, xTitle: String? = nil, xFormat: (Double) -> String = Format.short,
        yFormat: (Double) -> String = Format.short, xTicks: Int = 5, yTicks: Int = 4,
        @MarkupBuilder content: () -> Markup
    ) -> Markup {
        Chart.drawing(label, width: width, height: height) {
            for tick in y.ticks(yTicks) {
                SVG.line(.class("grid"), .x1(x.range.low), .x2(x.range.high), .y1(y(tick)), .y2(y(tick)))
                Chart.text(yFormat(tick), x.range.low - 7, y(tick) + 3.5, .end, "tick")
            }
            SVG.line(.class("axis"), .x1(x.range.low), .x2(x.range.high), .y1(y.range.low), .y2(y.range.low))
            for tick in x.ticks(xTicks) {
                Chart.text(xFormat(tick), x(tick), y.range.low + 15, .middle, "tick")
            }
            if let xTitle {
                Chart.text(xTitle, (x.range.low + x.range.high) / 2, height - 4, .middle, "axis-title")
            }
            content()
        }
    }
}

/// Pieces that every chart is made of.
///
/// Colours come from the style sheet: series `n` has the class `s<n>`.
package enum Chart {
    /// How many series colours the style sheet has.
    package static let colours = 8

    /// An SVG drawing that shrinks with its column but never grows; no `style` attribute, which a strict Content-Security-Policy forbids.
    package static func drawing(
        _ label: String, width: Double, height: Double, @MarkupBuilder content: () -> Markup
    ) -> Markup {
        SVG.svg(
            Attribute("viewBox", "0 0 \(Format.coordinate(width)) \(Format.coordinate(height))"),
            .width(width), .height(height), Attribute("role", "img"),
            Attribute("aria-label", label), content: content)
    }

    package static func text(
        _ text: String, _ x: Double, _ y: Double, _ anchor: Attribute.TextAnchor = .start, _ kind: String = ""
    ) -> Markup {
        SVG.text(.class(kind), .x(x), .y(y), .anchor(anchor)) { text }
    }

    /// Text that is cut in its middle to about `width` pixels; names often differ at their end only, and the whole
    /// of it shows on hover.
    package static func label(
        _ text: String, _ x: Double, _ y: Double, _ anchor: Attribute.TextAnchor = .start,
        _ kind: String = "",
        width: Double
    ) -> Markup {
        let room = max(5, Int(width / 7))
        guard text.count > room else { return Self.text(text, x, y, anchor, kind) }
        return SVG.text(.class(kind), .x(x), .y(y), .anchor(anchor)) {
            SVG.title { text }
            "\(text.prefix(room / 2 - 1))…\(text.suffix(room - room / 2))"
        }
    }

    package static func color(_ index: Int) -> String { "s\(index % colours)" }

    /// A path through points, with gaps where a value is not finite.
    package static func path(_ points: [(x: Double, y: Double)]) -> String {
        var path = ""
        var isDrawing = false
        for point in points {
            guard point.x.isFinite, point.y.isFinite else {
                isDrawing = false
                continue
            }
            path += "\(isDrawing ? "L" : "M")\(Format.coordinate(point.x)) \(Format.coordinate(point.y))"
            isDrawing = true
        }
        return path
    }

    /// The key to the colours of one or more charts.
    package static func legend(_ entries: [(name: String, color: Int)]) -> Markup {
        HTML.div(.class("legend")) {
            for entry in entries {
                HTML.span(.class("key \(color(entry.color))")) { entry.name }
            }
        }
    }
}
