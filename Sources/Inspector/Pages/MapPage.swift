import Foundation
import Report

/// Images on a plane.
struct Projection: Sendable {
    /// At most so many images are drawn.
    static let limit = 5_000

    struct Point: Sendable {
        let row: Int
        let x: Double
        let y: Double
    }

    let points: [Point]
}

/// The set's embeddings as points on the plane in which they vary most, coloured by class.
struct MapPage {
    let set: InspectedSet
    let projection: Projection?
    /// The class whose images alone are drawn; nil draws all.
    var className: String?

    private static let side = 760.0

    var markup: Markup {
        guard let points = projection?.points, !points.isEmpty else {
            return Block.note("The embeddings are no longer in the store.")
        }
        // The outermost hundredth must not squeeze the rest together.
        let (xs, ys) = (points.map(\.x).sorted(), points.map(\.y).sorted())
        let x = Scale(Self.bulk(xs), to: Interval(12, Self.side - 12))
        let y = Scale(Self.bulk(ys), to: Interval(Self.side * 0.72 - 12, 12))
        let classes = set.classes
        let shown =
            className.map { wanted in
                points.filter { set.table.className(of: $0.row) == wanted }
            } ?? points
        let colors = Dictionary(
            classes.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        return HTML.div(.class("card")) {
            classes.count > 1 ? choice(classes) : .empty
            classes.count <= Chart.colours
                ? Chart.legend(classes.enumerated().map { ($1, $0) })
                : Block.note(
                    "\(classes.count) classes share \(Chart.colours) colours; hover a point for its class.")
            HTML.div(.class("map")) {
                Chart.drawing(
                    "Map of \(shown.count) images", width: Self.side * 1.4, height: Self.side * 0.72 * 1.4
                ) {
                    SVG.g(.transform("scale(1.4)")) {
                        for point in shown { dot(point, x, y, colors) }
                    }
                }
            }
            Block.note(
                points.count < set.table.count
                    ? "\(Format.count(points.count)) of \(Format.count(set.table.count)) images, evenly chosen."
                    : "Principal components; distances on the plane are smaller than the true ones.")
        }
    }

    private func choice(_ classes: [String]) -> Markup {
        HTML.form(.class("controls filters"), Attribute("method", "get"), Attribute("action", "/map")) {
            Piece.choice(
                "class", "Class", [("", "all")] + classes.map { ($0, $0) }, chosen: className ?? "")
            HTML.button(.type("submit"), .class("primary")) { "Show" }
        }
    }

    private static func bulk(_ sorted: [Double]) -> Interval {
        let cut = sorted.count / 200
        return Interval(sorted[cut], sorted[sorted.count - 1 - cut])
    }

    private func dot(_ point: Projection.Point, _ x: Scale, _ y: Scale, _ colors: [String: Int]) -> Markup {
        guard let image = try? set.table.image(point.row) else { return .empty }
        let place = (
            x(min(max(point.x, x.domain.low), x.domain.high)),
            y(min(max(point.y, y.domain.low), y.domain.high))
        )
        return SVG.link(.href(Piece.imageAddress(image.id)), .data("image", image.id)) {
            SVG.circle(
                .class(Chart.color(image.queryClass.flatMap { colors[$0] } ?? 6)), .cx(place.0), .cy(place.1),
                .r(2.6))
            SVG.title { [image.queryClass, image.source].compactMap { $0 }.joined(separator: ": ") }
        }
    }
}
